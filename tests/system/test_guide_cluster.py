"""The guide's cluster: a Debian root under etckeeper, six trees made by the guide's one-liner."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from cluster import Cluster, git

pytestmark = [pytest.mark.root, pytest.mark.system]

CLIENTS = 6
PRIVATE_PATHS = ("shadow", "gshadow", "ssl/private", "ssl/private/server.key", ".etckeeper")


def chroot(root: Path, *command: str) -> str:
    done = subprocess.run(
        ["chroot", str(root), *command],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def server_etc_state() -> tuple[str, str]:
    """What a hook that strays to the server's own /etc would change."""
    head = subprocess.run(
        ["git", "-C", "/etc", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout
    metadata = Path("/etc/.etckeeper")
    return head, metadata.read_text() if metadata.exists() else ""


@pytest.fixture
def cluster(debian_root: Path, tmp_path: Path) -> Cluster:
    etc = debian_root / "etc"
    (etc / "ssl/private").mkdir(parents=True, exist_ok=True)
    (etc / "ssl/private/server.key").write_text("not a key\n")
    (etc / "an-empty-place").mkdir()
    chroot(debian_root, "groupadd", "--system", "--gid", "917", "keyholders")
    os.chmod(etc / "ssl/private", 0o710)
    os.chmod(etc / "ssl/private/server.key", 0o640)
    os.chown(etc / "ssl/private", 0, 917)
    os.chown(etc / "ssl/private/server.key", 0, 917)
    chroot(debian_root, "etckeeper", "commit", "Initial commit of the guide's cluster")
    built = Cluster(tmp_path, debian_root)
    for number in range(CLIENTS):
        tree = built.tree(number)
        subprocess.run(["git", "clone", "-q", str(etc / ".git"), str(tree)], check=True)
        key = tree / "ssh/ssh_host_ed25519_key"
        key.parent.mkdir(exist_ok=True)
        key.write_text(f"the key of client{number}\n")
        key.chmod(0o600)
        git(tree, "add", ".")
        git(tree, "commit", "-q", "-m", "Add SSH host keys")
    built.write_settings(packs='["base", "debian"]')
    return built


def metadata(path: Path) -> tuple[int, int, int]:
    state = path.lstat()
    return stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid


def etckeepers_own_metadata(root: Path, tree: Path) -> bytes:
    """Let the root's etckeeper describe ``tree`` as if it were its /etc, in a copy of the tree."""
    copy = root / "srv/copy-of-a-tree"
    subprocess.run(["cp", "-a", str(tree), str(copy)], check=True)
    (copy / ".git").unlink()
    chroot(root, "git", "init", "-q", "/srv/copy-of-a-tree")
    # Tracked files are not subject to .gitignore, here as in the tree.
    tracked = git(tree, "ls-files", "-z").encode("utf-8", "surrogateescape")
    listed = b"\0".join(name for name in tracked.split(b"\0") if name and name != b".etckeeper")
    subprocess.run(
        ["chroot", str(root), "git", "-C", "/srv/copy-of-a-tree", "add", "-f",
         "--pathspec-from-file=-", "--pathspec-file-nul"],
        input=listed, check=True,
    )  # fmt: skip
    chroot(root, "etckeeper", "pre-commit", "-d", "/srv/copy-of-a-tree")
    content = (copy / ".etckeeper").read_bytes()
    subprocess.run(["rm", "-rf", str(copy)], check=True)
    return content


def test_init_adopts_clones_and_sync_brings_commits_with_metadata(cluster: Cluster) -> None:
    server_before = server_etc_state()
    cluster.run("init", "--root", str(cluster.root), "--clients", "client{0..5}")
    for number in range(CLIENTS):
        history = git(cluster.tree(number), "log", "--format=%s")
        assert "Add SSH host keys" in history
        assert "Initial commit of the guide's cluster" in history
        assert (cluster.tree(number) / ".git").is_file()

    (cluster.etc / "motd").write_text("a message for all\n")
    chroot(cluster.root, "etckeeper", "commit", "Say something")
    run = cluster.sync()

    assert {client["name"] for client in run["clients"]} == {f"client{n}" for n in range(CLIENTS)}
    empty = [
        Path(line.split("'")[1].removeprefix("./"))
        for line in (cluster.etc / ".etckeeper").read_text().splitlines()
        if line.startswith("mkdir")
    ]
    assert Path("an-empty-place") in empty
    for number in range(CLIENTS):
        tree = cluster.tree(number)
        assert (tree / "motd").read_text() == "a message for all\n"
        assert (tree / "ssh/ssh_host_ed25519_key").read_text() == f"the key of client{number}\n"
        assert metadata(tree / "ssh/ssh_host_ed25519_key")[0] == 0o600
        for path in (*map(Path, PRIVATE_PATHS), *empty):
            assert metadata(tree / path) == metadata(cluster.etc / path), path
        assert etckeepers_own_metadata(cluster.root, tree) == (tree / ".etckeeper").read_bytes()
        changed = git(tree, "status", "--porcelain").splitlines()
        assert [line for line in changed if not line.startswith("??")] == []
    assert all(client["state"] == "synced" for client in cluster.status().values())
    assert server_etc_state() == server_before


def test_every_shared_file_has_the_roots_metadata_after_the_first_sync(cluster: Cluster) -> None:
    cluster.run("init", "--root", str(cluster.root), "--clients", "client{0..5}")
    cluster.sync()
    tree = cluster.tree(0)
    for listed in git(cluster.etc, "ls-files", "-z").split("\0"):
        place = tree / listed
        if listed.endswith("-") and listed != "":
            # Backups of the account files are nobody's business but must not become public.
            assert metadata(place)[0] & ~metadata(cluster.etc / listed)[0] == 0, listed
        elif listed and not place.is_symlink():
            assert metadata(place) == metadata(cluster.etc / listed), listed


def test_a_tree_can_be_released_as_a_clone_and_adopted_again(cluster: Cluster) -> None:
    cluster.run("init", "--root", str(cluster.root), "--clients", "client{0..5}")
    cluster.sync()
    cluster.run("client", "release", "client3")
    tree = cluster.tree(3)
    assert (tree / ".git").is_dir()
    changed = git(tree, "status", "--porcelain").splitlines()
    assert [line for line in changed if not line.startswith("??")] == []
    assert "Add SSH host keys" in git(tree, "log", "--format=%s")
    assert "client3" not in cluster.status()

    cluster.run("client", "add", "client3")
    cluster.sync()
    assert cluster.status()["client3"]["state"] == "synced"
