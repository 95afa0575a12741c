"""Whether a package manager, or git, is in the middle of changing the root.

Nothing here takes a lock or waits: a lock taken for an instant would make apt, which does not wait
either, fail.
"""

import fcntl
import os
import stat
import struct
from contextlib import suppress

from etcsync.host.rootfs import path_in_root, read_in_root

PACMAN_LOCK = "var/lib/pacman/db.lck"
"""Exists as long as a transaction runs; libalpm, ``lib/libalpm/handle.c``."""

GIT_LOCK = ".git/index.lock"
"""Exists as long as git writes the index; relative to /etc."""

RECORD_LOCKS = (
    ("apt or dpkg", "var/lib/dpkg/lock-frontend"),
    ("dpkg", "var/lib/dpkg/lock"),
    ("rpm", "var/lib/rpm/.rpm.lock"),
    ("rpm", "usr/lib/sysimage/rpm/.rpm.lock"),
)
"""Files that stay, and are locked with fcntl(2) during a transaction; dpkg(1), ``lib/rpmlock.c``
of rpm. Queries take shared locks, which are not counted."""

ZYPP_PROCESS = "run/zypp.pid"
"""The number of the process that uses libzypp; ``zypp/ZYppFactory.cc``. It may be left over."""

CLOCK_GRAIN = 1.0
"""Seconds by which the start of a process may be wrong: ``btime`` counts whole seconds."""

FLOCK = "hhqqi0q"
"""``struct flock``: type, whence, start, length, process; fcntl(2)."""


def transaction_in_progress(root: str, etc_path: str) -> str | None:
    """Return a sentence that names what holds the root or its /etc, or None when nothing does."""
    if os.path.lexists(lock := path_in_root(root, PACMAN_LOCK)):
        return f"pacman holds {lock} (if no pacman runs, remove that file)"
    for name, path in RECORD_LOCKS:
        if is_locked(lock := path_in_root(root, path)):
            return f"{name} holds {lock}"
    if (process := living_process(root)) is not None:
        return f"zypper, process {process}, holds {path_in_root(root, ZYPP_PROCESS)}"
    if os.path.lexists(lock := os.path.join(etc_path, GIT_LOCK)):
        return f"git holds {lock} (if no git runs there, remove that file)"
    return None


def lock_since(root: str, etc_path: str) -> float | None:
    """Return since when a lock that lasts as long as its file has been there, or None.

    Such a file outlives its owner's crash: an old one holds etcsync up for good.

    Returns:
        Seconds since the epoch, of the oldest such lock.
    """
    found = []
    for lock in (path_in_root(root, PACMAN_LOCK), os.path.join(etc_path, GIT_LOCK)):
        with suppress(FileNotFoundError):
            found.append(os.lstat(lock).st_mtime)
    return min(found, default=None)


def is_locked(path: str) -> bool:
    """Whether another process holds an exclusive fcntl lock on the regular file ``path``.

    A file that is missing or may not be opened counts as not locked.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        question = struct.pack(FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, question)
        kind: int = struct.unpack_from("h", answer)[0]
        return kind != fcntl.F_UNLCK
    finally:
        os.close(descriptor)


def living_process(root: str) -> int | None:
    """Return the process named in libzypp's file, if it lives and is not a later one.

    The root's /run is on disk, so the file outlives a crash, and the number is given out again:
    a process that started after the file was written is another one.
    """
    text = read_in_root(root, ZYPP_PROCESS)[:20].strip()
    if not text.isdigit() or (started := process_start(int(text))) is None:
        return None
    try:
        written = os.lstat(path_in_root(root, ZYPP_PROCESS)).st_mtime
    except FileNotFoundError:
        return None
    return int(text) if started <= written + CLOCK_GRAIN else None


def process_start(process: int) -> float | None:
    """Return when a process started, in seconds since the epoch, or None when there is none.

    Field 22 of ``/proc/PID/stat``, and ``btime`` of ``/proc/stat``; proc(5).
    """
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None
    with open("/proc/stat", "rb") as file:
        boot = next(int(line.split()[1]) for line in file if line.startswith(b"btime "))
    return boot + ticks / os.sysconf("SC_CLK_TCK")
