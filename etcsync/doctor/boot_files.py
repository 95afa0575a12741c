"""The boot loader configurations of a root, read with no more trust than a client's tree.

One client may have been granted the right to write /boot, and be root there.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import NamedTuple

from etcsync.errors import TreeError, UpstreamError
from etcsync.host.kernel_lines import Loader, loader_of
from etcsync.host.mounts import is_within
from etcsync.host.rootfs import path_in_root
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree, open_tree
from etcsync.tree.small_files import read_small

DEPTH = 3
"""Directories below each other in which configurations are looked for."""

FOLDER_LIMIT = 1_000
"""As many directories are looked into at most; links may lead to the same one again and again."""


class Configuration(NamedTuple):
    """One configuration.

    Attributes:
        path: Relative to the boot directory, as boot loaders ask for it.
        loader: Who reads it.
        text: What it says.
    """

    path: str
    loader: Loader
    text: str


def boot_configurations(root: str, boot: str) -> Iterator[Configuration]:
    """Yield the configurations below ``boot``, one directory after the other.

    Links are resolved as in the root, or within ``boot`` where that lies elsewhere; what is not a
    regular file, or is too large to be one, is left out.
    """
    with ExitStack() as stack:
        try:
            places = _Places(stack, root if is_within(boot, root) else boot, boot)
        except TreeError:
            return  # there is none
        folders = [""]
        for folder in folders:  # which grows meanwhile
            for path, is_directory in places.entries(folder):
                if is_directory:
                    if path.count("/") < DEPTH and len(folders) < FOLDER_LIMIT:
                        folders.append(path)
                elif (loader := loader_of(path)) and (content := places.read(path)) is not None:
                    yield Configuration(path, loader, content.decode("utf-8", "replace"))


class _Places:
    """What paths below the boot directory lead to, without leaving the root."""

    def __init__(self, stack: ExitStack, root: str, boot: str) -> None:
        self._inside = os.path.relpath(boot, root)
        self._root = root
        self._trees = [
            (directory, stack.enter_context(open_tree(directory)))
            for directory in (path_in_root(root, self._inside), root)
        ]

    def entries(self, folder: str) -> list[tuple[str, bool]]:
        """Return the paths in a directory, sorted, each with whether it leads to a directory."""
        if (reached := self._reach(folder)) is None:
            return []
        with suppress(OSError), reached[0].directory(reached[1]) as directory:
            return sorted(
                (path, self._is_directory(path, status))
                for name, status in beneath.list_directory(directory)
                for path in [f"{folder}/{name}" if folder else name]
            )
        return []

    def read(self, path: str) -> bytes | None:
        """Return the content of the small regular file that ``path`` leads to, if it does."""
        return read_small(*reached) if (reached := self._reach(path)) else None

    def _is_directory(self, path: str, status: os.stat_result) -> bool:
        if not stat.S_ISLNK(status.st_mode):
            return stat.S_ISDIR(status.st_mode)
        if (reached := self._reach(path)) is None:
            return False
        with suppress(OSError), reached[0].pinned(reached[1]) as pin:
            return stat.S_ISDIR(os.fstat(pin).st_mode)
        return False

    def _reach(self, path: str) -> tuple[OpenTree, str] | None:
        """Return where ``path`` leads to: a path without links, in an open tree."""
        try:
            place = path_in_root(self._root, f"{self._inside}/{path}")
        except UpstreamError:
            return None  # the links turn in a circle
        for directory, tree in self._trees:
            if is_within(place, directory):
                return tree, os.path.relpath(place, directory)
        return None
