"""Killed at any instant, nothing that a client wrote is lost, and the next run goes on."""

import json
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
from apply_support import Workbench, directory
from tree_support import Blobs, take

from etcsync.errors import TreeError
from etcsync.tree.apply import Change


@pytest.fixture
def work(tmp_path):
    bench = Workbench(tmp_path)
    (bench.tree / "motd").write_text("hello\n")
    (bench.tree / "passwd").write_text("root\n")
    (bench.tree / "d").mkdir()
    return bench


@pytest.mark.parametrize("written", [b"", b"[[", b"\0" * 100, None])
def test_killed_while_staging_the_next_run_starts_over(work, written):
    """The journal may be torn, or empty when the power went: then no swap had begun."""
    work.stage({"motd": work.file(b"planned\n")})
    journal = Path(work.staging.directory) / "client0" / "journal.new"
    if written is None:
        journal.unlink()
    else:
        journal.write_bytes(written)
    assert work.recover() == []
    assert work.apply({"motd": work.file(b"again\n")}).done == {"motd"}


def test_what_was_staged_without_a_journal_is_cleared_though_nothing_is_to_be_written(
    work,
):
    work.stage({"motd": work.file(b"planned\n")})
    (Path(work.staging.directory) / "client0" / "journal.new").unlink()
    assert work.bench() == ["000001"]
    assert work.recover() == []
    assert work.bench() == []


def test_killed_before_the_swap_the_tree_is_as_before(work):
    before = take(work.tree).entries
    work.stage({"motd": work.file(b"planned\n"), "d": None, "new": directory()})
    assert work.recover() == []
    assert work.bench() == []
    assert take(work.tree).entries == before


def test_killed_after_the_swap_what_came_out_as_planned_is_in_history_already(work):
    wanted = {"motd": work.file(b"planned\n"), "passwd": None, "d": work.file(b"file")}
    work.stage(wanted).swap()
    assert work.recover() == []
    assert work.bench() == []
    assert {path: work.now(path) for path in wanted} == wanted


def test_killed_after_the_swap_a_late_write_is_given_to_be_recorded(work):
    staged = work.stage({"motd": work.file(b"planned\n"), "passwd": None})
    with (work.tree / "motd").open("a") as one, (work.tree / "passwd").open("a") as other:
        staged.swap()
        one.write("late\n")
        other.write("later\n")
    found = {leftover.path: leftover.content for leftover in work.recover()}
    assert found == {"motd": b"hello\nlate\n", "passwd": b"root\nlater\n"}
    assert work.bench() == []


def test_a_new_run_never_stages_over_what_a_killed_one_left(work):
    work.stage({"motd": work.file(b"planned\n")}).swap()
    with pytest.raises(TreeError, match="killed run"):
        work.stage({"motd": work.file(b"again\n")})


@pytest.mark.parametrize("stand", ["fifo", "directory", "huge"])
def test_what_cannot_be_recorded_goes_back_beside_its_place(work, stand):
    """As if killed between the exchange and the look at what came out."""
    work.stage({"d": work.file(b"x"), "motd": work.file(b"planned\n")})
    slot = Path(work.staging.directory) / "client0" / "000001"
    slot.unlink()
    if stand == "fifo":
        os.mkfifo(slot)
    elif stand == "directory":
        slot.mkdir()
        (slot / "inside").write_text("inside")
    else:
        with slot.open("wb") as file:
            file.truncate(2**30)
    journal = json.loads((slot.parent / "journal.new").read_text())
    back = work.tree / f".{journal[0][1]}.etcsync-1"
    assert work.recover() == []
    assert os.path.lexists(back)
    if stand == "directory":
        assert (back / "inside").read_text() == "inside"


@pytest.mark.parametrize(
    "content", [b"", b"[", b"[" * 100_000, b"{}", b"[[1]]", b'[["a", "../x", 1, null, null]]']
)
def test_a_damaged_journal_keeps_everything_and_asks_for_help(work, content):
    work.stage({"motd": work.file(b"planned\n")}).swap()
    bench = Path(work.staging.directory) / "client0"
    (bench / "journal").write_bytes(content)
    with pytest.raises(TreeError, match="damaged"):
        work.recover()
    assert (bench / "000001").read_text() == "hello\n"


class History:
    """What a hub would keep: it outlives the process that writes to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def record(self, content: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(content)


def append_until(stop: threading.Event, log: Path, written: list[bytes]) -> None:
    """Be a client that appends line after line."""
    while not stop.is_set():
        line = b"line %d" % len(written)
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, line + b"\n")
        os.close(descriptor)
        written.append(line)
        time.sleep(0.0005)


def run_until_killed(work: Workbench, history: History) -> None:
    """Do one run after the other: recover, capture, stage, swap, finish."""
    while True:
        work.recover(history.record)
        blobs = Blobs()
        entry = take(work.tree, blobs=blobs).entries["log"]
        history.record(blobs[entry.oid])
        aim = work.file(blobs[entry.oid] + b"upstream\n")
        staged = work.stage([Change("log", entry, aim)])
        staged.swap()
        time.sleep(0.02)
        outcome = staged.finish()
        for leftover in outcome.stranded:
            history.record(leftover.content)
        if outcome.stranded:
            staged.discard()


def test_killed_at_random_moments_no_line_of_the_client_is_lost(work):
    log = work.tree / "log"
    history = History(work.tree.parent / "history")
    log.write_bytes(b"line 0\n")
    written = [b"line 0"]
    stop = threading.Event()
    chance = random.Random(7)
    writer = threading.Thread(target=append_until, args=(stop, log, written))
    writer.start()
    try:
        for _ in range(40):
            child = os.fork()
            if child == 0:
                try:
                    run_until_killed(work, history)
                finally:
                    os._exit(1)
            time.sleep(chance.uniform(0.002, 0.08))
            os.kill(child, signal.SIGKILL)
            assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    finally:
        stop.set()
        writer.join()
    work.recover(history.record)
    kept = set(history.path.read_bytes().splitlines()) | set(log.read_bytes().splitlines())
    lost = set(written) - kept
    assert lost == set()
    assert work.bench() == []
