"""A file of sections taken apart: headers and settings are its records, by section and key."""

import re
from collections.abc import Sequence

from etcsync.plan.keyed.document import Document, Key, Slot, read_document
from etcsync.plan.sections.formats import SectionFormat

_STRAY_RETURN = re.compile(rb"\r(?!\n|\Z)")
"""A carriage return within a line; for systemd it ends the line."""


def read_sections(form: SectionFormat, content: bytes) -> Document | None:
    """Take ``content`` apart without losing a byte.

    The key of a header is its section, that of a setting its section and its own key.

    Returns:
        The file; None where a line in it is not understood, or a section stands more than once.
    """
    reader = _Reader(form)
    document = read_document(content, reader.key_of, reader.joins)
    is_repeated = any(is_header(slot) and slot.turn for slot in document.records)
    return None if is_repeated or not reader.understood else document


def section_of(slot: Slot) -> bytes:
    """Return which section a record belongs to."""
    return slot.key[0]


def is_header(slot: Slot) -> bool:
    """Tell whether a record is the header of a section."""
    return len(slot.key) == 1


class _Reader:
    """Reads the lines of one file, from top to bottom.

    Attributes:
        understood: Whether every line so far was.
    """

    def __init__(self, form: SectionFormat) -> None:
        self.understood = True
        self._form = form
        self._section = form.begins
        self._continued = False

    def key_of(self, text: bytes) -> Key | None:
        form = self._form
        if _STRAY_RETURN.search(text):
            self.understood = False
        elif not text.strip() or self._is_comment(text):
            pass
        elif header := form.header.fullmatch(text):
            self._section = form.section_key(header["section"])
            return (self._section,)
        elif self._section is not None and (record := form.record.fullmatch(text)):
            return self._section, form.record_key(record["key"])
        else:
            self.understood = False
        return None

    def joins(self, lines: Sequence[bytes], _line: bytes) -> bool:
        """Tell whether a line goes on; comments in between neither end that nor begin it."""
        last = lines[-1]
        if not self._form.continues:
            return False
        if len(lines) == 1 or not self._is_comment(last):
            self._continued = not self._is_comment(last) and _ends_in_backslash(last)
        return self._continued

    def _is_comment(self, line: bytes) -> bool:
        start = line.lstrip()[:1]
        return start != b"" and start in self._form.comment


def _ends_in_backslash(line: bytes) -> bool:
    """Tell whether the last backslash of a line escapes its end, and not just itself."""
    line = line.removesuffix(b"\r")
    return (len(line) - len(line.rstrip(b"\\"))) % 2 == 1
