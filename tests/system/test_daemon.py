"""The daemon over a real Debian root: what apt installs there is on every client a moment later."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from cluster import Cluster
from daemon_support import daemon_settings, eventually, running

pytestmark = [pytest.mark.root, pytest.mark.system]

CLIENTS = 5
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
}


def in_root(root: Path, *command: str) -> None:
    """Run a command in the root; with few descriptors, for apt tries to close each there may be."""
    few = ("sh", "-c", 'ulimit -n 1024 && exec "$@"', "sh")
    done = subprocess.run(
        ["chroot", str(root), *few, *command], env=ENVIRONMENT, capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def build(root: Path, version: int, lines: str) -> str:
    """Build a package with a private file, a directory and an enabled unit; return its path."""
    place = root / f"srv/greeter-{version}"
    files = {
        "DEBIAN/control": f"Package: greeter\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: nobody <nobody@localhost>\nDescription: greets\n",
        "DEBIAN/conffiles": "/etc/greeter/greeter.conf\n",
        "DEBIAN/postinst": "#!/bin/sh\nchgrp adm /etc/greeter/greeter.conf\n"
        "chmod 0640 /etc/greeter/greeter.conf\n"
        "ln -sf /lib/systemd/system/greeter.service "
        "/etc/systemd/system/multi-user.target.wants/greeter.service\n",
        "etc/greeter/greeter.conf": lines,
    }
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (place / "DEBIAN/postinst").chmod(0o755)
    (place / "etc/greeter/drop-in.d").mkdir()
    in_root(root, "dpkg-deb", "--build", f"/srv/greeter-{version}", f"/srv/greeter-{version}.deb")
    return f"/srv/greeter-{version}.deb"


@pytest.fixture
def cluster(debian_root: Path, tmp_path: Path) -> Cluster:
    (debian_root / "etc/systemd/system/multi-user.target.wants").mkdir(parents=True, exist_ok=True)
    cluster = Cluster(tmp_path, debian_root)
    cluster.write_settings(daemon_settings(settle=1.0), packs='["base", "debian"]')
    cluster.run("init", "--root", str(debian_root), "--clients", f"client{{0..{CLIENTS - 1}}}")
    return cluster


def test_a_package_is_on_every_client_a_moment_after_apt_has_ended(cluster: Cluster) -> None:
    root = cluster.root
    trees = [cluster.tree(number) for number in range(CLIENTS)]
    first = build(root, 1, "greeting = hello\n\nname = world\n")
    second = build(root, 2, "greeting = good day\n\nname = world\n")
    with running(cluster) as daemon:
        in_root(root, "apt-get", "install", "-y", first)
        place = "greeter/greeter.conf"
        link = "systemd/system/multi-user.target.wants/greeter.service"
        paths = (place, link, "greeter/drop-in.d")
        eventually(lambda: all(os.path.lexists(tree / path) for tree in trees for path in paths))
        for tree in trees:
            state = (tree / place).lstat()
            upstream = (cluster.etc / place).lstat()
            assert stat.S_IMODE(state.st_mode) == 0o640
            assert state.st_gid == upstream.st_gid != 0
            assert (tree / "greeter/drop-in.d").is_dir()
            assert os.readlink(tree / link) == "/lib/systemd/system/greeter.service"

        trees[1].joinpath(place).write_text("greeting = hello\n\nname = client1\n")
        trees[2].joinpath(place).write_text("greeting = go away\n\nname = world\n")
        eventually(lambda: len(daemon.said("recorded", why="client")) >= 2)
        in_root(root, "apt-get", "install", "-y", second)
        eventually(
            lambda: (trees[0] / place).read_text() == "greeting = good day\n\nname = world\n"
        )
        eventually(lambda: cluster.status()["client2"]["conflicts"])
        assert (trees[1] / place).read_text() == "greeting = good day\n\nname = client1\n"
        assert (trees[2] / place).read_text() == "greeting = go away\n\nname = world\n"

        in_root(root, "apt-get", "purge", "-y", "greeter")
        eventually(lambda: not (trees[0] / place).exists())
