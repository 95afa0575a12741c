"""What the hub needs of the kernel and Python does not offer: exchanging names, syncing all."""

import ctypes
import errno
import os

LIBC = ctypes.CDLL(None, use_errno=True)
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
"""Flags of renameat2(2)."""


def rename(
    source_directory: int, source: str, target_directory: int, target: str, flags: int
) -> None:
    """Rename between two open directories with the flags of renameat2(2).

    Raises:
        OSError: As renameat2(2); ``EINVAL`` where the file system does not know the flag.
    """
    result = LIBC.renameat2(
        source_directory, os.fsencode(source), target_directory, os.fsencode(target), flags
    )
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), source, None, target)


def sync_file_system(path: str) -> None:
    """Write all of the file system that holds ``path`` to disk; syncfs(2)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if LIBC.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)


def is_unsupported(error: OSError) -> bool:
    """Whether renameat2(2) failed because the file system does not know the flag."""
    return error.errno in {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
