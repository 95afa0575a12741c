"""Watching one client's tree with all its directories.

What the reading thread is told of a new directory makes the watch *stale*; the daemon's own thread
looks for what is to be watched then. It does so before a pass looks at the tree, so that nothing is
missed: what happens in a directory before it is watched, the pass sees.
"""

import errno
import os
from collections.abc import Callable

from etcsync.daemon.inotify import Inotify, InotifyEvent, WatchDescriptor
from etcsync.entries import GIT_PATH, ROOT, decode_path
from etcsync.tree.beneath import STAGING_NAME, OpenTree, list_subdirectories, open_tree

_NOT_PART = {GIT_PATH, STAGING_NAME}
"""Names at the top of a tree that do not belong to it."""

_NOT_ENTERED = {errno.EACCES, errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV}
"""A directory vanished, was swapped for something else, is closed, or is another file system."""

Heard = Callable[[str | None], None]
"""Is told the path of an event, or None where it is not known; called by the reading thread."""


class TooManyError(Exception):
    """The tree has more directories than are watched."""


class TreeWatch:
    """The watches of one tree.

    Attributes:
        path: The tree.
        stale: Whether directories may have appeared that are not watched.
    """

    def __init__(
        self,
        path: str,
        inotify: Inotify,
        heard: Heard,
        overflowed: Callable[[], None],
        *,
        most: int,
    ) -> None:
        """Watch nothing yet.

        Args:
            path: The tree.
            inotify: Where watches are taken.
            heard: Is told of events.
            overflowed: Is told that events were lost.
            most: How many directories are watched at most.
        """
        self.path = path
        self.stale = True
        self._inotify = inotify
        self._heard = heard
        self._overflowed = overflowed
        self._most = most
        self._paths: dict[WatchDescriptor, str] = {}
        self._numbers: dict[tuple[int, int], WatchDescriptor] = {}

    def refresh(self) -> None:
        """Watch all directories that the tree has now, and no others.

        Raises:
            TreeError: There is no tree.
            TooManyError: It has too many directories; nothing of it is watched any more.
            OSError: ENOSPC: the machine's limit is reached; nothing of it is watched any more.
        """
        try:
            with open_tree(self.path) as tree:
                self.stale = False
                paths = self._watch_all(tree)
        except BaseException:
            self.forget()
            raise
        self._inotify.forget(self._paths.keys() - paths.keys(), self)
        self._numbers = {key: n for key, n in self._numbers.items() if n in paths}
        self._paths = paths

    def forget(self) -> None:
        """Watch nothing any more."""
        self._inotify.forget(list(self._numbers.values()), self)
        self._paths, self._numbers = {}, {}

    def on_event(self, event: InotifyEvent) -> None:
        """Take an event; called by the reading thread."""
        if event.is_ignored:
            return
        path = self._paths.get(event.wd)
        if event.is_directory:
            self.stale = True
            if event.name == b"" and path != ROOT:
                return  # the directory above tells the same with a name
        self._heard(_joined(path, event.name))

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Take the end of a watch; called by the reading thread.

        The directory's inode may be given to another one, which is not watched then.
        """
        numbers = self._numbers
        self._numbers = {key: number for key, number in numbers.items() if number != wd}
        self.stale = True

    def on_queue_overflow(self) -> None:
        """Take it that events were lost."""
        self.stale = True
        self._overflowed()

    def _watch_all(self, tree: OpenTree) -> dict[WatchDescriptor, str]:
        paths: dict[WatchDescriptor, str] = {}
        pending = [ROOT]
        while pending:
            path = pending.pop()
            try:
                with tree.directory(path) as descriptor:
                    paths[self._watch(descriptor)] = path
                    below = list_subdirectories(descriptor)
            except OSError as error:
                if error.errno not in _NOT_ENTERED:
                    raise
                continue
            if path == ROOT:
                pending += [name for name in below if name not in _NOT_PART]
            else:
                pending += [f"{path}/{name}" for name in below]
            if len(paths) + len(pending) > self._most:
                raise TooManyError(f"a tree has more than {self._most} directories")
        return paths

    def _watch(self, descriptor: int) -> WatchDescriptor:
        status = os.fstat(descriptor)
        key = (status.st_dev, status.st_ino)
        if key not in self._numbers:
            self._numbers[key] = self._inotify.watch(descriptor, self)
        return self._numbers[key]


def _joined(directory: str | None, name: bytes) -> str | None:
    if directory is None or not name:
        return directory
    return decode_path(name) if directory == ROOT else f"{directory}/{decode_path(name)}"
