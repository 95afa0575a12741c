"""Taking an adopted clone's ``.git`` directory out of the tree, to a place of the server's own."""

import errno
import os
import shutil
import stat
from contextlib import suppress

from etcsync.atomic_file import write_file
from etcsync.entries import GIT_PATH
from etcsync.errors import TreeError
from etcsync.hub.clone_directory import Budget, copy_file, directory, names, readable
from etcsync.hub.file_system import RENAME_NOREPLACE, is_unsupported, rename, sync_file_system
from etcsync.privileges import LOOKING, WRITING, limited_to

DEPTH_LIMIT = 64

BLOCK = 512
"""Bytes; the unit of ``st_blocks`` in stat(2)."""


def set_aside(tree_path: str, destination: str, budget: Budget | None = None) -> str | None:
    """Move the tree's ``.git`` directory to ``destination``; to be called after `adopt_clone`.

    Where a directory of that name exists already, ``destination`` with ``.1``, ``.2``, … is used.
    On one file system it is renamed. Else it is copied, without special files and programs' x bit,
    made durable, and then removed from the tree. Killed at any moment, the next call completes.

    Args:
        tree_path: The client's tree.
        destination: A path in a directory that no client can reach; created with mode 0700.
        budget: What is copied at most.

    Returns:
        Where it is now; None when the tree has no ``.git`` directory.

    Raises:
        TreeError: The directory is too large, or cannot be read or moved.
    """
    parent = os.path.dirname(destination)
    os.makedirs(parent, mode=0o700, exist_ok=True)
    place = os.path.join(tree_path, GIT_PATH)
    with limited_to(WRITING), readable(place), directory(tree_path) as tree:
        moved = finish_removal(tree, destination)
        if moved is not None:
            return moved
        try:
            kind = stat.S_IFMT(os.stat(GIT_PATH, dir_fd=tree, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            return None
        if kind != stat.S_IFDIR:
            return None
        place = free_name(destination)
        with directory(GIT_PATH, tree) as git, directory(parent) as target:
            try:
                move(tree, target, os.path.basename(place))
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                copy_aside(git, destination, place, budget or Budget())
                finish_removal(tree, destination)
            os.fsync(target)
            os.fsync(tree)
    return place


def weigh(tree_path: str) -> int:
    """Return the bytes of the files in the tree's ``.git`` directory; 0 where it has none.

    Raises:
        TreeError: The directory is too large or too deep, or cannot be read.
    """
    place = os.path.join(tree_path, GIT_PATH)
    with (
        limited_to(LOOKING),
        readable(place),
        directory(tree_path) as tree,
        suppress(FileNotFoundError, NotADirectoryError),
        directory(GIT_PATH, tree) as git,
    ):
        return _weigh(git, Budget())
    return 0


def _weigh(parent: int, budget: Budget, depth: int = 0) -> int:
    if depth > DEPTH_LIMIT:
        raise too_deep()
    total = 0
    for name in names(parent, budget):
        with suppress(FileNotFoundError):
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            size = max(status.st_size, status.st_blocks * BLOCK)
            budget.spend(size=size)
            total += size
            if stat.S_ISDIR(status.st_mode):
                with directory(name, parent) as below:
                    total += _weigh(below, budget, depth + 1)
    return total


def move(tree: int, target: int, name: str) -> None:
    """Rename the tree's ``.git`` into another directory of the same file system."""
    try:
        rename(tree, GIT_PATH, target, name, RENAME_NOREPLACE)
    except OSError as error:
        if not is_unsupported(error):
            raise
        os.rename(GIT_PATH, name, src_dir_fd=tree, dst_dir_fd=target)


def free_name(destination: str) -> str:
    """Return ``destination``, or the first numbered name after it that is free."""
    place, number = destination, 0
    while os.path.lexists(place):
        number += 1
        place = f"{destination}.{number}"
    return place


def copy_aside(git: int, destination: str, place: str, budget: Budget) -> None:
    """Copy an open ``.git`` directory to ``place`` and note that the original may be removed.

    The note is written when the copy is complete and on disk, and names the original's inode: a
    directory that the client puts there later is another one.
    """
    partial = f"{destination}.partial"
    if os.path.lexists(partial):
        shutil.rmtree(partial)
    copy_directory(git, partial, budget)
    sync_file_system(partial)
    os.rename(partial, place)
    note = f"{destination}.removing"
    text = f"{inode(git)} {os.path.basename(place)}"
    write_file(note, text.encode("utf-8", "surrogateescape"), durable=False)
    sync_file_system(place)


def copy_directory(source: int, target: str, budget: Budget, depth: int = 0) -> None:
    """Copy a directory tree; links as links, special files not at all."""
    if depth > DEPTH_LIMIT:
        raise too_deep()
    os.mkdir(target, 0o700)
    for name in names(source, budget):
        place = os.path.join(target, name)
        kind = stat.S_IFMT(os.stat(name, dir_fd=source, follow_symlinks=False).st_mode)
        if kind == stat.S_IFDIR:
            with directory(name, source) as below:
                copy_directory(below, place, budget, depth + 1)
        elif kind == stat.S_IFLNK:
            os.symlink(os.readlink(name, dir_fd=source), place)
        elif kind == stat.S_IFREG:
            copy_file(name, source, place, budget)


def finish_removal(tree: int, destination: str) -> str | None:
    """Remove the tree's ``.git`` directory if a note says that it was copied.

    Returns:
        Where the copy is; None when there is no such note.
    """
    note = f"{destination}.removing"
    try:
        with open(note, encoding="utf-8", errors="surrogateescape") as file:
            copied, _, name = file.read().partition(" ")
    except FileNotFoundError:
        return None
    try:
        with directory(GIT_PATH, tree) as git:
            same = inode(git) == copied
            if same:
                remove_children(git)
    except (FileNotFoundError, NotADirectoryError):
        same = False
    # The note goes while the directory still exists: its inode cannot have been given out again.
    os.unlink(note)
    if not same:
        return None
    os.rmdir(GIT_PATH, dir_fd=tree)
    return os.path.join(os.path.dirname(destination), name)


def inode(descriptor: int) -> str:
    """Return what names an open directory among all of this machine."""
    status = os.fstat(descriptor)
    return f"{status.st_dev}:{status.st_ino}"


def remove_children(parent: int) -> None:
    """Empty an open directory without following links."""
    for name in os.listdir(parent):
        try:
            os.unlink(name, dir_fd=parent)
        except IsADirectoryError:
            try:
                shutil.rmtree(name, dir_fd=parent)
            except RecursionError as error:
                raise too_deep() from error


def too_deep() -> TreeError:
    """Return the error for directories nested so deeply that only malice explains it."""
    return TreeError(
        f"the clone's .git directory is more than {DEPTH_LIMIT} directories deep",
        hint="On the client, put /etc/.git in order.",
    )
