"""What the caller of a run decides."""

from collections.abc import Callable
from dataclasses import dataclass

Advance = Callable[[str, int, int], None]
"""Told how far a run is: the step's name, how many are done, how many there are."""


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How far a run may go.

    Attributes:
        allow_mass_delete: Deletions above ``limits.max_delete_percent`` are confirmed.
        accept_rewrite: Upstream may have rewritten its history.
        wait: Seconds to wait for another writer.
    """

    allow_mass_delete: bool = False
    accept_rewrite: bool = False
    wait: float = 60.0


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
