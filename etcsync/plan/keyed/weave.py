"""The order of a merged file's records, and the comments and blank lines between them.

Comments never conflict. Lines before a record stay with it; where both sides changed them, both
sides' lines are kept. All of it is stable: weaving the merged file with the same base and upstream
once more gives the merged file, so that a run that was interrupted can be repeated.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from etcsync.plan.keyed.document import Document, Record, Slot
from etcsync.plan.keyed.three_way import Versions, choose, merge_lists

Lines = tuple[bytes, ...]

T = TypeVar("T")

_TAIL = None
"""Stands for the place after the last record."""


def frame_and_guest(orders: Versions[list[T]]) -> tuple[list[T], list[T]] | None:
    """Return the side that gives the order and the other, or None if the sides' orders differ."""
    base, ours, theirs = orders
    if same_order(base, theirs):
        return ours, theirs
    if same_order(base, ours) or same_order(ours, theirs):
        return theirs, ours
    return None


def same_order(one: Sequence[T], other: Sequence[T]) -> bool:
    """Tell whether what both have stands in the same order; nothing may stand twice."""
    ones, others = set(one), set(other)
    return [item for item in one if item in others] == [item for item in other if item in ones]


def interleave(frame: Iterable[T], guest: Iterable[T]) -> list[T]:
    """Return the frame's order, each of the guest's further items behind what it follows there."""
    frame = list(frame)
    known = set(frame)
    followers: dict[T | None, list[T]] = {item: [] for item in (None, *frame)}
    place: T | None = None
    for item in guest:
        if item in known:
            place = item
        else:
            followers[place].append(item)
    return followers[None] + [member for item in frame for member in (item, *followers[item])]


def append(frame: Iterable[Slot], guest: Iterable[Slot]) -> list[Slot]:
    """Return the frame's order, then the guest's further slots in the guest's order."""
    return list(dict.fromkeys((*frame, *guest)))


def weave(
    versions: Versions[Document], order: Sequence[Slot], texts: Mapping[Slot, bytes]
) -> Document:
    """Put the merged records in order and the lines between them where they belong.

    Args:
        versions: The file, three times.
        order: Every slot of ``texts``, as the merged file is to have them.
        texts: The merged records.
    """
    places = (*order, _TAIL)
    sides = Versions(*(_leads(document, versions.base, texts) for document in versions))
    leads = {place: merge_lists(*(side.get(place, ()) for side in sides)) for place in places}
    _drop_repeated(leads, order, versions.base)
    return Document(
        {slot: Record(leads[slot], texts[slot]) for slot in order},
        leads[_TAIL],
        choose(*(document.ended for document in versions)) is not False,
    )


def _leads(side: Document, base: Document, texts: Mapping[Slot, bytes]) -> dict[Slot | None, Lines]:
    """Return a side's lines by what they precede.

    Lines that the side put before a record which does not stay move on to the next that does.
    """
    leads: dict[Slot | None, Lines] = {}
    moved: list[bytes] = []
    for slot, record in side.records.items():
        if slot in texts:
            leads[slot] = _with_moved(record.lead, moved)
            moved.clear()
        elif record.lead:
            known = set(base.records[slot].lead) if slot in base.records else set()
            moved += (line for line in record.lead if line not in known and _says_something(line))
    leads[_TAIL] = _with_moved(side.tail, moved)
    return leads


def _with_moved(lines: Lines, moved: Sequence[bytes]) -> Lines:
    known = set(lines)
    return (*lines, *(line for line in moved if line not in known))


def _drop_repeated(leads: dict[Slot | None, Lines], order: Sequence[Slot], base: Document) -> None:
    """Let a comment that both sides moved before a new record of their own stand only once."""
    settled = [place for place in (*order, _TAIL) if place is None or place in base.records]
    seen = {line for place in settled for line in leads[place]}
    for slot in order:
        if slot not in base.records and leads[slot]:
            leads[slot] = tuple(
                line for line in leads[slot] if line not in seen or not _is_comment(line)
            )
            seen.update(leads[slot])


def _is_comment(line: bytes) -> bool:
    return line.lstrip().startswith(b"#") and _says_something(line)


def _says_something(line: bytes) -> bool:
    return re.search(rb"[^\s#;]", line) is not None
