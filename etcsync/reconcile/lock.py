"""One writer at a time: the lock that the command line and the daemon share."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from etcsync.errors import LockError

POLL_SECONDS = 0.1


@contextmanager
def writer_lock(path: str, *, wait: float) -> Iterator[int]:
    """Hold the lock at ``path`` for the length of the block, and yield its descriptor.

    The kernel releases it when this process has ended, however it ends, and all others to which
    the descriptor was handed down; the file itself stays.

    Args:
        path: The lock file; it is created when missing.
        wait: Seconds to wait for another writer.

    Raises:
        LockError: Another writer held the lock all that time; the message names its process.
    """
    hint = "Wait for it to end, or give it longer with --wait SECONDS."
    with _held(path, wait, "another etcsync is at work", hint) as descriptor:
        yield descriptor


@contextmanager
def only_daemon(path: str) -> Iterator[None]:
    """Be the only daemon for the length of the block.

    Args:
        path: The daemon's lock file; it is created when missing.

    Raises:
        LockError: Another one is running; the message names its process.
    """
    hint = "Stop it first; with systemd: `systemctl stop etcsync`."
    # Whoever looks whether the daemon is running holds the lock for an instant.
    with _held(path, 1.0, "the daemon is running already", hint):
        yield


@contextmanager
def _held(path: str, wait: float, otherwise: str, hint: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        deadline = time.monotonic() + wait
        while not _acquired(descriptor):
            if time.monotonic() >= deadline:
                message = f"{otherwise}{_holder(descriptor)} and holds {path}"
                raise LockError(message, hint=hint)
            time.sleep(POLL_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquired(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    """Name the process that holds the lock, as /proc/locks tells it; see proc_locks(5)."""
    inode = os.fstat(descriptor).st_ino
    try:
        with open("/proc/locks", encoding="ascii") as locks:
            for line in locks:
                fields = line.split()
                if "FLOCK" in fields and fields[5].rpartition(":")[2] == str(inode):
                    return f" (process {fields[4]})"
    except OSError:
        return ""
    return ""
