"""Names of many clients from one pattern, as a shell expands braces (bash(1), Brace Expansion)."""

import math
import re
from collections.abc import Sequence
from itertools import product

from etcsync.errors import UsageError

LIMIT = 100_000
"""More names than this are taken for a slip of the finger."""

_PIECE = re.compile(r"[^{},]+|[{},]")
_RANGE = re.compile(
    r"(-?\d{1,15})\.\.(-?\d{1,15})(?:\.\.(-?\d{1,15}))?|([A-Za-z])\.\.([A-Za-z])", re.ASCII
)


def expand_braces(pattern: str) -> list[str]:
    """Return the names that ``pattern`` stands for, each once, in their order.

    ``client{0..5}``, ``node{00..12}`` (padded with zeros), ``{0..10..5}`` (with a step),
    ``{a..e}``, ``pc-{red,green}``; groups may be several and may nest, and patterns are joined
    with commas: ``client{0..5},extra``. Spaces around commas do not count.

    Raises:
        UsageError: A brace has no partner, a group offers no choice, a name is empty, or there
            would be more than `LIMIT` names.
    """
    pieces = _PIECE.findall(pattern)
    if pieces.count("{") > 50:
        raise _wrong(pattern, "it has more than 50 groups")
    names, end = _alternatives(pieces, 0, pattern)
    if end < len(pieces):
        raise _wrong(pattern, "a '}' has no '{'")
    if not all(names):
        raise _wrong(pattern, "a name is empty")
    return list(dict.fromkeys(names))


def _wrong(pattern: str, why: str) -> UsageError:
    shown = pattern if len(pattern) <= 60 else f"{pattern[:57]}..."
    return UsageError(f"{shown!r} cannot be expanded: {why}", hint="Write it like 'client{0..5}'.")


def _alternatives(pieces: Sequence[str], start: int, pattern: str) -> tuple[list[str], int]:
    """Read alternatives up to a closing brace or the end; return their names and where it is."""
    names: list[str] = []
    parts: list[Sequence[str]] = []
    position = start
    while True:
        piece = pieces[position] if position < len(pieces) else "}"
        if piece in {",", "}"}:
            _refuse_too_many(len(names) + math.prod(map(len, parts)), pattern)
            names += map("".join, product(*parts))
            parts = []
            if piece == "}":
                return names, position
            position += 1
        elif piece == "{":
            group, position = _group(pieces, position + 1, pattern)
            parts.append(group)
        else:
            parts.append([piece.strip()])
            position += 1


def _group(pieces: Sequence[str], start: int, pattern: str) -> tuple[Sequence[str], int]:
    """Read what stands in braces; return what it offers and the position behind it."""
    names, end = _alternatives(pieces, start, pattern)
    if end >= len(pieces):
        raise _wrong(pattern, "a '{' has no '}'")
    if len(names) == 1:
        names = _range(names[0], pattern)
    return names, end + 1


def _range(text: str, pattern: str) -> list[str]:
    """Return the numbers or letters of ``first..last`` or ``first..last..step``."""
    match = _RANGE.fullmatch(text)
    if not match:
        raise _wrong(pattern, f"{{{text[:40]}}} is neither a range such as {{0..5}} nor a choice")
    if match[4]:
        first, last, step = ord(match[4]), ord(match[5]), 1
    else:
        first, last, step = int(match[1]), int(match[2]), abs(int(match[3] or 1)) or 1
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    _refuse_too_many(len(numbers), pattern)
    if match[4]:
        return [chr(number) for number in numbers]
    padded = any(re.match(r"-?0\d", end) for end in (match[1], match[2]))
    width = max(len(match[1]), len(match[2])) if padded else 0
    return [f"{number:0{width}d}" for number in numbers]


def _refuse_too_many(count: int, pattern: str) -> None:
    if count > LIMIT:
        raise _wrong(pattern, f"it means {count} names, and {LIMIT} are the most")
