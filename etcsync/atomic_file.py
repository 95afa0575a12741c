"""Files that a reader never sees half-written."""

import os
import tempfile


def write_file(
    path: str, content: bytes, *, mode: int = 0o644, replace: bool = True, inherit: bool = True
) -> None:
    """Write ``content`` beside ``path``, then put it there at once, safe from a power cut.

    A file that is replaced passes on its owner and mode, unless ``inherit`` is false. ``path``
    itself is replaced, whatever it is; resolve a link before, if what it leads to is meant.

    Args:
        path: Where the file is to be; its directory must exist and be safe from others.
        content: All of it.
        mode: The permission bits of a file that is new.
        replace: False: never replace, raise instead.
        inherit: False: the file gets ``mode`` also where it replaces another.

    Raises:
        FileExistsError: The file exists and ``replace`` is false.
        OSError: It cannot be written; nothing has changed.
    """
    folder, name = os.path.split(path)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            if inherit:
                _take_over(descriptor, path)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if replace:
            os.rename(temporary, path)
        else:
            os.link(temporary, path)
            os.unlink(temporary)
    except BaseException:
        os.unlink(temporary)
        raise
    _sync_directory(folder)


def _take_over(descriptor: int, path: str) -> None:
    """Give the new file the owner and mode of the one at ``path``, where there is one."""
    try:
        old = os.lstat(path)
    except FileNotFoundError:
        return
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, old.st_mode & 0o7777)


def _sync_directory(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
