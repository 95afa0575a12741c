"""A client's changes go upstream and to everybody, in the guide's cluster under real etckeeper."""

import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, fingerprint, git
from killed_promotion import points, promote_killed_at

pytestmark = [
    pytest.mark.root,
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("useradd") is None, reason="needs useradd"),
]

CLIENTS = 6
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C"}
ACCOUNT_FILES = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
NAMED = ACCOUNT_FILES[:4]


def run(*command: str | Path, status: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        env=ENVIRONMENT, capture_output=True, check=False, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode in status, (command, done.returncode, done.stdout + done.stderr)
    return done.stdout + done.stderr


def chroot(root: Path, *command: str, status: tuple[int, ...] = (0,)) -> str:
    return run("chroot", root, *command, status=status)


def add_user(cluster: Cluster, tree: Path, name: str) -> None:
    """Run useradd(8) in the shared root with ``tree`` as its /etc, as a client does."""
    script = 'mount --bind "$1" "$2/etc" && shift && exec chroot "$@"'
    command = ("useradd", "-M", "-d", "/", "-u", "1100", "-s", "/bin/bash", name)
    run("unshare", "--mount", "sh", "-ec", script, "sh", tree, cluster.root, *command)


@pytest.fixture
def cluster(debian_root: Path, tmp_path: Path) -> Cluster:
    etc = debian_root / "etc"
    (etc / "mkinitcpio.conf").write_text("MODULES=()\nHOOKS=(base udev)\nCOMPRESSION=zstd\n")
    (etc / "old.d").mkdir()
    (etc / "old.d/only").write_text("to be removed\n")
    (etc / "quo'te d").mkdir()
    chroot(debian_root, "etckeeper", "commit", "Before the clients")
    built = Cluster(tmp_path, debian_root)
    built.write_settings(packs='["base", "debian"]')
    clients = f"client{{0..{CLIENTS - 1}}}"
    built.run("init", "--root", str(debian_root), "--clients", clients)
    built.sync()
    return built


def change_client0(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    text = (tree / "mkinitcpio.conf").read_text()
    (tree / "mkinitcpio.conf").write_text(text.replace("()", "(nfs)"))
    (tree / "backup.conf").write_text("where = server\n")
    (tree / "backup.conf").chmod(0o600)
    (tree / "site.d").mkdir(mode=0o2750)
    (tree / "site.d").chmod(0o2750)
    (tree / "site.d/first").write_text("first\n")
    (tree / "site.d/empty").mkdir()
    (tree / "old.d/only").unlink()
    add_user(cluster, tree, "local")


def keeper_is_content(cluster: Cluster) -> None:
    """Assert that etckeeper finds nothing to commit, and would write the same metadata."""
    chroot(cluster.root, "etckeeper", "unclean", status=(1,))
    before = (cluster.etc / ".etckeeper").read_bytes()
    chroot(cluster.root, "etckeeper", "pre-commit", "-d", "/etc")
    assert (cluster.etc / ".etckeeper").read_bytes().decode() == before.decode()
    chroot(cluster.root, "etckeeper", "unclean", status=(1,))
    assert git(cluster.etc, "status", "--porcelain") == ""
    assert git(cluster.etc, "fsck", "--no-dangling").strip() == ""


def state(place: Path) -> tuple[int, int, int, bytes]:
    status = place.lstat()
    content = place.read_bytes() if stat.S_ISREG(status.st_mode) else b""
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, content


def all_agree(cluster: Cluster, *paths: str) -> None:
    for number in range(CLIENTS):
        for path in paths:
            assert state(cluster.tree(number) / path) == state(cluster.etc / path), (number, path)


def history(cluster: Cluster, client: str) -> list[str]:
    hub = cluster.state / "hub.git"
    return git(hub, "log", "--format=%s", f"refs/heads/{client}").splitlines()


def promote(cluster: Cluster, *arguments: str, status: int = 0) -> Any:
    return cluster.run("promote", "client0", "--json", *arguments, status=status).json


def test_a_round_trip_of_a_clients_changes_to_all(cluster: Cluster) -> None:
    server = Path("/etc/.etckeeper")
    server_before = server.read_bytes() if server.exists() else None
    change_client0(cluster)
    before = fingerprint(cluster.tree(0))
    first = promote(cluster)
    assert set(first["promoted"]) == {
        "mkinitcpio.conf", "backup.conf", "site.d", "site.d/first", "site.d/empty", "old.d/only",
    }  # fmt: skip
    reasons = {each["path"]: each["reason"] for each in first["left_out"]}
    for path in NAMED:
        assert "only when it is named" in reasons[path]
    keeper_is_content(cluster)
    assert git(cluster.etc, "rev-parse", "HEAD").strip() == first["commit"]

    second = promote(cluster, *NAMED, "-m", "Let local in")
    assert {*NAMED} <= {*second["promoted"]} <= {*ACCOUNT_FILES}
    keeper_is_content(cluster)
    for path in ("mkinitcpio.conf", "backup.conf", *ACCOUNT_FILES):
        inode = before[str(cluster.tree(0) / path)]
        assert fingerprint(cluster.tree(0))[str(cluster.tree(0) / path)] == inode, "no echo"

    messages = git(cluster.etc, "log", "-2", "--format=%an <%ae>|%cn|%s|%(trailers:only,unfold)")
    assert messages.count("client0 <root@client0>") == 2
    assert "|Let local in|Promoted-from: client0\nEtcsync-Captured: " in messages
    captured = git(
        cluster.etc, "log", "-1", "--format=%(trailers:key=Etcsync-Captured,valueonly)"
    ).strip()
    hub = cluster.state / "hub.git"
    recorded = git(hub, "show", f"{captured}:passwd")
    assert "local:x:1100" in recorded

    run_of_all = cluster.sync()
    assert not any(client["conflicts"] for client in run_of_all["clients"])
    assert run_of_all["clients"][0]["actions"] == []
    all_agree(cluster, "mkinitcpio.conf", "backup.conf", "site.d", "site.d/first", "site.d/empty",
              "old.d", *ACCOUNT_FILES)  # fmt: skip
    assert not any((cluster.tree(number) / "old.d/only").exists() for number in range(CLIENTS))
    assert all(client["state"] == "synced" for client in cluster.status().values())
    captures = [line for line in history(cluster, "client0") if line.startswith("Capture")]
    assert len(captures) == 1, "the client's changes, once"
    again = promote(cluster)
    assert (again["commit"], again["promoted"]) == (None, [])
    if server_before is not None:
        assert server.read_bytes() == server_before


POINTS = 6
"""Calls of a promotion that a run dies at here; a test with a plain cluster tries many more."""


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_killed_between_steps_etckeeper_and_all_trees_agree_in_the_end(
    cluster: Cluster, tmp_path: Path
) -> None:
    tree = cluster.tree(0)

    def change(number: int) -> None:
        (tree / "mkinitcpio.conf").write_text(f"HOOKS=({number})\n")
        (tree / f"site.d/empty/{number}").mkdir()
        (tree / "backup.conf").chmod(0o600 if number % 2 else 0o640)

    change_client0(cluster)
    promote(cluster)
    cluster.sync()
    change(0)
    calls = points(cluster, tmp_path / "calls")
    cluster.sync()
    outcomes = set()
    for number, point in enumerate(calls[:: len(calls) // POINTS], start=1):
        change(number)
        head = git(cluster.etc, "rev-parse", "HEAD")
        promote_killed_at(cluster, point)
        cluster.sync()
        outcomes.add(git(cluster.etc, "rev-parse", "HEAD") != head)
        keeper_is_content(cluster)
    assert outcomes == {True, False}
    promote(cluster)
    keeper_is_content(cluster)
    cluster.sync()
    all_agree(cluster, "mkinitcpio.conf", "backup.conf", "site.d/empty/0")
    assert not any(client["conflicts"] for client in cluster.status().values())
