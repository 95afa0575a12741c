"""What stands at one place of a tree, as an entry; and when its state can be relied on."""

import errno
import fcntl
import os
import signal
import stat
import time
from typing import NamedTuple

from etcsync.entries import Entry, Kind, StatKey, blob_oid, decode_path, symlink_entry
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree, Place

RACY = 20_000_000
"""Nanoseconds. A kernel stamps changes by a clock that ticks up to every 10 ms, so content read
this soon after a change may change once more under the same time stamp."""

MIRROR = "mirror:"
"""Begins the ``oid`` of an entry that is compared and copied without git."""

LOW_BITS = 0xFFFFFFFF
_ATTEMPTS = 5
_KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFDIR: Kind.DIRECTORY,
}


class Reading(NamedTuple):
    """A file's content and state.

    Attributes:
        status: The state of the open file that the content belongs to.
        content: All of it; None when it is longer than the limit.
        settled: Any later change will show in the state.
    """

    status: os.stat_result
    content: bytes | None
    settled: bool


def kind_of(status: os.stat_result) -> Kind:
    """Return the kind of what has this state, before its size or content is known."""
    return _KINDS.get(stat.S_IFMT(status.st_mode), Kind.OTHER)


def stat_key(status: os.stat_result) -> StatKey:
    """Return what identifies this state of an inode.

    Inode and size are cut to 32 bits: records are kept in git's index, which has no room for more.
    """
    return StatKey(
        status.st_ctime_ns,
        status.st_mtime_ns,
        status.st_ino & LOW_BITS,
        status.st_size & LOW_BITS,
        status.st_uid,
        status.st_gid,
    )


def is_settled(status: os.stat_result, moment: int) -> bool:
    """Whether a change after ``moment`` (nanoseconds since the epoch) would alter the state."""
    return status.st_ctime_ns + RACY < moment


def entry_of(status: os.stat_result, oid: str = "", *, ownership: bool) -> Entry:
    """Return the entry of what has this state.

    Args:
        status: As ``lstat`` or ``fstat`` says.
        oid: The blob of its content or target, where that is recorded.
        ownership: False: owner and group count as root's.
    """
    kind = kind_of(status)
    if kind is Kind.SYMLINK:
        return symlink_entry(oid)
    mode = status.st_mode & 0o7777
    owner = (status.st_uid, status.st_gid) if ownership else (0, 0)
    # Half the time would go into the constructor that named tuples have.
    return tuple.__new__(Entry, (kind, oid, mode, *owner))


def read_file(tree: OpenTree, place: Place, limit: int) -> Reading:
    """Read the regular file at ``place`` whole, again where it changed meanwhile.

    A file that never rests is given as last read, not settled.

    Raises:
        OSError: ELOOP: it is no regular file; else as open(2) and read(2).
    """
    descriptor = tree.open_file(place)
    try:
        for _ in range(_ATTEMPTS):
            moment = time.time_ns()
            before = os.fstat(descriptor)
            content = _read(descriptor, before.st_size, limit)
            status = os.fstat(descriptor)
            rested = stat_key(before) == stat_key(status)
            if rested:
                break
        return Reading(status, content, rested and is_settled(status, moment))
    finally:
        os.close(descriptor)


def _read(descriptor: int, size: int, limit: int) -> bytes | None:
    """Return the content; None as soon as it is known to be longer than ``limit``."""
    if size > limit:
        return None
    chunks = []
    length = 0
    while chunk := os.pread(descriptor, size - length + 1 if length < size else 1 << 16, length):
        chunks.append(chunk)
        length += len(chunk)
        if length > limit:
            return None
    return b"".join(chunks)


def is_open_for_writing(tree: OpenTree, place: Place) -> bool:
    """Whether anybody, an NFS client included, has the regular file at ``place`` open for writing.

    A read lease is granted only if nobody has; see fcntl(2), F_SETLEASE. Where there are no leases
    the answer is no.
    """
    try:
        descriptor = tree.open_file(place)
    except OSError:
        return False
    try:
        # Whoever opens the file while the lease lasts makes the kernel send a signal; the usual
        # SIGIO would end this process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


def mirror_entry(status: os.stat_result, target: bytes = b"", *, ownership: bool) -> Entry:
    """Return an entry by which a mirrored path and its source compare without being read.

    Its ``oid`` tells a file's size and time of modification, or a link's ``target``.
    """
    match kind_of(status):
        case Kind.FILE:
            oid = f"{MIRROR}{status.st_size}:{status.st_mtime_ns}"
        case Kind.SYMLINK:
            oid = f"{MIRROR}>{decode_path(target)}"
        case _:
            oid = ""
    return entry_of(status, oid, ownership=ownership)


def observe(
    tree: OpenTree, place: Place, limit: int, *, mirrored: bool = False, ownership: bool
) -> tuple[Entry, bytes | None]:
    """Return what stands at ``place`` and, where it has one that is recorded, its content.

    Args:
        tree: Gives the rules by which files are opened.
        place: In the tree or in a staging directory.
        limit: Bytes of the longest content that is read; a longer file is `Kind.OTHER`.
        mirrored: Compare as `mirror_entry` does; nothing is read.
        ownership: As in `entry_of`.

    Raises:
        OSError: ENOENT: nothing stands there; else it cannot be read.
    """
    status = beneath.lstat(place)
    kind = kind_of(status)
    content: bytes | None = None
    if kind is Kind.SYMLINK:
        content = beneath.readlink(place)
    if mirrored:
        return mirror_entry(status, content or b"", ownership=ownership), None
    if kind is Kind.FILE:
        status, content, _ = read_file(tree, place, limit)
        if content is None:
            return entry_of(status, ownership=ownership)._replace(kind=Kind.OTHER), None
    oid = "" if content is None else blob_oid(content)
    return entry_of(status, oid, ownership=ownership), content


def is_mirrored(entry: Entry | None) -> bool:
    """Whether this is an entry made by `mirror_entry` of a file or link."""
    return entry is not None and entry.oid.startswith(MIRROR)


def matches(
    tree: OpenTree, place: Place, expected: Entry | None, limit: int, *, ownership: bool
) -> bool:
    """Whether exactly what is expected, something that can be recorded, stands at ``place``.

    What cannot be read does not match. Arguments as in `observe`.
    """
    if expected is None or expected.kind is Kind.OTHER:
        return False
    try:
        entry, _ = observe(tree, place, limit, mirrored=is_mirrored(expected), ownership=ownership)
    except OSError:
        return False
    return entry == expected
