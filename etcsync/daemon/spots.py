"""Watching single files at places that the administrator named, such as upstream's HEAD.

A file is replaced by renaming, so its directory is watched. Whether the directory is still the one
that is watched, and whether the file has changed unheard, is looked up every now and then: a stat
per file costs nothing, and tells the truth where inotify is blind.
"""

import os
from collections.abc import Callable, Mapping

from etcsync.daemon.inotify import Inotify, InotifyEvent, WatchDescriptor

Identity = tuple[int, ...] | None
"""What tells one state of a file from another; None where there is none."""


class SpotsWatch:
    """The files of one directory that are watched.

    What is heard and what is looked up is compared with the same state, so that a change is told
    once.
    """

    def __init__(self, directory: str, spots: Mapping[str, Callable[[], None]]) -> None:
        """Take note of the files as they are.

        Args:
            directory: A path of the server.
            spots: What to call, by the names of files in it; called by any thread.
        """
        self.directory = directory
        self._spots = {os.fsencode(name): changed for name, changed in spots.items()}
        self._states = {name: self._state(name) for name in self._spots}
        self._identity: Identity = None
        self._number: WatchDescriptor | None = None

    def refresh(self, inotify: Inotify | None) -> None:
        """Watch the directory that is there now; without an inotify instance, none.

        Raises:
            OSError: ENOSPC: the machine's limit is reached.
        """
        self._number = None
        self._identity = _identity_of(self.directory)
        if inotify is None or self._identity is None:
            return
        try:
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return
        try:
            self._number = inotify.watch(descriptor, self)
        finally:
            os.close(descriptor)

    def forget(self, inotify: Inotify) -> None:
        """Watch nothing any more."""
        if self._number is not None:
            inotify.forget([self._number], self)

    def check(self) -> bool:
        """Call for each file that has changed since the last check; say whether to refresh."""
        for name in self._spots:
            self._look(name)
        return _identity_of(self.directory) != self._identity

    def on_event(self, event: InotifyEvent) -> None:
        """Take an event; called by the reading thread."""
        if event.name in self._spots:
            self._look(event.name)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Take the end of the watch; the next check sees to it."""
        if wd == self._number:
            self._identity = None

    def on_queue_overflow(self) -> None:
        """Take it that events were lost; the next check tells what has changed."""

    def _look(self, name: bytes) -> None:
        state = self._state(name)
        if state != self._states[name]:
            self._states[name] = state
            self._spots[name]()

    def _state(self, name: bytes) -> Identity:
        try:
            status = os.stat(os.path.join(os.fsencode(self.directory), name))
        except OSError:
            return None
        return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _identity_of(directory: str) -> Identity:
    try:
        status = os.stat(directory)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)
