"""What becomes of a plan's changes while they are applied."""

from dataclasses import dataclass
from enum import Enum, auto

from etcsync.entries import StatKey
from etcsync.tree.change import Way
from etcsync.tree.journal import Slot
from etcsync.tree.recovery import Leftover


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a plan's changes; each path is in one of the first four.

    Attributes:
        done: It stands there as planned.
        raced: The client changed it meanwhile; it is as the client left it. Plan again.
        kept: Directories that were to go and hold something that is not recorded.
        failed: The old version is still there; why.
        stranded: What came out, differs from what the plan saw, and could not be put back. It is
            still on the bench: record it, then call `Staged.discard`.
        stats: States of files and links that stand there as planned and whose next change is
            sure to show.
        unsettled: Paths of ``done`` that a client may have changed again since.
    """

    done: frozenset[str]
    raced: frozenset[str]
    kept: frozenset[str]
    failed: dict[str, OSError]
    stranded: tuple[Leftover, ...]
    stats: dict[str, StatKey]
    unsettled: frozenset[str]


class Out(Enum):
    """What may lie in a slot."""

    STAGED = auto()
    """What was staged and never was in the tree; or nothing."""
    THEIRS = auto()
    """What came out of the tree and was as expected."""
    RETURNED = auto()
    """What was staged and came back out; or what could not be put back."""


@dataclass(slots=True)
class Item:
    """One staged change.

    Attributes:
        slot: Path, expectation and aim; and where on the bench.
        way: How it is made.
        out: What may lie in the slot now.
    """

    slot: Slot
    way: Way
    out: Out = Out.STAGED
