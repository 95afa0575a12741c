"""Unified diffs of texts that clients wrote, in bounded time."""

from collections.abc import Sequence
from difflib import Match, SequenceMatcher

from etcsync.plan.lines import LineMatcher

CONTEXT = 3
"""Lines that are shown around each change."""


def unified_lines(old: str, new: str) -> list[str]:
    """Return the hunks of a unified diff, each line without its end.

    A last line without an end says so, as ``diff`` does in words of its own.
    """
    before, after = text_lines(old), text_lines(new)
    found = []
    for group in _Matcher(before, after).get_grouped_opcodes(CONTEXT):
        first, last = group[0], group[-1]
        found.append(f"@@ -{_span(first[1], last[2])} +{_span(first[3], last[4])} @@")
        for tag, before_low, before_high, after_low, after_high in group:
            if tag == "equal":
                found += [f" {line}" for line in before[before_low:before_high]]
                continue
            found += [f"-{line}" for line in before[before_low:before_high]]
            found += [f"+{line}" for line in after[after_low:after_high]]
    return found


class _Matcher(SequenceMatcher[str]):
    """Groups changes as `difflib` does, on lines that are matched as merges match them.

    `difflib` itself takes a time that grows with the square of what a client wrote.
    """

    def __init__(self, before: Sequence[str], after: Sequence[str]) -> None:
        old, new = ([line.encode("utf-8", "surrogatepass") for line in s] for s in (before, after))
        blocks = LineMatcher(None, old, new).get_matching_blocks()
        super().__init__()
        self.a, self.b = before, after
        self._blocks = [Match(*block) for block in blocks]

    def get_matching_blocks(self) -> list[Match]:
        """Return what the lines have in common; `get_opcodes` builds on it."""
        return self._blocks


def _span(low: int, high: int) -> str:
    """Return where a hunk is, as `diff -u` writes it: the first line's number and the length."""
    length = high - low
    start = low + 1 if length else low
    return str(start) if length == 1 else f"{start},{length}"


def text_lines(text: str) -> list[str]:
    """Return the lines of a text without their ends; a last one that has none says so."""
    lines = text.split("\n")
    if lines[-1]:
        return [*lines[:-1], f"{lines[-1]}  (no newline at the end)"]
    return lines[:-1]
