"""Where threads and the loop meet: what is heard becomes hints for the agenda."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock

from etcsync.daemon.agenda import Agenda
from etcsync.daemon.bell import Bell
from etcsync.daemon.echoes import Echoes
from etcsync.daemon.passes import Why


class Hearing:
    """Guards the agenda, and wakes the loop when there is news; see `etcsync.daemon.watching`.

    Attributes:
        bell: Wakes the loop.
    """

    def __init__(self, agenda: Agenda, bell: Bell) -> None:
        self.bell = bell
        self._agenda = agenda
        self._echoes = Echoes(())
        self._quiet: set[str] = set()
        self._lock = Lock()

    @contextmanager
    def agenda(self) -> Iterator[Agenda]:
        """Give the agenda to one thread at a time."""
        with self._lock:
            yield self._agenda

    @contextmanager
    def during_pass(self, echoes: Echoes) -> Iterator[None]:
        """Keep apart what is heard of the pass's clients while the block goes on."""
        self._echoes = echoes
        try:
            yield
        finally:
            self._echoes = Echoes(())

    def quiet(self) -> frozenset[str]:
        """Return the clients of whose trees nothing has been heard since they were looked at."""
        with self._lock:
            return frozenset(self._quiet)

    def looked_at(self, names: Iterable[str]) -> None:
        """Note that what was heard of these trees so far is done with, unless it waits its turn.

        Call it while the agenda is given to this thread.
        """
        self._quiet.update(name for name in names if not self._agenda.awaits(name))

    def client_changed(self, name: str, path: str | None) -> None:
        """Hear of a change in a client's tree."""
        now = time.monotonic()
        with self._lock:
            self._quiet.discard(name)
            if name in self._echoes:
                self._echoes.hear(name, path, now)
                return
            news = self._agenda.client_changed(name, now)
        if news:
            self.bell.ring()

    def upstream_changed(self, *, at_once: bool) -> None:
        """Hear that upstream may have a new commit; at once when a transaction has ended."""
        self._whole(Why.UPSTREAM, at_once=at_once)

    def settings_changed(self) -> None:
        """Hear that the settings or a rule file has changed."""
        self._whole(Why.SETTINGS, at_once=False)

    def lock_changed(self) -> None:
        """Hear that a lock of upstream's was taken or released."""
        self.bell.ring()

    def events_lost(self) -> None:
        """Hear that anything may have changed."""
        with self._lock:
            self._quiet.clear()
        self._whole(Why.INTERVAL, at_once=True)

    def interval_over(self) -> None:
        """Hear that the full reconciliation is due."""
        self._whole(Why.INTERVAL, at_once=True)

    def reload(self) -> None:
        """Hear that somebody wants the settings read again."""
        self._whole(Why.SETTINGS, at_once=True)

    def _whole(self, why: Why, *, at_once: bool) -> None:
        with self._lock:
            self._agenda.whole(why, time.monotonic(), at_once=at_once)
        self.bell.ring()
