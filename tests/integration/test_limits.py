"""One client at its limits costs the others nothing, and is told which limit it is."""

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cluster import Cluster, sample_cluster
from tree_support import take

from etcsync.errors import StateError, TreeError
from etcsync.reconcile.allowances import Allowances
from etcsync.tree.scanned import Limits

LIMITS = """
[limits]
max_file_size = "1MiB"
max_daily_capture = "4MiB"
"""
TIME_LIMIT = 'max_look_time = "5s"\n'
MEBIBYTE = 1 << 20
OTHERS = range(5, 14)


@pytest.fixture
def leased() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def lease(stack: ExitStack, path: Path) -> None:
    """Keep everybody else waiting who opens a file; see fcntl(2), F_SETLEASE."""
    path.write_text("mine")
    file = stack.enter_context(path.open("r+"))
    fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)


def dig(top: Path, levels: int, name: str) -> int:
    """Make directories inside each other and return a descriptor of the last one."""
    directory = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=directory)
        below = os.open(name, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = below
    return directory


def flood(tree: Path) -> None:
    """Make long names in a deep directory: few, but as much to keep in mind as 200,000."""
    directory = dig(tree, 64, "d" * 250)
    for number in range(3300):
        os.close(os.open(f"{number}", os.O_CREAT | os.O_WRONLY, dir_fd=directory))
    os.close(directory)


def test_one_client_at_each_limit_and_nine_others(tmp_path: Path, leased: ExitStack) -> None:
    cluster = sample_cluster(tmp_path, clients=14, extra=LIMITS + TIME_LIMIT)
    cluster.sync()
    (cluster.tree(0) / "large").write_bytes(bytes(3 << 20))
    flood(cluster.tree(1))
    os.close(dig(cluster.tree(2), 300, "d"))
    for number in range(30):
        lease(leased, cluster.tree(3) / f"busy{number}")
    fill(cluster.tree(4), 6)
    cluster.write("motd", "for all\n")
    begun = time.monotonic()
    clients = {each["name"]: each for each in cluster.sync(status=3)["clients"]}
    assert time.monotonic() - begun < 45
    for number in (0, 2, *OTHERS):
        assert clients[f"client{number}"]["error"] is None
        assert (cluster.tree(number) / "motd").read_text() == "for all\n"
    assert "200000 names" in clients["client1"]["error"]["message"]
    assert "limits.max_look_time" in clients["client3"]["error"]["message"]
    assert "limits.max_daily_capture" in clients["client4"]["error"]["message"]
    states = cluster.status()
    assert [name for name, each in states.items() if each["state"] == "error"] == [
        "client1",
        "client3",
        "client4",
    ]
    assert {warning["kind"] for warning in states["client0"]["warnings"]} == {"oversized"}
    assert {warning["kind"] for warning in states["client2"]["warnings"]} == {"unreadable"}
    leased.close()
    cluster.sync("client3")
    assert (cluster.tree(3) / "motd").read_text() == "for all\n"


def test_a_repository_in_the_tree_counts_as_an_edit(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path, clients=2, extra=LIMITS)
    cluster.sync()
    tree, aside = cluster.tree(0), cluster.state / "aside"
    for number in range(2):
        (tree / ".git").unlink()
        (tree / ".git/objects/fan").mkdir(parents=True)
        fill(tree / ".git/objects/fan", 3)
        cluster.write("motd", f"news {number}\n")
        clients = cluster.sync(status=3 if number else 0)["clients"]
        assert (cluster.tree(1) / "motd").read_text() == f"news {number}\n"
        assert (tree / "motd").read_text() == "news 0\n"
    assert "limits.max_daily_capture" in clients[0]["error"]["message"]
    assert [each.name for each in aside.iterdir()] == ["client0.git"]
    assert (tree / ".git").is_dir(), "what cannot be kept stays where it is"
    (tree / ".git/objects/sparse").touch()
    os.truncate(tree / ".git/objects/sparse", 1 << 40)
    assert "larger than etcsync reads" in cluster.sync(status=3)["clients"][0]["error"]["message"]
    shutil.rmtree(tree / ".git")
    assert cluster.sync()["clients"][0]["error"] is None
    assert (tree / "motd").read_text() == "news 1\n"


def fill(tree: Path, count: int) -> list[Path]:
    """Write contents that nobody has seen before, a mebibyte each."""
    paths = [tree / f"{time.monotonic_ns()}-{number}" for number in range(count)]
    for path in paths:
        path.write_bytes(os.urandom(MEBIBYTE))
    return paths


def test_a_look_ends_before_the_next_directory_when_its_time_is_up(tmp_path: Path) -> None:
    with pytest.raises(TreeError, match=r"limits\.max_look_time"):
        take(tmp_path, limits=Limits(until=time.monotonic()))


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    cluster = sample_cluster(tmp_path, clients=2, extra=LIMITS)
    cluster.sync()
    return cluster


def refused(cluster: Cluster, *, captured_before: bool) -> None:
    """Check that client0 is left alone, its edits neither recorded nor written over."""
    cluster.write("motd", "for all but one\n")
    head = cluster.run("git", "client0", "--", "rev-parse", "client0").out
    clients = cluster.sync(status=3)["clients"]
    assert "limits.max_daily_capture" in clients[0]["error"]["message"]
    assert clients[1]["error"] is None
    assert (cluster.tree(0) / "motd").read_text() != "for all but one\n"
    assert cluster.run("git", "client0", "--", "rev-parse", "client0").out == head
    assert (cluster.state / "captured.json").exists() is captured_before


def test_more_than_a_day_allows_is_refused_in_one_piece(cluster: Cluster) -> None:
    fill(cluster.tree(0), 5)
    refused(cluster, captured_before=False)
    assert cluster.plan("client0")["clients"][0]["error"] is not None


def test_more_than_a_day_allows_is_refused_piece_by_piece_until_a_day_is_over(
    cluster: Cluster,
) -> None:
    for _ in range(3):
        fill(cluster.tree(0), 1)
        cluster.sync("client0")
    fill(cluster.tree(0), 1)
    refused(cluster, captured_before=True)
    book = cluster.state / "captured.json"
    document = json.loads(book.read_text())
    yesterday = datetime.now(UTC) - timedelta(days=1)
    document["clients"]["client0"]["at"] = yesterday.isoformat()
    book.write_text(json.dumps(document))
    cluster.sync()
    assert (cluster.tree(0) / "motd").read_text() == "for all but one\n"


def test_what_the_hub_has_already_costs_nothing_again(cluster: Cluster) -> None:
    paths = fill(cluster.tree(0), 3)
    cluster.sync("client0")
    for turn in range(4):
        paths = [path.rename(f"{path}.{turn}") for path in paths]
        cluster.sync("client0")
    for path in paths:
        path.touch()
    (cluster.state / "hub.git" / "worktrees" / "client0" / "index").unlink()
    cluster.sync("client0")


def test_the_names_around_a_change_count_too(cluster: Cluster) -> None:
    directory = cluster.tree(0) / "many"
    directory.mkdir()
    for number in range(4000):
        (directory / f"{number:0200}").touch()
    cluster.sync("client0")
    for turn in range(4):
        (directory / f"{0:0200}").write_text(f"{turn}")
        answer = cluster.sync("client0", status=None)
    assert "limits.max_daily_capture" in answer["clients"][0]["error"]["message"]


NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def left(book: Path, now: datetime) -> int:
    return Allowances(str(book), 86_400, now).left("client0")


def test_what_was_used_drains_away_evenly(tmp_path: Path) -> None:
    book = tmp_path / "captured.json"
    Allowances(str(book), 86_400, NOON).charge({"client0": 3600, "client1": 0})
    assert left(book, NOON) == 86_400 - 3600
    assert left(book, NOON + timedelta(minutes=30)) == 86_400 - 1800
    assert left(book, NOON + timedelta(days=1)) == 86_400
    assert left(book, NOON - timedelta(days=1)) == 86_400 - 3600


def test_a_damaged_book_is_begun_anew(tmp_path: Path) -> None:
    book = tmp_path / "captured.json"
    book.write_text("{")
    assert left(book, NOON) == 86_400
    Allowances(str(book), 86_400, NOON).charge({"client0": 400})
    assert left(book, NOON) == 86_000


def test_a_book_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"captured\.json"):
        Allowances(str(tmp_path / "no" / "captured.json"), 1, NOON).charge({"client0": 1})
