"""What the passes so far say of all clients together. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from etcsync.reconcile.model import ClientRun, Run, worst_state

UNDER_WAY = 1000
"""Commits on their way to the last client whose times are remembered."""


class Fleet:
    """The last that was said of each client.

    Attributes:
        commit: The upstream commit of the last pass; None before the first.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._runs: dict[str, tuple[ClientRun, str]] = {}
        self._tried: dict[str, datetime] = {}
        self._well: dict[str, datetime] = {}
        self.commit: str | None = None

    def use(self, names: Sequence[str]) -> None:
        """Speak of these clients from now on, and forget the others."""
        self._names = names
        for known in (self._runs, self._tried, self._well):
            for name in known.keys() - set(names):
                del known[name]

    def see(self, run: Run, ended: datetime) -> None:
        """Take what a run says that ended then."""
        known = set(self._names)
        self.commit = run.upstream_commit
        for client in run.clients:
            if client.name in known:
                self._runs[client.name] = (client, run.upstream_commit)
                self._tried[client.name] = ended
                if not client.error:
                    self._well[client.name] = ended

    @property
    def all_tried(self) -> datetime | None:
        """Since when every client has been reconciled, well or not; None: not all have been."""
        return self._since(self._tried)

    @property
    def all_well(self) -> datetime | None:
        """Since when every client has been reconciled without an error; None: not all have been."""
        return self._since(self._well)

    def _since(self, times: Mapping[str, datetime]) -> datetime | None:
        return min(times.values()) if times.keys() >= set(self._names) and times else None

    @property
    def states(self) -> Counter[str]:
        """How many clients are in each state."""
        return Counter(self._state(name) for name in self._names)

    @property
    def held(self) -> int:
        """How many paths are held, on all clients together."""
        return sum(len(run.conflicts) for run, _ in self._runs.values())

    @property
    def has_arrived(self) -> bool:
        """Whether the last commit has come to every client that is not suspended."""
        return all(self._has_last_commit(name) for name in self._names)

    def _has_last_commit(self, name: str) -> bool:
        if name not in self._runs:
            return False
        run, commit = self._runs[name]
        return bool(run.suspended) or (run.error is None and commit == self.commit)

    def _state(self, name: str) -> str:
        if name not in self._runs:
            return "behind"
        run, commit = self._runs[name]
        return worst_state(run, behind=commit != self.commit)


class Propagation:
    """How long upstream's commits take to the last client.

    A commit that was there before the first pass is not counted: it waited for the daemon to be
    started. One that another overtakes has arrived when the other has.
    """

    def __init__(self) -> None:
        self._latest: str | None = None
        self._under_way: list[datetime] = []

    def is_new(self, commit: str) -> bool:
        """Return whether ``commit`` has not been seen, and is to be counted."""
        return self._latest is not None and commit != self._latest

    def see(
        self, commit: str, made: datetime | None, ended: datetime, *, arrived: bool
    ) -> list[float]:
        """Return the seconds that the commits took which have arrived now.

        Args:
            commit: The upstream commit of a pass.
            made: When it was made, if it is new and that is known.
            ended: When the pass ended.
            arrived: Whether the commit has come to every client.
        """
        if made is not None and self.is_new(commit) and len(self._under_way) < UNDER_WAY:
            self._under_way.append(made)
        self._latest = commit
        if not arrived:
            return []
        delays = [max(0.0, (ended - time).total_seconds()) for time in self._under_way]
        self._under_way.clear()
        return delays
