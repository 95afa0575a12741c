"""New contents are kept for a run, and one writer works at a time."""

import multiprocessing
import time
from pathlib import Path

import pytest

from etcsync.entries import blob_oid
from etcsync.errors import LockError
from etcsync.reconcile import contents as contents_module
from etcsync.reconcile.contents import Contents
from etcsync.reconcile.lock import writer_lock


def test_new_contents_come_back_and_stored_ones_are_read_from_the_hub() -> None:
    stored = {blob_oid(b"old"): b"old"}
    with Contents(stored.__getitem__) as contents:
        oid = contents.put(b"new")
        assert contents.put(b"new") == oid
        assert contents.read(oid) == b"new"
        assert contents.read(blob_oid(b"old")) == b"old"
        assert contents.is_new(oid)
        assert not contents.is_new(blob_oid(b"old"))


def test_contents_beyond_memory_are_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents_module, "MEMORY_LIMIT", 1000)
    with Contents({}.__getitem__) as contents:
        oids = [contents.put(bytes([n]) * 500) for n in range(20)]
        assert [contents.read(oid) for oid in oids] == [bytes([n]) * 500 for n in range(20)]


def hold(path: str, seconds: float) -> None:
    with writer_lock(path, wait=0):
        time.sleep(seconds)


def test_a_writer_waits_for_another_to_end(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    other = multiprocessing.get_context("spawn").Process(target=hold, args=(path, 1.0))
    other.start()
    while not (tmp_path / "lock").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    with pytest.raises(LockError, match=str(other.pid)), writer_lock(path, wait=0.1):
        pass
    with writer_lock(path, wait=30):
        assert not other.is_alive() or other.join(5) is None
    other.join()
    assert other.exitcode == 0
