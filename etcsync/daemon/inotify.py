"""One inotify instance for everything that the daemon watches; see inotify(7).

Watchdog reads the kernel's queue in a thread of its own and calls back. Its observers are not used:
they take threads for each tree, and follow a tree by paths, in which its client can swap a
directory for a link at any moment. Here a directory is watched by an open descriptor.
"""

import errno
import logging
import os
from collections.abc import Iterable
from contextlib import suppress

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)

EVENTS = Mask(
    InotifyConstants.IN_MODIFY
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_CREATE
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_EXCL_UNLINK
)
"""The same for all watches: the kernel has one mask for a directory, whoever asks."""

STOP_PATIENCE = 5.0
"""Seconds that the reading thread gets to end."""

__all__ = ["Inotify", "InotifyEvent", "WatchCallback", "WatchDescriptor"]


class Inotify:
    """An inotify instance and the thread that reads it.

    A `WatchCallback` is called by that thread: it must be quick, must not raise and take no watch.
    """

    def __init__(self) -> None:
        """Open the instance.

        Raises:
            OSError: EMFILE: the machine's limit of instances is reached.
        """
        # It reports each overflow in a form of its own; the daemon does that itself.
        logging.getLogger("watchdog.observers.inotify_c").disabled = True
        self._instance = InotifyFD()
        self._instance.start()

    @property
    def alive(self) -> bool:
        """Whether events are still read."""
        return self._instance.is_alive()

    def watch(self, descriptor: int, callback: WatchCallback) -> WatchDescriptor:
        """Watch the directory that ``descriptor`` holds; return the watch's number.

        Call it once for a directory and a callback, until the watch has been deleted.

        Raises:
            OSError: ENOSPC: the limit of watches is reached. EACCES: the directory is not readable.
        """
        path = f"/proc/self/fd/{descriptor}".encode("ascii")
        number = self._instance.add_callback(path, EVENTS, callback, CallbackId(id(callback)))
        if number < 0:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return number

    def forget(self, numbers: Iterable[WatchDescriptor], callback: WatchCallback) -> None:
        """Watch those directories no longer for this callback."""
        for number in numbers:
            with suppress(OSError):
                self._instance.remove_callbacks([(number, CallbackId(id(callback)))])

    def close(self) -> None:
        """End the thread and let go of all watches."""
        self._instance.stop()
        self._instance.join(STOP_PATIENCE)
