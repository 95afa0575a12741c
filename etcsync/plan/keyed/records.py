"""Which records a merged file has, and with what content, key by key."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from etcsync.plan.keyed.conflicts import (
    RecordConflict,
    as_text,
    deletion_conflict,
    repetition_conflict,
)
from etcsync.plan.keyed.document import Document, Key, Slot
from etcsync.plan.keyed.three_way import CLASH, Versions, choose

Settle = Callable[[str, bytes | None, bytes, bytes], bytes | Sequence[RecordConflict]]
"""Merges the base, our and their text of one record that both sides changed or added; the first
argument is the record's name for conflicts."""


def merge_records(
    file: str, versions: Versions[Document], settle: Settle
) -> tuple[dict[Slot, bytes], list[RecordConflict]]:
    """Merge the records of one file, each by itself and whatever its place.

    A record that one side added, changed or deleted, and the other left alone, follows that side.
    Where a key stands on several lines of a version, its lines are one value: they are taken whole
    from the side that changed them.

    Args:
        file: The file's name for conflicts.
        versions: The file, three times.
        settle: Merges a record that both sides have and changed.

    Returns:
        The text of every record that stays, and the conflicts. Only without conflicts are the
        texts complete.
    """
    base, ours, theirs = (_texts_by_key(document) for document in versions)
    merged: dict[Slot, bytes] = {}
    conflicts: list[RecordConflict] = []
    for key in dict.fromkeys((*theirs, *ours)):
        texts = Versions(base.get(key, ()), ours.get(key, ()), theirs.get(key, ()))
        chosen = choose(*texts)
        if chosen is CLASH:
            outcome = _settle(file, as_text(b" ".join(filter(None, key))), texts, settle)
            if not isinstance(outcome, bytes):
                conflicts += outcome
                continue
            chosen = (outcome,)
        for turn, text in enumerate(chosen):
            merged[Slot(key, turn)] = text
    return merged, conflicts


def _texts_by_key(document: Document) -> Mapping[Key, tuple[bytes, ...]]:
    texts: defaultdict[Key, list[bytes]] = defaultdict(list)
    for slot, record in document.records.items():
        texts[slot.key].append(record.text)
    return {key: tuple(lines) for key, lines in texts.items()}


def _settle(
    file: str, name: str, texts: Versions[tuple[bytes, ...]], settle: Settle
) -> bytes | Sequence[RecordConflict]:
    base, ours, theirs = texts
    if not ours or not theirs:
        return [deletion_conflict(file, name, by_upstream=not theirs)]
    if max(map(len, texts)) > 1:
        return [repetition_conflict(file, name)]
    return settle(name, base[0] if base else None, ours[0], theirs[0])
