"""Whether the daemon does its work."""

from collections.abc import Callable
from dataclasses import dataclass

from etcsync.config import Settings
from etcsync.daemon.passes import Pass

PATIENCE = 60.0
"""Seconds for which clients may wait at least before the daemon counts as unwell."""

INTERVALS = 3
"""Intervals for which they may wait."""

Clock = Callable[[], float]
"""Returns monotonic seconds."""

Alive = Callable[[], bool]
"""Returns whether the daemon's loop moves; any thread may ask."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the daemon is.

    Attributes:
        reason: What is wrong; None when nothing is.
        waiting: Seconds since the client that has waited longest was reconciled.
    """

    reason: str | None
    waiting: float


class HealthWatch:
    """An observer of passes that tells how the daemon is.

    A client that failed is no sign of the daemon's health: it is left in peace for a while.
    """

    def __init__(self, settings: Settings, alive: Alive, clock: Clock) -> None:
        self._alive = alive
        self._clock = clock
        self._interval = settings.daemon.interval
        self._times = dict.fromkeys((client.name for client in settings.clients), clock())
        self._failing: frozenset[str] = frozenset()

    def __call__(self, done: Pass) -> None:
        """Remember which clients were reconciled."""
        runs = [run for run in done.run.clients if run.name in self._times] if done.run else []
        self._times |= dict.fromkeys((run.name for run in runs), self._clock())
        failed = {run.name for run in runs if run.error}
        self._failing = self._failing - {run.name for run in runs} | failed

    def use(self, settings: Settings) -> None:
        """Go by other settings from now on; clients that are new wait from now on."""
        self._interval = settings.daemon.interval
        now = self._clock()
        names = (client.name for client in settings.clients)
        self._times = {name: self._times.get(name, now) for name in names}

    def health(self) -> Health:
        """Return how the daemon is now; any thread may ask."""
        now, failing = self._clock(), self._failing
        times = (time for name, time in list(self._times.items()) if name not in failing)
        waiting = now - min(times, default=now)
        reason = None
        if not self._alive():
            reason = "the loop stands still"
        elif waiting > max(PATIENCE, INTERVALS * self._interval):
            reason = f"there are clients that were not reconciled for {waiting:.0f} seconds"
        return Health(reason, waiting)
