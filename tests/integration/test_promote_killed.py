"""Killed at any step, a promotion is there entirely or not at all once the next run has looked."""

import os
from pathlib import Path

import pytest
from cluster import Cluster, git, sample_cluster
from killed_promotion import points, promote_killed_at

STEP = 7
"""Every so-manieth call is a point to die at; all of them were tried once."""


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    built = sample_cluster(tmp_path, clients=2)
    built.sync()
    (built.etc / "chrony.conf").write_text("being edited\n")
    (built.etc / "wip").write_text("half done\n")
    git(built.etc, "add", "--intent-to-add", "wip")
    return built


def change_client(cluster: Cluster, number: int) -> None:
    """Have client0 change something in every way."""
    tree = cluster.tree(0)
    (tree / "motd").write_text(f"message {number}\n")
    (tree / f"new{number}").mkdir()
    (tree / f"new{number}/file").write_text("new\n")
    (tree / "hosts").chmod(0o600 if (tree / "hosts").stat().st_mode & 0o044 else 0o644)
    place = tree / "vconsole.conf"
    if place.is_file():
        place.unlink()
        place.mkdir()
        (place / "part").write_text("KEYMAP=uk\n")
    else:
        (place / "part").unlink()
        place.rmdir()
        place.write_text(f"KEYMAP=uk{number}\n")
    for old in tree.glob("new*"):
        if old.name != f"new{number}" and old.is_dir() and number % 3 == 0:
            (old / "file").unlink()
            old.rmdir()


def live(place: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of what client0 changes, directories without content."""
    found = {}
    for path in [*place.glob("*"), *place.glob("new*/*"), *place.glob("vconsole.conf/*")]:
        if path.name.startswith(("motd", "new", "hosts", "vconsole", "file", "part")):
            content = path.read_bytes() if path.is_file() else b""
            found[str(path.relative_to(place))] = (path.stat().st_mode, content)
    return found


def test_killed_between_any_two_steps(cluster: Cluster) -> None:
    edits = git(cluster.etc, "status", "--porcelain")
    before_all = live(cluster.etc)
    undone = done = 0
    change_client(cluster, 0)
    calls = points(cluster, cluster.place / "calls")
    assert live(cluster.etc) != before_all
    step = int(os.environ.get("ETCSYNC_TEST_STEP", STEP))
    for number, point in enumerate(calls[::step], 1):
        change_client(cluster, number)
        old, new = live(cluster.etc), live(cluster.tree(0))
        head = git(cluster.etc, "rev-parse", "HEAD")
        promote_killed_at(cluster, point)
        cluster.sync()
        promoted = git(cluster.etc, "rev-parse", "HEAD") != head
        done, undone = done + promoted, undone + (not promoted)
        assert live(cluster.etc) == (new if promoted else old), point
        assert live(cluster.tree(1)) == live(cluster.etc)
        assert git(cluster.etc, "status", "--porcelain") == edits, number
        leftovers = {"etcsync", "index.lock"} & {*os.listdir(cluster.etc / ".git")}
        assert leftovers == set(), number
        assert live(cluster.tree(0)) == new, "the client keeps what it has"
    assert done > 0
    assert undone > 0
    cluster.run("promote", "client0")
    assert live(cluster.etc) == live(cluster.tree(0))
    assert git(cluster.etc, "fsck", "--no-dangling").strip() == ""


def test_killed_with_all_files_in_place_and_then_an_administrator_goes_on_by_hand(
    cluster: Cluster,
) -> None:
    motd = (cluster.etc / "motd").read_text()
    (cluster.tree(0) / "motd").write_text("from client0\n")
    promote_killed_at(cluster, ("sendfile", 1))
    assert (cluster.etc / "motd").read_text() == "from client0\n"
    (cluster.etc / ".git/index.lock").unlink()
    git(cluster.etc, "commit", "-q", "-m", "by hand", "--", "chrony.conf")
    cluster.sync()
    assert (cluster.etc / "motd").read_text() == motd
    assert git(cluster.etc, "show", "HEAD:motd") == motd
    assert git(cluster.etc, "status", "--porcelain") == " A wip\n"
    assert cluster.run("promote", "client0", "--json").json["promoted"] == ["motd"]


def test_what_a_git_that_died_with_it_has_locked_is_free_again(cluster: Cluster) -> None:
    branch = git(cluster.etc, "symbolic-ref", "HEAD").strip()
    (cluster.tree(0) / "motd").write_text("from client0\n")
    promote_killed_at(cluster, ("sendfile", 1))
    for name in ("HEAD.lock", f"{branch}.lock"):
        lock = cluster.etc / ".git" / name
        lock.touch()
        os.utime(lock, (0, 0))
    cluster.run("promote", "client0")
    assert git(cluster.etc, "show", "HEAD:motd") == "from client0\n"
    assert not list((cluster.etc / ".git").rglob("*.lock"))
