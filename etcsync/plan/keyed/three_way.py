"""The smallest three-way merges: of one value, and of a list taken as a set."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final, Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T")


class Clash(Enum):
    """The type of `CLASH`."""

    BOTH_CHANGED = "both changed"


CLASH: Final = Clash.BOTH_CHANGED
"""Stands for a value that both sides changed, and not to the same."""


class Versions(NamedTuple, Generic[T]):
    """The three versions of something that are merged."""

    base: T
    ours: T
    theirs: T


def choose(base: T, ours: T, theirs: T) -> T | Literal[Clash.BOTH_CHANGED]:
    """Return the value that one side changed, or that both agree on; else `CLASH`."""
    if theirs in (base, ours):
        return ours
    return theirs if ours == base else CLASH


def merge_sets(base: Iterable[T], ours: Sequence[T], theirs: Sequence[T]) -> tuple[T, ...]:
    """Apply both sides' additions and removals: theirs in its order, then what only ours adds."""
    base, ours_set, theirs_set = set(base), set(ours), set(theirs)
    kept = (item for item in theirs if item in ours_set or item not in base)
    added = (item for item in ours if item not in theirs_set and item not in base)
    return (*kept, *added)


def merge_lists(base: tuple[T, ...], ours: tuple[T, ...], theirs: tuple[T, ...]) -> tuple[T, ...]:
    """Return the list that one side changed, as it stands; where both did, merge them as sets."""
    chosen = choose(base, ours, theirs)
    return merge_sets(base, ours, theirs) if chosen is CLASH else chosen
