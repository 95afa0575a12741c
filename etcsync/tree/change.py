"""What a plan wants done to one path, and in which way and order that is done."""

from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from etcsync.entries import Entry, Kind
from etcsync.tree.preparing import NO_ATTRIBUTES, Attributes


class Change(NamedTuple):
    """One path of a plan.

    Attributes:
        path: Where.
        before: What the plan saw there; None: nothing. Anything else found there is left alone.
        after: What shall stand there; None: nothing.
        attributes: Extended attributes for a new file, beside those it keeps from an old one.
        group: Changes that name the same group are made all or none.
        at_once: A file is replaced even where only its metadata changes: that is one step.
    """

    path: str
    before: Entry | None
    after: Entry | None
    attributes: Attributes = NO_ATTRIBUTES
    group: str | None = None
    at_once: bool = False


class Way(Enum):
    """How a change is made."""

    CREATE = auto()
    """What was staged is moved to an empty place."""
    REPLACE = auto()
    """What was staged is exchanged with what stands there."""
    ADJUST = auto()
    """Metadata is changed in place."""
    REMOVE = auto()
    """What stands there is moved to the bench."""
    REMOVE_DIRECTORY = auto()
    """An empty directory is removed."""


def way_of(change: Change) -> Way | None:
    """Return how a change is made; None: there is nothing to do."""
    before, after = change.before, change.after
    if before == after:
        return None
    if before is None:
        return Way.CREATE
    if after is None:
        return Way.REMOVE_DIRECTORY if before.kind is Kind.DIRECTORY else Way.REMOVE
    return Way.ADJUST if before.same_content(after) else Way.REPLACE


def in_order(changes: Iterable[Change]) -> list[Change]:
    """Return changes so that each finds what it needs.

    New directories come first, from the top down; then files and metadata; then deletions; last
    the directories that go or turn into something else, from the bottom up.
    """
    ordered = sorted(changes, key=lambda change: change.path)
    steps: list[list[Change]] = [[], [], [], []]
    for change in ordered:
        steps[_step(change)].append(change)
    return [*steps[0], *steps[1], *steps[2], *reversed(steps[3])]


def _step(change: Change) -> int:
    is_directory = change.after is not None and change.after.kind is Kind.DIRECTORY
    was_directory = change.before is not None and change.before.kind is Kind.DIRECTORY
    if is_directory and not was_directory:
        return 0
    if was_directory and not is_directory:
        return 3
    return 1 if change.after is not None else 2
