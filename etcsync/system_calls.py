"""System calls of Linux that Python's ``os`` module lacks.

See openat2(2), renameat2(2), statx(2), syncfs(2), capget(2), prctl(2) and landlock(7).

They are reached through the C library, with the error number taken from the calling thread.
"""

import ctypes
import errno
import fcntl
import functools
import os
import struct
import sys
from contextlib import suppress
from typing import IO, NamedTuple

SYS_OPENAT2 = 437
SYS_LANDLOCK_CREATE_RULESET = 444
SYS_LANDLOCK_ADD_RULE = 445
SYS_LANDLOCK_RESTRICT_SELF = 446
"""The same numbers on every architecture that Python supports on Linux."""

AT_FDCWD = -100
"""Stands for the working directory, and for no directory where a path is absolute."""

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08

AT_EMPTY_PATH = 0x1000
STATX_MNT_ID = 0x1000
"""Since Linux 5.8; an older kernel leaves the bit out of what it answers."""

_PIPE_SIZE = 1 << 20

_STATX_SIZE, _STATX_MOUNT = 256, 144
"""Bytes of ``struct statx``, and where ``stx_mnt_id`` begins; linux/stat.h."""

RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2

_library = ctypes.CDLL(None, use_errno=True)
_library.syscall.restype = ctypes.c_long
# One signature, so that arguments are not wrapped anew for each call: `openat2` makes most of all.
_library.syscall.argtypes = (
    ctypes.c_long,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_void_p,
    ctypes.c_size_t,
)

# The calls of Landlock begin with a pointer, where that signature has a number.
_landlock = ctypes.CDLL(None, use_errno=True).syscall
_landlock.restype = ctypes.c_long

_CAPABILITY_HEADER = struct.pack("=Ii", 0x20080522, 0)
"""Version 3 of linux/capability.h, with 64 bits for each set; and the calling thread."""

_SETS = struct.Struct("=6I")


class _OpenHow(ctypes.Structure):
    """``struct open_how`` of linux/openat2.h."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


_HOW_SIZE = ctypes.sizeof(_OpenHow)


@functools.cache
def _open_how(flags: int, resolve: int) -> bytes:
    """Return a ``struct open_how``; the kernel only reads it."""
    return bytes(_OpenHow(flags, 0, resolve))


def _failure(name: bytes) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), os.fsdecode(name))


def openat2(directory: int, name: bytes, flags: int, resolve: int) -> int:
    """Open ``name`` relative to the descriptor ``directory`` under the rules ``resolve``.

    Raises:
        OSError: As openat2(2) says; ENOSYS where the kernel is older than 5.6.
    """
    how = _open_how(flags, resolve)
    while True:
        descriptor: int = _library.syscall(SYS_OPENAT2, directory, name, how, _HOW_SIZE)
        if descriptor >= 0:
            return descriptor
        if ctypes.get_errno() != errno.EINTR:
            raise _failure(name)


@functools.cache
def has_openat2() -> bool:
    """Whether this kernel knows openat2 and lets this process call it.

    Sandboxes that were made before the call existed answer EPERM.
    """
    try:
        os.close(openat2(AT_FDCWD, b"/", os.O_PATH | os.O_CLOEXEC, 0))
    except OSError as error:
        if error.errno in {errno.ENOSYS, errno.EPERM}:
            return False
        raise
    return True


def renameat2(
    old_directory: int, old_name: bytes, new_directory: int, new_name: bytes, flags: int
) -> None:
    """Rename between two directories; ``flags`` is `RENAME_NOREPLACE` or `RENAME_EXCHANGE`.

    Raises:
        OSError: As renameat2(2) says; EINVAL where the file system cannot do it.
    """
    result: int = _library.renameat2(
        ctypes.c_int(old_directory),
        ctypes.c_char_p(old_name),
        ctypes.c_int(new_directory),
        ctypes.c_char_p(new_name),
        ctypes.c_uint(flags),
    )
    if result != 0:
        raise _failure(new_name)


def mount_id(descriptor: int) -> int:
    """Return the number of the mount that a descriptor lies on.

    Raises:
        OSError: As statx(2), or open(2) of a file in /proc, says.
    """
    answer = ctypes.create_string_buffer(_STATX_SIZE)
    empty, mask = ctypes.c_char_p(b""), ctypes.c_uint(STATX_MNT_ID)
    _check(_library.statx(ctypes.c_int(descriptor), empty, AT_EMPTY_PATH, mask, answer))
    found = answer.raw
    if int.from_bytes(found[:4], sys.byteorder) & STATX_MNT_ID:
        return int.from_bytes(found[_STATX_MOUNT : _STATX_MOUNT + 8], sys.byteorder)
    with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as info:
        return next(int(line.split()[1]) for line in info if line.startswith("mnt_id:"))


def is_unsupported(error: OSError) -> bool:
    """Whether renameat2(2) failed because the file system does not know the flag."""
    return error.errno in {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


def syncfs(descriptor: int) -> None:
    """Write all that is dirty on the file system of ``descriptor`` to its disk.

    Raises:
        OSError: The disk reported an error since the descriptor was opened, or the call failed.
    """
    _check(_library.syncfs(ctypes.c_int(descriptor)))


def widen_pipe(pipe: IO[bytes]) -> None:
    """Let more bytes wait in a pipe, so that neither side waits for the other; where allowed."""
    with suppress(OSError):  # not that large for everybody: pipe(7)
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)


class CapabilitySets(NamedTuple):
    """The capabilities of one thread, a bit for each; see capabilities(7)."""

    effective: int
    permitted: int
    inheritable: int


def capget() -> CapabilitySets:
    """Return the capabilities of the calling thread."""
    data = ctypes.create_string_buffer(_SETS.size)
    _check(_library.capget(_CAPABILITY_HEADER, data))
    low, high = _SETS.unpack(data.raw)[:3], _SETS.unpack(data.raw)[3:]
    return CapabilitySets(*(a | b << 32 for a, b in zip(low, high, strict=True)))


def capset(sets: CapabilitySets) -> None:
    """Set the capabilities of the calling thread.

    Raises:
        OSError: EPERM: the thread may not have them.
    """
    _check(_library.capset(_CAPABILITY_HEADER, _capability_data(sets)))


@functools.cache
def _capability_data(sets: CapabilitySets) -> bytes:
    """Return two ``struct __user_cap_data_struct``; the kernel only reads them."""
    return _SETS.pack(*(part >> shift & 0xFFFFFFFF for shift in (0, 32) for part in sets))


def prctl(option: int, argument: int) -> None:
    """Change something of the calling thread.

    Raises:
        OSError: As prctl(2) says.
    """
    rest = (ctypes.c_ulong(0),) * 3
    _check(_library.prctl(ctypes.c_int(option), ctypes.c_ulong(argument), *rest))


def landlock(number: int, *arguments: bytes | int | None) -> int:
    """Make one of the calls of Landlock; numbers are passed as such, bytes by their address.

    Raises:
        OSError: ENOSYS, EOPNOTSUPP: this kernel has no Landlock, or does not use it.
    """
    result: int = _landlock(
        ctypes.c_long(number),
        *(ctypes.c_long(each) if isinstance(each, int) else each for each in arguments),
    )
    if result < 0:
        raise _failure(b"")
    return result


def _check(result: int) -> None:
    if result != 0:
        raise _failure(b"")
