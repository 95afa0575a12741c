"""Renaming between open directories, and syncing all that lies beside a path."""

import os

from etcsync.entries import encode_path
from etcsync.system_calls import (
    RENAME_EXCHANGE,
    RENAME_NOREPLACE,
    is_unsupported,
    renameat2,
    syncfs,
)

__all__ = ["RENAME_EXCHANGE", "RENAME_NOREPLACE", "is_unsupported", "rename", "sync_file_system"]


def rename(
    source_directory: int, source: str, target_directory: int, target: str, flags: int
) -> None:
    """Rename between two open directories with the flags of renameat2(2).

    Raises:
        OSError: As renameat2(2); ``EINVAL`` where the file system does not know the flag.
    """
    renameat2(source_directory, encode_path(source), target_directory, encode_path(target), flags)


def sync_file_system(path: str) -> None:
    """Write all of the file system that holds ``path`` to disk; syncfs(2)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syncfs(descriptor)
    finally:
        os.close(descriptor)
