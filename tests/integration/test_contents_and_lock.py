"""New contents are kept for a run, and one writer works at a time."""

import os
import subprocess
import sys
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


HOLD = """
import sys, time
from etcsync.reconcile.lock import writer_lock
with writer_lock(sys.argv[1], wait=0):
    print("held", flush=True)
    time.sleep(1)
"""


def test_a_writer_waits_for_another_to_end(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(LockError, match=str(other.pid)), writer_lock(path, wait=0.1):
        pass
    with writer_lock(path, wait=30):
        pass
    assert other.wait(10) == 0
    other.stdout.close()
