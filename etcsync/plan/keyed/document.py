"""A record file taken apart into records and the lines between them, without losing a byte."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Key = tuple[bytes, ...]
"""What identifies a record within its file."""

KeyOf = Callable[[bytes], Key | None]
"""Gives a line's key, or None for a line that is no record: a comment, blank, not understood."""

Joins = Callable[[Sequence[bytes], bytes], bool]
"""Tells whether a line continues the lines before it, which belong together already."""


class Slot(NamedTuple):
    """A record's place: its key, and how many records of the same key stand before it."""

    key: Key
    turn: int


class Record(NamedTuple):
    """One record as it stands in the file.

    Attributes:
        lead: The lines since the record before: comments, blank lines, lines not understood.
        text: The record's own line, or lines, without the last line feed.
    """

    lead: tuple[bytes, ...]
    text: bytes


class Document(NamedTuple):
    """A whole file.

    Attributes:
        records: In the order of the file.
        tail: The lines after the last record.
        ended: Whether the last line ends in a line feed; True for an empty file.
    """

    records: Mapping[Slot, Record]
    tail: tuple[bytes, ...]
    ended: bool

    def texts(self) -> dict[Slot, bytes]:
        """Return the records alone."""
        return {slot: record.text for slot, record in self.records.items()}


def joins_nothing(_lines: Sequence[bytes], _line: bytes) -> bool:
    """Tell that every line stands for itself."""
    return False


def read_document(content: bytes | None, key_of: KeyOf, joins: Joins = joins_nothing) -> Document:
    """Take ``content`` apart; None, a file that does not exist, reads as an empty one.

    Only a line feed ends a line. A carriage return before it belongs to the line.
    """
    records: dict[Slot, Record] = {}
    turns: dict[Key, int] = {}
    lead: list[bytes] = []
    for text in _logical_lines(content or b"", joins):
        key = key_of(text)
        if key is None:
            lead.append(text)
            continue
        turn = turns.get(key, 0)
        turns[key] = turn + 1
        records[Slot(key, turn)] = Record(tuple(lead), text)
        lead.clear()
    return Document(records, tuple(lead), not content or content.endswith(b"\n"))


def write_document(document: Document) -> bytes:
    """Put a document together again; the inverse of `read_document`."""
    lines = [line for record in document.records.values() for line in (*record.lead, record.text)]
    lines += document.tail
    if document.ended or (lines and not lines[-1]):
        lines.append(b"")
    return b"\n".join(lines)


def _logical_lines(content: bytes, joins: Joins) -> list[bytes]:
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if joins is joins_nothing:
        return lines
    groups: list[list[bytes]] = []
    for line in lines:
        if groups and joins(groups[-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return [b"\n".join(group) for group in groups]
