"""Files that a reader never sees half-written."""

import fcntl
import os
import stat
import tempfile
from contextlib import suppress

from etcsync.system_calls import AT_FDCWD, RENAME_NOREPLACE, is_unsupported, renameat2


def write_file(
    path: str,
    content: bytes,
    *,
    mode: int = 0o644,
    replace: bool = True,
    inherit: bool = True,
    durable: bool = True,
) -> None:
    """Write ``content`` beside ``path``, then put it there at once, safe from a power cut.

    A file that is replaced passes on its owner and mode, unless ``inherit`` is false. ``path``
    itself is replaced, whatever it is; resolve a link before, if what it leads to is meant. What a
    killed call has left beside it, the next call takes away.

    Args:
        path: Where the file is to be; its directory must exist and be safe from others.
        content: All of it.
        mode: The permission bits of a file that is new.
        replace: False: never replace, raise instead.
        inherit: False: the file gets ``mode`` also where it replaces another.
        durable: False: after a power cut it may be as before, or empty; that costs no time.

    Raises:
        FileExistsError: The file exists and ``replace`` is false.
        OSError: It cannot be written; nothing has changed.
    """
    folder, name = os.path.split(path)
    descriptor, temporary = _temporary(folder, name)
    with open(descriptor, "wb") as file:  # locked until it has its name
        try:
            os.fchmod(descriptor, mode)
            if inherit:
                _take_over(descriptor, path)
            file.write(content)
            file.flush()
            if durable:
                os.fsync(descriptor)
            if replace:
                os.rename(temporary, path)
            else:
                _rename_to_nothing(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    if durable:
        sync_directory(folder)


def _temporary(folder: str, name: str) -> tuple[int, str]:
    """Create the file that is to become ``name``; return its descriptor and path.

    Its name is always the same, so that one that was left over is found again; the lock on it tells
    it from another writer's, beside which a name of its own is taken.
    """
    path = os.path.join(folder, f".{name}.etcsync-new")
    _take_away_left_over(path)
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        if _locked(descriptor, path):
            return descriptor, path
        os.close(descriptor)
    return tempfile.mkstemp(prefix=f".{name}.", dir=folder)


def _take_away_left_over(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and _locked(descriptor, path):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, path: str) -> bool:
    """Whether this file could be locked, and still is the one at ``path``."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except OSError:
        return False


def _rename_to_nothing(old: str, new: str) -> None:
    """Rename a file where there is nothing at ``new``.

    Raises:
        FileExistsError: Something is there.
    """
    try:
        renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), RENAME_NOREPLACE)
    except OSError as error:
        if not is_unsupported(error):
            raise
        os.link(old, new)
        os.unlink(old)


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


def sync_directory(path: str) -> None:
    """Make the names in the directory ``path`` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
