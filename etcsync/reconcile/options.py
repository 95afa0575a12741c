"""What the caller of a run decides."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

Advance = Callable[[str, int, int], None]
"""Told how far a run is: the step's name, how many are done, how many there are."""


LOCK_PATIENCE = 15.0
"""Seconds to wait, for the whole fleet, until no program on a client changes accounts; as long as
lckpwdf(3) does."""


def never() -> bool:
    """Let a run go on to its end."""
    return False


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How far a run may go.

    Attributes:
        allow_mass_delete: Deletions above ``limits.max_delete_percent`` are confirmed.
        accept_rewrite: Upstream may have rewritten its history.
        wait: Seconds to wait for another writer.
        account_patience: Seconds to wait, for the whole fleet, for programs that change accounts.
        stop: Asked before each client; once it says yes, those not begun are left to the next run,
            and the run's result does not name them.
        contested: Paths by client that the client changes over and over, each with the reason in
            sentences: they are held from now on instead of being put back.
        quiet: Clients whose trees are taken to be as the last run left them: where that is
            remembered, only the directories that may be written to are looked at.
    """

    allow_mass_delete: bool = False
    accept_rewrite: bool = False
    wait: float = 60.0
    account_patience: float = LOCK_PATIENCE
    stop: Callable[[], bool] = never
    contested: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    quiet: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PromoteOptions:
    """How a promotion is made.

    Attributes:
        message: The commit's message, without trailers; "" for one that lists the paths.
        dry_run: Only look.
        wait: Seconds to wait for another writer.
    """

    message: str = ""
    dry_run: bool = False
    wait: float = 60.0


def no_advance(_step: str, _done: int, _total: int) -> None:
    """Tell nobody how far a run is."""
