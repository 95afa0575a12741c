"""A clone's ``.git`` directory inside a client's tree, read without trusting anything in it.

The client is root there and may change it at any moment. No git runs in it and none of its
configuration, hooks or alternates is read. Every component is opened by descriptor and never
through a link. A name is first opened with ``O_PATH``, because opening a device node, which a
client can create over NFS, may already act on the device.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from etcsync.entries import GIT_PATH
from etcsync.errors import HubError, TreeError
from etcsync.privileges import LOOKING, limited_to

DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PATH_FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC

FAN_NAME = re.compile("[0-9a-f]{2}")
LOOSE_NAME = re.compile("[0-9a-f]{38}")
PACK_NAME = re.compile(r"(pack-[0-9a-f]{40})\.(?:pack|idx)")
"""What git reads objects from; gitrepository-layout(5). Nothing else is copied."""

CHUNK = 1 << 20


@dataclass(slots=True)
class Budget:
    """How much may still be read from one clone."""

    entries: int = 1_000_000
    size: int = 2 << 30
    """Bytes."""

    def spend(self, entries: int = 0, size: int = 0) -> None:
        """Take from what is left.

        Raises:
            TreeError: It is used up.
        """
        self.entries -= entries
        self.size -= size
        if self.entries < 0 or self.size < 0:
            raise TreeError(
                "the clone's .git directory is larger than etcsync reads",
                hint="On the client, run `git -C /etc gc`, or move /etc/.git away and add the"
                " client without its history.",
            )


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turn what the operating system says about a clone into a `TreeError`."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
            raise HubError(
                f"{what} cannot be copied: {error.strerror}",
                hint="Make room where the settings put `state_dir`.",
            ) from error
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            why = f"{error.filename!r} is a link or not a directory"
        else:
            why = f"{error.strerror}: {error.filename!r}"
        raise TreeError(
            f"{what} cannot be read safely: {why}",
            hint="On the client, put /etc/.git in order, or move it away to give up its history.",
        ) from error


@contextmanager
def directory(name: str, parent: int | None = None) -> Iterator[int]:
    """Yield a descriptor of a directory, which is no link.

    Raises:
        OSError: It is missing, or something else.
    """
    descriptor = os.open(name, DIRECTORY_FLAGS, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def clone_directory(tree_path: str) -> Iterator[int | None]:
    """Yield a descriptor of the tree's ``.git`` directory, or None where the tree has none.

    Raises:
        TreeError: ``.git`` is a file or a link, or something in it could not be read.
    """
    place = os.path.join(tree_path, GIT_PATH)
    with limited_to(LOOKING), readable(place), directory(tree_path) as tree:
        try:
            kind = stat.S_IFMT(os.stat(GIT_PATH, dir_fd=tree, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            yield None
            return
        if kind != stat.S_IFDIR:
            raise TreeError(
                f"{place} is not a directory, so the tree is no clone of its own",
                hint="Remove it, or replace it by the directory that it leads to, and try again.",
            )
        with directory(GIT_PATH, tree) as git:
            yield git


def exists(name: str, parent: int) -> bool:
    """Whether there is something of that name in an open directory."""
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def open_file(name: str, parent: int) -> int:
    """Return a descriptor for reading a regular file.

    Raises:
        TreeError: It is something else.
        OSError: It is missing or cannot be opened.
    """
    path = os.open(name, PATH_FLAGS, dir_fd=parent)
    try:
        if not stat.S_ISREG(os.fstat(path).st_mode):
            raise TreeError(
                f"{name!r} in the clone's .git directory is not a regular file",
                hint="On the client, put /etc/.git in order, or move it away to give up its"
                " history.",
            )
        return os.open(f"/proc/self/fd/{path}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    finally:
        os.close(path)


def read_file(path: str, parent: int, limit: int) -> bytes | None:
    """Return the content of the file ``path`` below an open directory; None when it is missing.

    Raises:
        TreeError: It is larger than ``limit`` bytes, or not a regular file.
        OSError: A directory on the way is none, or a link.
    """
    first, _, rest = path.partition("/")
    try:
        if rest:
            with directory(first, parent) as below:
                return read_file(rest, below, limit)
        descriptor = open_file(first, parent)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise TreeError(
            f"{path!r} in the clone's .git directory is larger than {limit} bytes",
            hint="On the client, run `git -C /etc pack-refs --all` and look at that file.",
        )
    return content


def names(parent: int, budget: Budget) -> Iterator[str]:
    """Yield the names in an open directory, each counted."""
    with os.scandir(parent) as entries:
        for entry in entries:
            budget.spend(entries=1)
            yield entry.name


def copy_file(name: str, parent: int, target: str, budget: Budget) -> None:
    """Copy a regular file to the new file ``target``, which only its owner can read."""
    with open(open_file(name, parent), "rb") as source:
        if os.fstat(source.fileno()).st_size > budget.size:
            budget.spend(size=budget.size + 1)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as copy:
            while chunk := source.read(CHUNK):
                budget.spend(size=len(chunk))
                copy.write(chunk)


def copy_objects(git: int, target: str, lender: str, budget: Budget) -> None:
    """Copy the objects of an open git directory into the objects directory ``target``.

    What the objects directory ``lender`` has under the same name is left out: a clone made on the
    same machine consists of hard links to upstream's packs.
    """
    with directory("objects", git) as objects:
        for fan in names(objects, budget):
            if FAN_NAME.fullmatch(fan):
                wanted = LOOSE_NAME
            elif fan == "pack":
                wanted = PACK_NAME
            else:
                continue
            os.makedirs(os.path.join(target, fan), exist_ok=True)
            with directory(fan, objects) as parent:
                for name in names(parent, budget):
                    if (found := wanted.fullmatch(name)) and not is_lent(lender, fan, found):
                        copy_file(name, parent, os.path.join(target, fan, name), budget)


def is_lent(lender: str, fan: str, name: re.Match[str]) -> bool:
    """Whether the objects directory ``lender`` has an object or a whole pack of that name."""
    place = os.path.join(lender, fan)
    if name.re is LOOSE_NAME:
        return os.path.exists(os.path.join(place, name.string))
    return all(os.path.exists(os.path.join(place, name[1] + end)) for end in (".pack", ".idx"))
