"""Users of clients and system users of packages, made by the real tools, in the guide's cluster."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cluster import IDENTITY, Cluster, git

pytestmark = [
    pytest.mark.root,
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("useradd") is None, reason="needs useradd"),
]

CLIENTS = 3
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C"}


def run(*command: str | Path, status: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        env=ENVIRONMENT, capture_output=True, check=False, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode in status, done.stdout + done.stderr
    return done.stdout + done.stderr


def chroot(root: Path, *command: str) -> str:
    return run("chroot", root, *command)


def chroot_tells(root: Path, *command: str) -> bool:
    """Return whether a program in the root says yes."""
    return subprocess.run(["chroot", root, *command], env=ENVIRONMENT, check=False).returncode == 0


@pytest.fixture
def cluster(debian_root: Path, tmp_path: Path) -> Cluster:
    """The guide's cluster: clones of a root's /etc, and a commit of its own in each."""
    if chroot_tells(debian_root, "etckeeper", "unclean"):
        chroot(debian_root, "etckeeper", "commit", "Before the clients")
    built = Cluster(tmp_path, debian_root)
    for number in range(CLIENTS):
        tree = built.tree(number)
        subprocess.run(
            ["git", "clone", "-q", debian_root / "etc/.git", tree], env=ENVIRONMENT, check=True
        )
        (tree / "hostname").write_text(f"client{number}\n")
        git(tree, "commit", "-q", "-a", "-m", "Name the client")
    built.write_settings(packs='["base", "debian"]')
    return built


def as_root_of(cluster: Cluster, tree: Path, *command: str) -> None:
    """Run a command in the shared root with ``tree`` as its /etc, as a client sees it."""
    script = 'mount --bind "$1" "$2/etc" && shift && exec chroot "$@"'
    run("unshare", "--mount", "sh", "-ec", script, "sh", tree, cluster.root, *command)


def complaints(cluster: Cluster, tree: Path) -> set[str]:
    """What pwck(8) and grpck(8) say of a tree, with the shared root around it."""
    found: set[str] = set()
    for tool in ("pwck", "grpck"):
        script = 'mount --bind "$1" "$2/etc" && exec chroot "$2" "$3" -r'
        said = run(
            "unshare", "--mount", "sh", "-ec", script, "sh", tree, cluster.root, tool,
            status=(0, 2),
        )  # fmt: skip
        found.update(line for line in said.splitlines() if not line.endswith("no changes"))
    return found


def add_client_users(cluster: Cluster) -> None:
    for number in range(CLIENTS):
        name, uid = f"user{number}", str(1100 + number)
        as_root_of(
            cluster,
            cluster.tree(number),
            "useradd",
            "-M",
            "-d",
            "/",
            "-u",
            uid,
            "-s",
            "/bin/bash",
            name,
        )


def add_service(cluster: Cluster, name: str) -> None:
    """Let systemd-sysusers(8) create a package's user, and commit as the package manager does."""
    declared = cluster.root / "usr/lib/sysusers.d" / f"{name}.conf"
    declared.parent.mkdir(parents=True, exist_ok=True)
    declared.write_text(f'u {name} - "A service" /\n')
    chroot(cluster.root, "systemd-sysusers", f"{name}.conf")
    (cluster.etc / f"{name}.conf").write_text(f"settings of {name}\n")
    chroot(cluster.root, "etckeeper", "commit", f"Install {name}")


def names(tree: Path, file: str) -> list[str]:
    return [line.split(":")[0] for line in (tree / file).read_text().splitlines()]


def pulls_conflict(tree: Path, copy: Path) -> bool:
    """Do what the guide's loop does, in a copy of a clone: commit what changed, and pull."""
    subprocess.run(["cp", "-a", tree, copy], check=True)
    git(copy, "add", "-A")
    git(copy, "commit", "-q", "-m", "What changed here")
    pulled = subprocess.run(
        ["git", "-C", copy, *IDENTITY, "pull", "-q", "--no-rebase", "--no-edit"],
        env=ENVIRONMENT, capture_output=True, check=False,
    )  # fmt: skip
    unmerged = git(copy, "diff", "--name-only", "--diff-filter=U").split()
    assert bool(unmerged) == (pulled.returncode != 0), pulled.stderr
    return "passwd" in unmerged


def by_name(document: Any) -> dict[str, Any]:
    return {client["name"]: client for client in document["clients"]}


def test_users_of_clients_and_of_packages_come_together_where_git_pull_conflicts(
    cluster: Cluster, tmp_path: Path
) -> None:
    at_first = complaints(cluster, cluster.etc)
    add_client_users(cluster)
    add_service(cluster, "beacon")
    copies = [tmp_path / f"copy{number}" for number in range(CLIENTS)]
    for number, copy in enumerate(copies):
        assert pulls_conflict(cluster.tree(number), copy)

    cluster.run("init", "--root", str(cluster.root), "--clients", f"client{{0..{CLIENTS - 1}}}")
    cluster.sync()
    for number in range(CLIENTS):
        tree = cluster.tree(number)
        for file in ("passwd", "shadow", "group", "gshadow"):
            assert {"beacon", f"user{number}"} <= set(names(tree, file)), file
            assert len(names(tree, file)) == len(set(names(tree, file))), file
        for file in ("subuid", "subgid"):
            assert f"user{number}" in names(tree, file)
        assert (tree / "beacon.conf").read_text() == "settings of beacon\n"
        assert (tree / "shadow").stat().st_mode & 0o777 == 0o640
        assert os.stat(tree / "shadow").st_gid == os.stat(cluster.etc / "shadow").st_gid
        assert complaints(cluster, tree) <= at_first
    assert not any(client["conflicts"] for client in cluster.status().values())
    assert all(client["actions"] == [] for client in cluster.sync()["clients"])


def test_accounts_that_collide_are_held_and_the_rest_of_the_commit_arrives(
    cluster: Cluster,
) -> None:
    at_first = complaints(cluster, cluster.etc)
    cluster.run("init", "--root", str(cluster.root), "--clients", f"client{{0..{CLIENTS - 1}}}")
    cluster.sync()
    for number in (0, 1):
        as_root_of(cluster, cluster.tree(number), "useradd", "-d", "/", "-r", "-u", "701", "local")
    chroot(cluster.root, "useradd", "-d", "/", "-r", "-u", "701", "beacon")
    (cluster.etc / "beacon.conf").write_text("settings of beacon\n")
    chroot(cluster.root, "etckeeper", "commit", "Install beacon")

    done = by_name(cluster.sync(status=1))
    for name in ("client0", "client1"):
        held = {conflict["path"]: conflict for conflict in done[name]["conflicts"]}
        assert {conflict["reason"] for conflict in held.values()} == {"account"}
        assert {"passwd", "shadow", "group", "gshadow"} <= held.keys()
        assert "client local, upstream beacon" in held["passwd"]["detail"]
        tree = cluster.tree(name)
        assert "beacon" not in names(tree, "passwd") + names(tree, "group")
        assert (tree / "beacon.conf").read_text() == "settings of beacon\n"
        assert complaints(cluster, tree) <= at_first
    assert done["client2"]["conflicts"] == []
    assert names(cluster.tree(2), "passwd")[-1] == "beacon"

    for number in (0, 1):
        tree = cluster.tree(number)
        as_root_of(cluster, tree, "usermod", "-u", "702", "local")
        as_root_of(cluster, tree, "groupmod", "-g", "702", "local")
    cluster.sync()
    for number in range(CLIENTS):
        assert "beacon" in names(cluster.tree(number), "passwd")
        assert complaints(cluster, cluster.tree(number)) <= at_first
