"""Three versions of a text side by side: which lines stand beside each other, and which differ."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from etcsync.plan.text import stretches
from etcsync.report.excerpts import LINES_SHOWN, cut_line
from etcsync.report.unified import CONTEXT, text_lines
from etcsync.words import counted


class Mark(StrEnum):
    """What a line is among the three versions."""

    SAME = "same"
    """It is the same in all."""
    CHANGED = "changed"
    """It is not the same in all, and it is this side that has changed, or has been changed from."""
    KEPT = "kept"
    """It is not the same in all, but this side has it as the base has it."""
    FILL = "fill"
    """There is none: it stands beside a line of another version."""
    NOTE = "note"
    """It is a remark on lines that are left out."""


class Line(NamedTuple):
    """One line of one version: printable text."""

    text: str
    mark: Mark


Column = tuple[Line, ...]
_FILL = Line("", Mark.FILL)


def side_by_side(base: str | None, ours: str | None, theirs: str | None) -> list[Column]:
    """Return three columns of equally many lines, around the stretches that differ.

    Lines that all have in common are shown near a difference only; long columns and long lines are
    cut, and say so. Where one version is absent the other two are compared.

    Args:
        base: The text that both come from; None where there is none.
        ours: The client's text.
        theirs: Upstream's text.
    """
    texts = [None if text is None else _lines(text) for text in (base, ours, theirs)]
    present = [text for text in texts if text is not None]
    if len(present) < 2:
        parts = [tuple(text or [] for text in texts)]
    else:
        before, our, their = (present[0] if text is None else text for text in texts)
        parts = [part for part in stretches(before, our, their) if any(part)]
    columns: list[list[Line]] = [[], [], []]
    for number, part in enumerate(parts):
        if part[0] == part[1] == part[2]:
            added = [_context(part[0], first=number == 0, last=number == len(parts) - 1)] * 3
        else:
            added = _changed(part, baseless=base is None)
        for column, lines in zip(columns, added, strict=True):
            column.extend(lines)
    return [
        _cut([_FILL] * len(column) if text is None else column)
        for text, column in zip(texts, columns, strict=True)
    ]


def _lines(text: str) -> list[bytes]:
    return [line.encode("utf-8", "surrogateescape") for line in text_lines(text)]


def _context(lines: Sequence[bytes], *, first: bool, last: bool) -> list[Line]:
    """Return what is shown of lines that all have: those next to a difference."""
    before, after = 0 if first else CONTEXT, 0 if last else CONTEXT
    left_out = len(lines) - before - after
    if left_out <= 1:
        return [_line(line, Mark.SAME) for line in lines]
    note = Line(f"… {counted(left_out, 'line')} alike", Mark.NOTE)
    head, tail = lines[:before], lines[len(lines) - after :]
    return [
        *(_line(line, Mark.SAME) for line in head),
        note,
        *(_line(line, Mark.SAME) for line in tail),
    ]


def _changed(part: tuple[list[bytes], ...], *, baseless: bool) -> list[list[Line]]:
    base = part[0]
    height = max(len(lines) for lines in part)
    columns = []
    for number, lines in enumerate(part):
        kept = number > 0 and lines == base and not baseless
        mark = Mark.KEPT if kept else Mark.CHANGED
        shown = [_line(line, mark) for line in lines]
        columns.append(shown + [_FILL] * (height - len(lines)))
    return columns


def _line(line: bytes, mark: Mark) -> Line:
    return Line(cut_line(line.decode("utf-8", "surrogateescape")), mark)


def _cut(column: Sequence[Line]) -> Column:
    if len(column) <= LINES_SHOWN:
        return tuple(column)
    more = len(column) - LINES_SHOWN
    return (*column[:LINES_SHOWN], Line(f"… {counted(more, 'more line')}", Mark.NOTE))
