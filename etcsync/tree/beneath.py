"""The one gate to a client's tree: each system call below a tree's top goes through here.

The client is root in its tree and may change it at any moment. So no path is ever given to the
kernel in a way that would follow a symbolic link, climb above the top, or cross into another
mount: a directory is reached through ``openat2`` with the rules in `BENEATH`, or, on kernels and in
sandboxes without it, component by component. Everything else happens to one name in a directory
that is open already: a `Place`. A file is first opened with ``O_PATH``, which has no effect on
what it names, and opened for reading only once it is known to be a regular file, so that no
device is opened and no FIFO waited for.
"""

import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from etcsync import system_calls
from etcsync.entries import ROOT, decode_path, encode_path
from etcsync.errors import TreeError
from etcsync.privileges import LOOKING, WRITING, limited_to

BENEATH = (
    system_calls.RESOLVE_BENEATH
    | system_calls.RESOLVE_NO_SYMLINKS
    | system_calls.RESOLVE_NO_MAGICLINKS
    | system_calls.RESOLVE_NO_XDEV
)
STAGING_NAME = ".etcsync.tmp"
"""The staging directory inside a tree that is a file system of its own; never part of the tree."""

PATH_LIMIT = 4000
"""Bytes of a path given to the kernel at once; longer ones are walked piece by piece."""

NO_ATTRIBUTE = {errno.ENODATA, errno.ENOTSUP}
"""An extended attribute is not set, or cannot be."""

_NO_NAMELESS = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.EPERM, errno.EACCES}
"""Files without names are unknown here, or the directory may not be written to; open(2)."""

LEASE_PATIENCE = 2.0
"""Seconds to wait for another holder (an NFS delegation, fcntl(2) F_SETLEASE) to let go."""

_O_PATH = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_O_ENTER = _O_PATH | os.O_DIRECTORY
_O_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_O_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY

_O_WRITE = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_O_NAMELESS = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
_UTF8 = sys.getfilesystemencoding() == "utf-8"


class Place(NamedTuple):
    """One name in a directory that is open."""

    directory: int
    name: bytes


@dataclass(frozen=True, slots=True)
class OpenTree:
    """A tree, held by a descriptor of its top directory.

    Attributes:
        path: Where it was opened, for messages.
        descriptor: The top directory.
        device: The file system that the tree lies on.
        stepwise: Paths are resolved component by component instead of through ``openat2``.
    """

    path: str
    descriptor: int
    device: int
    stepwise: bool

    def open_directory(self, path: str) -> int:
        """Open the directory at ``path``, readable; the caller closes the descriptor.

        Raises:
            OSError: ENOENT, ENOTDIR, ELOOP: there is no directory at the path, or not without
                following a link. EXDEV: another file system is mounted on the way.
        """
        return self._reach(encode_path(path), _O_DIRECTORY)

    @contextmanager
    def directory(self, path: str) -> Iterator[int]:
        """Open the directory at ``path`` for the length of a ``with`` block."""
        descriptor = self.open_directory(path)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def place(self, path: str) -> Iterator[Place]:
        """Open the directory that holds ``path``; the path's last component need not exist.

        Raises:
            OSError: As `open_directory`; EINVAL when the path names no entry beneath the top.
        """
        above, slash, name = encode_path(path).rpartition(b"/")
        if name in {b"", b".", b".."} or (slash and not above):
            raise OSError(errno.EINVAL, "not a path beneath the tree", path)
        descriptor = self._reach(above or b".", _O_ENTER)
        try:
            yield Place(descriptor, name)
        finally:
            os.close(descriptor)

    @contextmanager
    def pinned(self, path: str) -> Iterator[int]:
        """Hold whatever stands at ``path``, the top included, by an ``O_PATH`` descriptor."""
        if path == ROOT:
            descriptor = os.dup(self.descriptor)
        else:
            with self.place(path) as place:
                descriptor = self._enter(place.directory, place.name, _O_PATH)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def open_file(self, place: Place, *, writable: bool = False) -> int:
        """Open the regular file at ``place`` for reading; the caller closes the descriptor.

        Args:
            place: In this tree.
            writable: For writing as well.

        Raises:
            OSError: ELOOP: something else than a regular file stands there. EAGAIN: another
                process holds a lease and did not let go in time.
        """
        pin = self._enter(place.directory, place.name, _O_PATH)
        try:
            if not stat.S_ISREG(os.fstat(pin).st_mode):
                raise OSError(errno.ELOOP, "not a regular file", decode_path(place.name))
            return _reopen(pin, _O_WRITE if writable else _O_READ)
        finally:
            os.close(pin)

    def _reach(self, path: bytes, flags: int) -> int:
        """Open a directory, by as few calls as rules and path length allow."""
        if len(path) <= PATH_LIMIT and not self.stepwise:
            return self._enter(self.descriptor, path, flags)
        *above, last = path.split(b"/") if self.stepwise else _pieces(path)
        if not above:
            return self._enter(self.descriptor, last, flags)
        descriptor = os.dup(self.descriptor)
        for piece in above:
            descriptor = self._advance(descriptor, piece, _O_ENTER)
        return self._advance(descriptor, last, flags)

    def _advance(self, directory: int, name: bytes, flags: int) -> int:
        try:
            return self._enter(directory, name, flags)
        finally:
            os.close(directory)

    def _enter(self, directory: int, name: bytes, flags: int) -> int:
        """Open one piece of a path; a link is not followed, a mount not crossed."""
        if not self.stepwise:
            return system_calls.openat2(directory, name, flags, BENEATH)
        if name in {b"", b".."}:
            raise OSError(errno.EXDEV, "leads out of the tree", decode_path(name))
        descriptor = os.open(name, flags, dir_fd=directory)
        if os.fstat(descriptor).st_dev != self.device:
            os.close(descriptor)
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), decode_path(name))
        return descriptor


@contextmanager
def open_tree(
    path: str, *, writable: bool = False, stepwise: bool | None = None
) -> Iterator[OpenTree]:
    """Open the tree at ``path``, which the administrator named; its last component is no link.

    While it is open, this thread has the capabilities for such work alone; see
    `etcsync.privileges`.

    Args:
        path: A path of the server.
        writable: To be changed, too.
        stepwise: Resolve component by component; None: where the kernel lacks ``openat2``.

    Raises:
        TreeError: It is missing, a symbolic link, or not a directory.
    """
    with limited_to(WRITING if writable else LOOKING):
        descriptor = _open_top(path)
        try:
            if stepwise is None:
                stepwise = not system_calls.has_openat2()
            yield OpenTree(path, descriptor, os.fstat(descriptor).st_dev, stepwise)
        finally:
            os.close(descriptor)


def _open_top(path: str) -> int:
    hint = "Check trees.path in the settings; 'etcsync client list' shows where each tree is."
    try:
        return os.open(path.rstrip("/") or "/", _O_DIRECTORY)
    except OSError as error:
        reason = {
            errno.ENOENT: "does not exist",
            errno.ENOTDIR: "is not a directory or is a symbolic link",
            errno.ELOOP: "is a symbolic link",
        }.get(error.errno or 0, f"cannot be opened: {error.strerror}")
        raise TreeError(f"The tree {path} {reason}.", hint=hint) from error


def _pieces(path: bytes) -> Iterator[bytes]:
    """Cut a path at slashes into pieces that the kernel accepts (PATH_MAX is 4096)."""
    while len(path) > PATH_LIMIT:
        cut = path.rindex(b"/", 0, PATH_LIMIT)
        yield path[:cut]
        path = path[cut + 1 :]
    yield path


def _reopen(pin: int, flags: int) -> int:
    """Open what an ``O_PATH`` descriptor holds, itself and nothing else; see proc(5)."""
    patience = time.monotonic() + LEASE_PATIENCE
    while True:
        try:
            return os.open(f"/proc/self/fd/{pin}", flags)
        except BlockingIOError:
            if time.monotonic() > patience:
                raise
            time.sleep(0.02)


def lstat(place: Place) -> os.stat_result:
    """Return the state of what stands at ``place``, a link itself included."""
    return os.stat(place.name, dir_fd=place.directory, follow_symlinks=False)


def readlink(place: Place) -> bytes:
    """Return the target of the symbolic link at ``place``."""
    return os.readlink(place.name, dir_fd=place.directory)


def list_directory(descriptor: int, most: int | None = None) -> list[tuple[str, os.stat_result]]:
    """Return the names in an open directory, in no order, each with its ``lstat``.

    A name that vanishes meanwhile is left out.

    Args:
        descriptor: The open directory.
        most: How many names are wanted at most; where there are more, one more is returned.

    Raises:
        OSError: The directory, or the state of a name in it, cannot be read; nothing less than
            the whole list is returned, for a missing name means a deletion.
    """
    children: list[tuple[str, os.stat_result]] = []
    with os.scandir(descriptor) as listing:
        for child in listing:
            try:
                status = child.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            children.append((child.name if _UTF8 else _renamed(child.name), status))
            if most is not None and len(children) > most:
                break
    return children


def list_subdirectories(descriptor: int) -> list[str]:
    """Return the names of directories in an open directory, in no order; links are none.

    Raises:
        OSError: The directory cannot be read.
    """
    with os.scandir(descriptor) as listing:
        names = [child.name for child in listing if child.is_dir(follow_symlinks=False)]
    return names if _UTF8 else [_renamed(name) for name in names]


def _renamed(name: str) -> str:
    """Return a name as etcsync knows it that Python decoded by another encoding than UTF-8."""
    return decode_path(os.fsencode(name))


def exchange(one: Place, other: Place) -> None:
    """Swap what stands at two places in one step.

    Raises:
        OSError: ENOENT: one of them is empty; nothing has changed. EINVAL: the file system
            cannot do it.
    """
    try:
        system_calls.renameat2(*one, *other, system_calls.RENAME_EXCHANGE)
    except OSError as error:
        if error.errno == errno.EINVAL:
            error.strerror = "the file system cannot exchange two names (RENAME_EXCHANGE)"
        raise


def move(source: Place, target: Place) -> None:
    """Move what stands at ``source`` to the empty place ``target`` in one step.

    Raises:
        OSError: EEXIST: the target is taken; ENOENT: the source is empty; nothing has changed.
    """
    system_calls.renameat2(*source, *target, system_calls.RENAME_NOREPLACE)


def unlink(place: Place) -> None:
    """Remove a name that is not a directory; that it is gone already is no error."""
    with suppress(FileNotFoundError):
        os.unlink(place.name, dir_fd=place.directory)


def rmdir(place: Place) -> None:
    """Remove the empty directory at ``place``."""
    os.rmdir(place.name, dir_fd=place.directory)


def make_directory(place: Place, mode: int = 0o700) -> None:
    """Make a directory that nobody else can enter unless ``mode`` says so."""
    os.mkdir(place.name, mode, dir_fd=place.directory)


def open_own_directory(place: Place) -> int:
    """Open a directory on a bench that this process has just made there."""
    return os.open(place.name, _O_DIRECTORY, dir_fd=place.directory)


def make_link(target: bytes, place: Place) -> None:
    """Make a symbolic link."""
    os.symlink(target, place.name, dir_fd=place.directory)


def make_file(place: Place) -> int:
    """Make a new empty file, readable by its owner alone, and return a writable descriptor."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(place.name, flags, 0o600, dir_fd=place.directory)


@contextmanager
def new_file(place: Place, near: int) -> Iterator[int]:
    """Yield a writable descriptor of a new empty file, readable by its owner alone.

    It stands at ``place`` once the block is left, complete, where the file system can do that.

    Args:
        place: On a bench.
        near: An open directory of the tree that the file is for. It is made there, without a name,
            as a file system keeps together what is made in one directory.
    """
    nameless = _make_nameless(near)
    descriptor = make_file(place) if nameless is None else nameless
    try:
        yield descriptor
        if nameless is not None:
            os.link(f"/proc/self/fd/{descriptor}", place.name, dst_dir_fd=place.directory)
    finally:
        os.close(descriptor)


def _make_nameless(directory: int) -> int | None:
    """Make a file without a name and without what the directory hands on; None: that cannot be."""
    try:
        descriptor = os.open(".", _O_NAMELESS, 0o600, dir_fd=directory)
    except OSError as error:
        if error.errno in _NO_NAMELESS:
            return None
        raise
    try:
        remove_attribute(descriptor, "system.posix_acl_access")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def remove_attribute(descriptor: int, name: str) -> None:
    """Remove an extended attribute; that there is none, or can be none, is no error."""
    try:
        os.removexattr(descriptor, name)
    except OSError as error:
        if error.errno not in NO_ATTRIBUTE:
            raise


def write_all(descriptor: int, content: bytes) -> None:
    """Write ``content``, however many calls that takes."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def change_mode(descriptor: int, mode: int) -> None:
    """Set the mode of what an ``O_PATH`` or other descriptor holds."""
    os.chmod(f"/proc/self/fd/{descriptor}", mode)


def change_owner(descriptor: int, uid: int, gid: int) -> None:
    """Set owner and group of what an ``O_PATH`` or other descriptor holds."""
    os.chown(f"/proc/self/fd/{descriptor}", uid, gid)
