"""How much of a text a report shows: contents are clients' and may be of any size."""

from collections.abc import Sequence

from etcsync.report.escape import printable
from etcsync.words import counted

LINES_SHOWN = 100
"""Lines of one diff or one version."""

WIDTH_SHOWN = 200
"""Characters of a line."""

WORDS_SHOWN = 1000
"""Characters of a message, a detail or a reason."""

PATH_SHOWN = 300
"""Characters of a path; the whole path is in the JSON document."""

LISTED = 200
"""Conflicts, differences, paths or warnings that are listed; the JSON document has them all."""


def cut_line(line: str, limit: int = WIDTH_SHOWN) -> str:
    """Return a line made printable, and cut where it is too long; escapes count as they show."""
    text = printable(line[: limit + 1], keep="\t")
    return text if max(len(line), len(text)) <= limit else f"{text[:limit]}…"


def cut_path(path: str) -> str:
    """Return a path made printable, and cut where it is too long."""
    return cut_line(path.replace("\t", r"\t"), PATH_SHOWN)


def cut_lines(lines: Sequence[str], limit: int = LINES_SHOWN) -> list[str]:
    """Return the first of many lines, made printable, and how many more there are."""
    shown = [cut_line(line) for line in lines[:limit]]
    if len(lines) > limit:
        shown.append(f"… {counted(len(lines) - limit, 'more line')}")
    return shown
