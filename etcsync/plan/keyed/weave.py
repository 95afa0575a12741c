"""The order of a merged file's records, and the comments and blank lines between them.

Comments never conflict. Lines before a record stay with it; where both sides changed them, both
sides' lines are kept. All of it is stable: weaving the merged file with the same base and upstream
once more gives the merged file, so that a run that was interrupted can be repeated.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from etcsync.plan.keyed.document import Document, Record, Slot
from etcsync.plan.keyed.three_way import Versions, choose, merge_lists

Lines = tuple[bytes, ...]

_TAIL = None
"""Stands for the place after the last record."""


def interleave(frame: Iterable[Slot], guest: Iterable[Slot]) -> list[Slot]:
    """Return the frame's order, each of the guest's further slots behind what it follows there."""
    frame = list(frame)
    known = set(frame)
    followers: dict[Slot | None, list[Slot]] = {slot: [] for slot in (None, *frame)}
    place: Slot | None = None
    for slot in guest:
        if slot in known:
            place = slot
        else:
            followers[place].append(slot)
    return followers[None] + [member for slot in frame for member in (slot, *followers[slot])]


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
    leads: dict[Slot | None, Lines] = {
        place: merge_lists(*(_lines_at(document, place) for document in versions))
        for place in (*order, _TAIL)
    }
    for side in (versions.ours, versions.theirs):
        for place, lines in _orphans(versions.base, side, texts).items():
            known = {*leads[place], *_lines_at(versions.base, place)}
            leads[place] += tuple(line for line in lines if line not in known)
    _drop_repeated(leads, order, versions.base)
    return Document(
        {slot: Record(leads[slot], texts[slot]) for slot in order},
        leads[_TAIL],
        choose(*(document.ended for document in versions)) is not False,
    )


def _lines_at(document: Document, place: Slot | None) -> Lines:
    if place is None:
        return document.tail
    record = document.records.get(place)
    return record.lead if record else ()


def _orphans(
    base: Document, side: Document, texts: Mapping[Slot, bytes]
) -> dict[Slot | None, list[bytes]]:
    """Return the lines that ``side`` added before records that do not stay, by their next place."""
    orphans: dict[Slot | None, list[bytes]] = {}
    waiting: list[bytes] = []
    for slot, record in side.records.items():
        if slot not in texts:
            known = set(_lines_at(base, slot))
            waiting += (line for line in record.lead if line not in known and _says_something(line))
        elif waiting:
            orphans[slot] = waiting
            waiting = []
    if waiting:
        orphans[_TAIL] = waiting
    return orphans


def _drop_repeated(leads: dict[Slot | None, Lines], order: Sequence[Slot], base: Document) -> None:
    """Let a comment that both sides moved before a new record of their own stand only once."""
    settled = [place for place in (*order, _TAIL) if place is None or place in base.records]
    seen = {line for place in settled for line in leads[place]}
    for slot in order:
        if slot not in base.records and leads[slot]:
            leads[slot] = tuple(
                line for line in leads[slot] if line not in seen or not _says_something(line)
            )
            seen.update(leads[slot])


def _says_something(line: bytes) -> bool:
    return re.search(rb"[^\s#;]", line) is not None
