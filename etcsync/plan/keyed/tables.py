"""Tables merged by key: hosts, fstab, services and what else `etcsync.plan.keyed.formats` lists."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from etcsync.plan.keyed.conflicts import KeyedConflict, RecordConflict, field_conflict
from etcsync.plan.keyed.document import Document, Slot, write_document
from etcsync.plan.keyed.formats import FORMATS, Format
from etcsync.plan.keyed.records import merge_records
from etcsync.plan.keyed.three_way import CLASH, Versions, choose, merge_sets
from etcsync.plan.keyed.weave import frame_and_guest, interleave, weave
from etcsync.plan.text import merge_text

_REMEMBERED_SIZE = 256 * 1024
"""Bytes of the longest version that is remembered; clients choose how long theirs are."""


def merge_keyed(
    format_name: str, base: bytes | None, ours: bytes, theirs: bytes
) -> bytes | KeyedConflict | None:
    """Merge a table record by record, and a record that both sides changed field by field.

    A side's new records stand behind the record that they follow there, and so do comments and
    blank lines before the record that they precede. Where only one side changed the order of
    records, its order is taken. Where a merge by line comes to the same records, its result is
    taken: it leaves every comment in its place.

    Args:
        format_name: A key of `etcsync.plan.keyed.formats.FORMATS`.
        base: The version that both sides started from; None where both added the file.
        ours: The client's.
        theirs: Upstream's.

    Returns:
        The merged content, or what is in dispute. None where the file cannot be merged by key: a
        key stands on several lines, both sides changed the order or lines that are no records, or
        the file is not text. A merge by line may still succeed then.
    """
    contents = Versions(base, ours, theirs)
    chosen = choose(*contents)
    if chosen is not CLASH and chosen is not None:
        return chosen
    if any(b"\0" in content for content in contents if content):
        return None
    table = FORMATS[format_name]
    versions = Versions(*(_taken_apart(format_name, content) for content in contents))
    documents = Versions(*(version.document for version in versions))
    sides = frame_and_guest(Versions(*(list(document.records) for document in documents)))
    unclear = choose(*(version.unclear for version in versions))
    if sides is None or unclear is CLASH or any(map(_has_repetitions, documents)):
        return None
    texts, conflicts = merge_records(table.name, documents, partial(_settle, table))
    if conflicts:
        return KeyedConflict(tuple(conflicts))
    by_line = None if base is None else merge_text(base, ours, theirs)
    if by_line is not None and _holds(format_name, by_line, texts, unclear):
        return by_line
    order = interleave(*([slot for slot in slots if slot in texts] for slots in sides))
    woven = write_document(weave(documents, order, texts))
    return woven if _holds(format_name, woven, texts, unclear) else None


class _Version(NamedTuple):
    """A version of a table, taken apart; nobody changes it."""

    document: Document
    unclear: list[bytes]


def _taken_apart(format_name: str, content: bytes | None) -> _Version:
    """Take a version apart; once, where it is that of many clients in turn."""
    if content is not None and len(content) > _REMEMBERED_SIZE:
        return _take_apart(format_name, content)
    return _remembered(format_name, content)


def _take_apart(format_name: str, content: bytes | None) -> _Version:
    document = FORMATS[format_name].read(content)
    return _Version(document, _unclear_lines(FORMATS[format_name], document))


_remembered = lru_cache(maxsize=8)(_take_apart)


def _holds(format_name: str, merged: bytes, texts: Mapping[Slot, bytes], unclear: object) -> bool:
    """Return whether these records came out, and the lines that are no records as they were."""
    result = _taken_apart(format_name, merged)
    return result.document.texts() == texts and result.unclear == unclear


def _has_repetitions(document: Document) -> bool:
    return any(slot.turn for slot in document.records)


def _unclear_lines(table: Format, document: Document) -> list[bytes]:
    """Return the lines that are neither records nor comments, in order of their bytes."""
    leads = (*(record.lead for record in document.records.values()), document.tail)
    return sorted(line for lead in leads for line in lead if not table.comments[line])


def _settle(
    table: Format, name: str, base_text: bytes | None, our_text: bytes, their_text: bytes
) -> bytes | Sequence[RecordConflict]:
    """Put into their line the fields that only the client changed, and the words it added."""
    base = None if base_text is None else table.match(base_text)
    ours, theirs = table.match(our_text), table.match(their_text)
    merged = b""
    end = 0
    conflicts: list[RecordConflict] = []
    for field, number in sorted(table.pattern.groupindex.items(), key=lambda item: item[1]):
        text = _merge_field(
            base and base[number], ours[number], theirs[number], is_set=field in table.words
        )
        if text is None:
            our, their = (side.strip() for side in (ours[number], theirs[number]))
            conflicts.append(
                field_conflict(table.name, name, field, our, their, added=base is None)
            )
        else:
            merged += their_text[end : theirs.start(number)]
            if field == "comment" and text and not merged[-1:].isspace():
                merged += b" "
            merged += text
            end = theirs.end(number)
    return conflicts or merged + their_text[end:]


def _merge_field(base: bytes | None, ours: bytes, theirs: bytes, *, is_set: bool) -> bytes | None:
    """Merge a field's text, or return None; white space around it, or between words, is nothing."""

    def words(text: bytes | None) -> tuple[bytes, ...]:
        if text is None:
            return ()
        return tuple(text.split()) if is_set else (text.strip(),)

    value = choose(words(base), words(ours), words(theirs))
    if value is CLASH and is_set:
        value = merge_sets(words(base), words(ours), words(theirs))
    if value is CLASH:
        return None
    for text in (theirs, ours):
        if value == words(text):
            return text
    return b" " + b" ".join(value) + theirs[len(theirs.rstrip()) :]
