"""The hooks at work: real transactions of real package managers, announced when they end."""

import os
import subprocess
from pathlib import Path

import pytest
from announcing import announced_at
from cluster import Cluster

from etcsync.host.announcement import MARK
from etcsync.host.hooks.hook_file import install
from etcsync.host.hooks.root_hooks import all_root_hooks

pytestmark = [pytest.mark.root, pytest.mark.system]

INSIDE = 'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" "$@"'


@pytest.fixture
def root(debian_root: Path, tmp_path: Path) -> Path:
    """A root with apt and pacman, and etcsync's hooks for both."""
    cluster = Cluster(tmp_path, debian_root)
    cluster.write_settings()
    said = cluster.run("hooks", "install", "--destdir", str(tmp_path / "server")).out
    assert f"chroot {debian_root} etckeeper commit" in said
    inside(debian_root, "etckeeper", "commit", "-m", "hooks")
    return debian_root


def inside(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the root as an administrator does who has entered it."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
    entered = ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, root, *command]
    done = subprocess.run(entered, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def build_deb(root: Path) -> str:
    """Build a package with one file in /etc in the root, and return its path in there."""
    tree = root / "tmp/deb"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "etc").mkdir()
    (tree / "etc/shipped.conf").write_text("a = 1\n")
    (tree / "DEBIAN/control").write_text(
        "Package: shipped\nVersion: 1\nArchitecture: all\nMaintainer: a <a@a>\nDescription: a\n"
    )
    inside(root, "dpkg-deb", "--build", "--root-owner-group", "/tmp/deb", "/tmp/shipped.deb")
    return "/tmp/shipped.deb"


def build_pacman_package(root: Path) -> str:
    tree = root / "tmp/pkg"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/shipped.conf").write_text("a = 1\n")
    (tree / ".PKGINFO").write_text("pkgname = shipped\npkgver = 1-1\narch = any\nsize = 6\n")
    inside(
        root, "tar", "-C", "/tmp/pkg", "-czf", "/tmp/shipped-1-1-any.pkg.tar.gz", ".PKGINFO", "etc"
    )
    return "/tmp/shipped-1-1-any.pkg.tar.gz"


def last_commit_written(root: Path) -> float:
    return os.stat(root / "etc/.git/logs/HEAD").st_mtime


def test_apt_announces_after_etckeeper_has_committed(root):
    package = build_deb(root)
    assert announced_at(str(root)) is None
    before = last_commit_written(root)
    inside(root, "apt-get", "install", "--yes", package)
    committed, announced = last_commit_written(root), announced_at(str(root))
    assert before < committed < announced
    inside(root, "apt-get", "purge", "--yes", "shipped")
    assert announced < last_commit_written(root) < announced_at(str(root))


def test_pacman_announces_each_transaction_without_etckeeper_too(root):
    (root / "usr/bin/etckeeper").unlink()
    package = build_pacman_package(root)
    said = inside(root, "pacman", "-U", "--noconfirm", package).stdout
    assert "Announcing the end of the transaction to etcsync" in said
    assert "error" not in said
    first = announced_at(str(root))
    assert (root / "etc/shipped.conf").stat().st_ctime < first
    inside(root, "pacman", "-R", "--noconfirm", "shipped")
    assert announced_at(str(root)) > first


def test_etckeeper_announces_after_it_has_committed(root):
    script = next(hook for hook in all_root_hooks(str(root)) if hook.name == "etckeeper")
    install(script)
    (root / "etc/changed").write_text("by a package\n")
    inside(root, "etckeeper", "post-install")
    assert last_commit_written(root) < announced_at(str(root))


def test_a_place_that_cannot_be_written_fails_no_transaction(root):
    """As on a client, where the root is read-only: here a file is in the way."""
    (root / MARK).parent.write_text("")
    said = inside(root, "apt-get", "install", "--yes", build_deb(root))
    assert "etcsync" not in said.stdout + said.stderr
    assert (root / "etc/shipped.conf").exists()
    said = inside(
        root, "pacman", "-U", "--noconfirm", "--overwrite", "*", build_pacman_package(root)
    )
    assert "failed" not in said.stdout + said.stderr
