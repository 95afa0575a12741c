"""What the daemon tells those who watch it: one pass after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from etcsync.errors import EtcsyncError
from etcsync.reconcile.model import Run


class Why(StrEnum):
    """What made the daemon reconcile."""

    START = "start"
    UPSTREAM = "upstream"
    """Upstream has a new commit, or a package transaction has ended."""
    CLIENT = "client"
    """A tree has changed."""
    INTERVAL = "interval"
    """The full reconciliation was due."""
    SETTINGS = "settings"
    """The settings or a rule file has changed."""
    RETRY = "retry"
    """A client that failed is tried again."""


class Outcome(StrEnum):
    """How a pass ended: the worst that applies."""

    NOT_MADE = "failed"
    """It could not be made at all."""
    CLIENT_FAILED = "client-failed"
    SERVER_FAILED = "server-failed"
    """Exports or /boot are not as they should be."""
    HELD = "held"
    """Something is held."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Pass:
    """One reconciliation that the daemon made, or tried to make.

    Attributes:
        id: Names it in the log; unique.
        why: What made it happen.
        clients: The names of the clients that it was for.
        started: When it began.
        duration: Seconds that it took.
        run: What was done; None when it could not be made at all.
        error: Why it could not be made at all.
    """

    id: str
    why: Why
    clients: Sequence[str]
    started: datetime
    duration: float
    run: Run | None
    error: EtcsyncError | None = None

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        if self.run is None:
            return Outcome.NOT_MADE
        if any(client.error for client in self.run.clients):
            return Outcome.CLIENT_FAILED
        if self.run.server.error:
            return Outcome.SERVER_FAILED
        return Outcome.HELD if self.run.exit_status else Outcome.DONE


Observer = Callable[[Pass], None]
"""Is told of each pass when it is over; it must not raise, and must be quick."""
