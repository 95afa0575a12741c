"""All that the daemon watches, and what it does where it cannot watch.

Everything here is a hint; the full reconciliation at every interval is the truth. Still no hint is
lost in silence: what cannot be watched is polled, and the log says what and why.
"""

import errno
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from etcsync.config import Settings
from etcsync.daemon.inotify import Inotify
from etcsync.daemon.polled import LIMITS, NO_INSTANCE, NO_WATCHES, Polled, PolledTrees
from etcsync.daemon.spots import SpotsWatch
from etcsync.daemon.tree_watch import TooManyError, TreeWatch
from etcsync.daemon.upstream_spots import upstream_spots
from etcsync.errors import TreeError
from etcsync.host.mounts import Mount, is_remote, mount_of, read_mounts
from etcsync.logs import get_logger

MOST_DIRECTORIES = 16_384
"""Directories of one tree that are watched at most: a client makes as many as it likes, and each
watch takes about a kilobyte of the kernel's memory."""

LEAST_SHARE = 512
"""Directories of one tree that are watched in any case, if the machine's limit allows."""

MAX_WATCHES = "/proc/sys/fs/inotify/max_user_watches"

log = get_logger()


class Hears(Protocol):
    """Who is told; called by any thread."""

    def client_changed(self, name: str, path: str | None) -> None:
        """Hear of a change in a client's tree."""

    def upstream_changed(self, *, at_once: bool) -> None:
        """Hear that upstream may have a new commit; at once when a transaction has ended."""

    def settings_changed(self) -> None:
        """Hear that the settings or a rule file has changed."""

    def lock_changed(self) -> None:
        """Hear that a lock of upstream's was taken or released."""

    def events_lost(self) -> None:
        """Hear that anything may have changed."""


class Watching:
    """The watches for one cluster; all methods are for the daemon's own thread."""

    def __init__(self, hears: Hears) -> None:
        self._hears = hears
        self._inotify: Inotify | None = None
        self._settings: Settings | None = None
        self._spots: dict[tuple[str, ...], SpotsWatch] = {}
        self._trees: dict[str, TreeWatch] = {}
        self._tops: dict[str, tuple[int, int] | None] = {}
        self._polled = PolledTrees()
        self._overflowed = False
        self._upstream_moved = False

    def follow(self, settings: Settings) -> None:
        """Watch what these settings name, from now on."""
        self.close()
        self._settings = settings
        try:
            self._inotify = Inotify()
        except OSError:
            log.warning("nothing can be watched", why=NO_INSTANCE.why, hint=LIMITS)
        self._follow_spots(settings)
        share = _share(len(settings.clients))
        for client in settings.clients:
            self._polled.add(client.name, NO_INSTANCE)
            if self._inotify is not None:
                self._trees[client.name] = TreeWatch(
                    settings.tree_path(client.name),
                    self._inotify,
                    partial(self._hears.client_changed, client.name),
                    self._overflow,
                    most=share,
                )
            self._tops[client.name] = _top(settings.tree_path(client.name))
        self.retry()

    def retry(self) -> None:
        """Try once more to watch what could not be watched so far."""
        if self._settings is None:
            return
        if self._inotify is None or not self._inotify.alive:
            with suppress(OSError):
                Inotify().close()
                self.follow(self._settings)
            return
        self._watch_trees([name for name in self._trees if name in self._polled])

    def refresh(self, names: Iterable[str]) -> Sequence[str]:
        """Watch directories that have appeared in these clients' trees.

        Call it before a tree is looked at: what happens from then on is heard.

        Returns:
            Those of the clients in whose trees some may have been found.
        """
        stale = [name for name in names if name in self._trees and self._trees[name].stale]
        self._watch_trees(stale)
        return [name for name in stale if not self._trees[name].stale]

    def hears(self, name: str) -> bool:
        """Whether every change in a client's tree is heard of as it happens."""
        return name in self._trees and name not in self._polled and not self._trees[name].stale

    def check(self) -> None:
        """Look up what inotify may not have told; cheap, for every second or so."""
        if self._settings is None:
            return
        if self._inotify is not None and not self._inotify.alive:
            log.error("the watching thread has died; everything is watched anew")
            self.follow(self._settings)
            self._hears.events_lost()
        if self._overflowed:
            self._overflowed = False
            log.warning(
                "more happened at once than could be heard; everything is looked at",
                hint="Raise fs.inotify.max_queued_events with sysctl, if this comes often.",
            )
            self._hears.events_lost()
        moved = [spots for spots in self._spots.values() if spots.check()]
        for spots in moved:
            self._watch_spots(spots)
        if moved or self._upstream_moved:
            self._upstream_moved = False
            if self._follow_spots(self._settings):
                self._hears.upstream_changed(at_once=False)
        self._check_tops(self._settings)
        for name in self._polled.due(time.monotonic()):
            self._hears.client_changed(name, None)

    def close(self) -> None:
        """Watch nothing any more."""
        if self._inotify is not None:
            self._inotify.close()
        self._inotify = None
        self._spots, self._trees, self._tops = {}, {}, {}
        self._polled.clear()

    def _follow_spots(self, settings: Settings) -> bool:
        """Watch the files that are to be watched now; return whether there are new ones."""
        files: dict[str, dict[str, Callable[[], None]]] = defaultdict(dict)
        for path, changed in self._files(settings):
            directory, name = os.path.split(path)
            files[directory][name] = changed
        wanted = {(directory, *sorted(names)): names for directory, names in files.items()}
        for key in self._spots.keys() - wanted.keys():
            spots = self._spots.pop(key)
            if self._inotify is not None:
                spots.forget(self._inotify)
        new = wanted.keys() - self._spots.keys()
        for key in new:
            self._spots[key] = SpotsWatch(key[0], wanted[key])
            self._watch_spots(self._spots[key])
        return bool(new)

    def _watch_spots(self, spots: SpotsWatch) -> None:
        try:
            spots.refresh(self._inotify)
        except OSError as error:
            log.warning(
                "a directory is looked at every second instead of being watched",
                directory=spots.directory, why=error.strerror, hint=LIMITS,
            )  # fmt: skip

    def _files(self, settings: Settings) -> Iterator[tuple[str, Callable[[], None]]]:
        for path in (settings.source, *settings.policy.files):
            for each in {path, os.path.realpath(path)}:
                yield each, self._hears.settings_changed
        files = upstream_spots(settings.upstream.root, settings.upstream.etc)
        for path in files.refs:
            yield path, self._upstream_changed
        for path in files.locks:
            yield path, self._hears.lock_changed
        for path in files.transactions:
            yield path, partial(self._transaction, path)
        yield files.announcement, partial(self._hears.upstream_changed, at_once=True)

    def _upstream_changed(self) -> None:
        self._upstream_moved = True
        self._hears.upstream_changed(at_once=False)

    def _transaction(self, lock: str) -> None:
        if os.path.lexists(lock):
            self._hears.lock_changed()
        else:
            self._hears.upstream_changed(at_once=True)

    def _overflow(self) -> None:
        self._overflowed = True

    def _watch_trees(self, names: Sequence[str]) -> None:
        if not names:
            return
        mounts = read_mounts()
        for name in names:
            why = self._unwatched(self._trees[name], mounts)
            if why is None:
                self._polled.remove(name)
            else:
                self._polled.add(name, why)
        self._polled.tell()

    @staticmethod
    def _unwatched(tree: TreeWatch, mounts: Sequence[Mount]) -> Polled | None:
        """Watch a tree, and return why it cannot be watched, if it cannot."""
        mount = mount_of(os.path.realpath(tree.path), mounts)
        if mount is not None and is_remote(mount):
            tree.forget()
            return Polled(f"others may write to {mount.kind} without inotify being told")
        try:
            tree.refresh()
        except TreeError:
            return None  # a pass tells what is wrong, and `check` sees when it is mended
        except TooManyError as error:
            return Polled(str(error), often=False)
        except OSError as error:
            return NO_WATCHES if error.errno == errno.ENOSPC else Polled(str(error))
        return None

    def _check_tops(self, settings: Settings) -> None:
        """See trees that were replaced, removed, brought back, mounted over or unmounted."""
        for name, known in self._tops.items():
            top = _top(settings.tree_path(name))
            if top != known:
                self._tops[name] = top
                if name in self._trees:
                    self._trees[name].stale = True
                log.info("tree was replaced" if top else "tree is gone", client=name)
                self._hears.client_changed(name, None)


def _share(trees: int) -> int:
    """Return how many directories of each tree are watched, so that none takes the others' part."""
    with open(MAX_WATCHES, encoding="ascii") as limit:
        return max(LEAST_SHARE, min(MOST_DIRECTORIES, int(limit.read()) // (trees + 1)))


def _top(path: str) -> tuple[int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)
