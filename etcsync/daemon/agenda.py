"""What is to be reconciled and when: the daemon's mind, without clock, files or threads.

Times are seconds on a clock that never goes back; the caller says what time it is. Hints mark
upstream or a client as changed; a change is due after some quiet, so that a burst becomes one pass,
but not later than a multiple of that. What failed is tried again after growing pauses.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from etcsync.daemon.passes import Why

PATIENCE = 10.0
"""A change is taken up after so many settle times, however busy its author is."""

FIRST_PAUSE = 1.0
"""Seconds until what failed is tried again for the first time; then twice as many, and so on."""

LONGEST_PAUSE = 300.0
"""Seconds that no pause exceeds."""

HINTED_PAUSE = 10.0
"""Seconds that no pause exceeds once the failing client's tree has changed."""

WHOLE_PAUSE = 30.0
"""Seconds that no pause exceeds after a pass that could not be made at all."""

OVERDUE = 1.5
"""Intervals after which the full reconciliation is made although nobody called for it."""

_WHOLE = (Why.START, Why.SETTINGS, Why.UPSTREAM, Why.INTERVAL)
"""Reasons for a pass over all clients; of several the first is told."""


_Key = TypeVar("_Key", bound=str)


class Rhythm(NamedTuple):
    """The rhythm of the settings.

    Attributes:
        settle: Seconds of quiet after which a change is taken up.
        interval: Seconds between two full reconciliations.
    """

    settle: float
    interval: float


class Task(NamedTuple):
    """A pass to be made.

    Attributes:
        why: The reason that is told.
        clients: The names, in the agenda's order; empty only where there are no clients.
        causes: All reasons for a pass over all clients that it takes care of.
    """

    why: Why
    clients: tuple[str, ...]
    causes: frozenset[Why] = frozenset()


@dataclass(slots=True)
class _Change:
    """A change that waits to be taken up: when it was first and last heard of."""

    first: float
    last: float
    at_once: bool = False

    def due(self, settle: float) -> float:
        if self.at_once:
            return self.first
        return min(self.last + settle, self.first + settle * PATIENCE)


@dataclass(slots=True)
class _Failure:
    """How often in a row something failed, and when it did last."""

    count: int
    last: float

    def retry(self, longest: float = LONGEST_PAUSE) -> float:
        return self.last + min(FIRST_PAUSE * 2.0 ** min(self.count - 1, 30), longest)


class Agenda:
    """What waits to be done.

    A pass goes like this: `due` gives a task, `begin` takes it off, and `done`, `put_back` or
    `failed` tells what became of it.
    """

    def __init__(self, rhythm: Rhythm, clients: Iterable[str], now: float) -> None:
        self._rhythm = rhythm
        self._clients = tuple(clients)
        self._whole: dict[Why, _Change] = {}
        self._changed: dict[str, _Change] = {}
        self._failing: dict[str, _Failure] = {}
        self._failure: _Failure | None = None
        self._hopeless = False
        self._waiting = False
        self._slow: frozenset[str] = frozenset()
        self._last_full = now

    def follow(self, rhythm: Rhythm, clients: Iterable[str]) -> None:
        """Go on with another rhythm and other clients."""
        self._rhythm, self._clients = rhythm, tuple(clients)
        for known in (self._changed, self._failing):
            for name in known.keys() - set(self._clients):
                del known[name]

    def whole(self, why: Why, now: float, *, at_once: bool = False) -> None:
        """Note a reason to reconcile all clients; it ends the wait of what was given up."""
        _note(self._whole, why, now, at_once=at_once)
        if self._hopeless:
            self._hopeless, self._failure = False, None

    def client_changed(self, name: str, now: float) -> bool:
        """Note that a client's tree has changed; return whether that is news."""
        if name not in self._clients:
            return False
        return _note(self._changed, name, now)

    def awaits(self, name: str) -> bool:
        """Whether a client waits for a pass: its tree has changed, or the last one failed."""
        return name in self._changed or name in self._failing

    def due(self, now: float) -> Task | None:
        """Return the pass that is to be made now, if one is."""
        self._note_overdue(now)
        if self._waiting or now < self._not_before():
            return None
        settle = self._rhythm.settle
        whole = frozenset(why for why, each in self._whole.items() if each.due(settle) <= now)
        if whole:
            return self._whole_task(whole, now)
        ready = [name for name in self._clients if self._client_due(name) <= now]
        ready = [name for name in ready if name not in self._slow] or ready[:1]
        if not ready:
            return None
        changed = any(name in self._changed for name in ready)
        return Task(Why.CLIENT if changed else Why.RETRY, tuple(ready))

    def wake(self) -> float:
        """Return when something will be due, if nothing else is heard of."""
        if self._waiting:
            return float("inf")
        settle = self._rhythm.settle
        times = [each.due(settle) for each in self._whole.values()]
        times += [self._client_due(name) for name in self._changed.keys() | self._failing.keys()]
        times.append(self._last_full + self._rhythm.interval * OVERDUE)
        return max(min(times), self._not_before())

    def begin(self, task: Task, now: float) -> None:
        """Take a task off: what is heard of from now on is news."""
        for why in task.causes:
            del self._whole[why]
        for name in task.clients:
            self._changed.pop(name, None)
        if task.causes:
            for name in self._slow.difference(task.clients):
                _note(self._changed, name, now, at_once=True)
        if task.causes - {Why.UPSTREAM}:
            self._last_full = now

    def done(
        self, task: Task, now: float, *, failed: Collection[str], slow: Collection[str]
    ) -> None:
        """Note how a pass went.

        Args:
            task: The task.
            now: The time.
            failed: The clients that failed: each is tried again by itself, later and later.
            slow: The clients whose trees took long to look at: from now on the others go first.
        """
        self._failure, self._hopeless = None, False
        for name in task.clients:
            if name in failed:
                self._failing[name] = _again(self._failing.get(name), now)
            else:
                self._failing.pop(name, None)
        self._slow = self._slow.difference(task.clients).union(slow)

    def put_back(self, task: Task, now: float, *, pause: float) -> None:
        """Note that a pass could not be made now, though nothing failed; it is due later."""
        self._restore(task, now)
        self._failure = _Failure(1, now + pause - FIRST_PAUSE)

    def wait(self, task: Task, now: float) -> None:
        """Note that upstream is busy: nothing is due until `resume`."""
        self._restore(task, now)
        self._waiting = True

    def resume(self) -> None:
        """Note that upstream is busy no longer: what waited is due at once."""
        self._waiting, self._failure = False, None

    def failed(self, task: Task, now: float, *, hopeless: bool) -> None:
        """Note that a pass could not be made at all.

        Args:
            task: The task.
            now: The time.
            hopeless: It cannot work until something changes: there is no trying again before
                `whole` is called.
        """
        self._restore(task, now)
        self._failure = _again(self._failure, now)
        self._hopeless = hopeless

    def _restore(self, task: Task, now: float) -> None:
        for why in task.causes:
            _note(self._whole, why, now, at_once=True)
        if not task.causes:
            for name in task.clients:
                _note(self._changed, name, now, at_once=True)

    def _note_overdue(self, now: float) -> None:
        if now >= self._last_full + self._rhythm.interval * OVERDUE:
            self._last_full = now
            self.whole(Why.INTERVAL, now, at_once=True)

    def _whole_task(self, causes: frozenset[Why], now: float) -> Task:
        why = next(each for each in _WHOLE if each in causes)
        names: Iterable[str] = (name for name in self._clients if name not in self._slow)
        if why is Why.UPSTREAM:
            names = (name for name in names if self._not_backing_off(name, now))
        return Task(why, tuple(names) or self._clients, causes)

    def _not_backing_off(self, name: str, now: float) -> bool:
        failure = self._failing.get(name)
        return failure is None or failure.retry() <= now

    def _client_due(self, name: str) -> float:
        change, failure = self._changed.get(name), self._failing.get(name)
        if failure is None:
            return change.due(self._rhythm.settle) if change else float("inf")
        if change is None:
            return failure.retry()
        return max(change.due(self._rhythm.settle), failure.retry(HINTED_PAUSE))

    def _not_before(self) -> float:
        if self._hopeless:
            return self._last_full + self._rhythm.interval * OVERDUE
        return self._failure.retry(WHOLE_PAUSE) if self._failure else float("-inf")


def _note(changes: dict[_Key, _Change], key: _Key, now: float, *, at_once: bool = False) -> bool:
    known = changes.get(key)
    if known is None:
        changes[key] = _Change(now, now, at_once)
        return True
    known.last = now
    news = at_once and not known.at_once
    known.at_once |= at_once
    return news


def _again(failure: _Failure | None, now: float) -> _Failure:
    return _Failure(1 if failure is None else failure.count + 1, now)
