"""TOML as text: where in a file each table and key stands.

`tomllib` returns values without their places and drops comments; messages that name a line, and
edits that leave every other line as it is, need the places too. The text must be valid TOML, which
`parse_toml` finds out. Source of the syntax: https://toml.io/en/v1.0.0
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from etcsync.errors import SettingsError

Location = tuple[str | int, ...]
"""The way from a document's top to a value: keys, and positions in lists counted from 0."""

_DEEPEST = 64
"""Tables and lists inside each other; what etcsync reads has four."""

_TOKEN = re.compile(
    r'(?P<text>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\')'
    r"|(?P<comment>\#[^\n]*)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<newline>\n)"
    r"|(?P<other>[^\s\"'\#\[\]{}]+)",
    re.DOTALL,
)


class Statement(NamedTuple):
    """One table header or key with its value, as it stands in the text."""

    location: Location
    """The table's or key's own location."""
    header: bool
    """Whether it is a table header such as ``[server]`` or ``[[clients]]``."""
    first: int
    last: int
    """Its first and last line, counted from 1."""
    value: dict[str, Any]
    """For a key: the statement read as a document of its own; for a header: empty."""


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Return the document that ``text`` holds.

    Raises:
        SettingsError: It is not TOML, or nests too deeply; the message names ``source``, and the
            line and column of what is wrong.
    """
    try:
        document = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        raise SettingsError(f"{source} is not valid TOML: {error}") from error
    except RecursionError as error:
        raise _too_deep(source) from error
    if _nests_deeper(document, _DEEPEST):
        raise _too_deep(source)
    return document


def _nests_deeper(document: dict[str, Any], depth: int) -> bool:
    """Whether tables and lists lie inside each other more than ``depth`` times."""
    level: list[Any] = [document]
    while level and depth >= 0:
        within = [each.values() if isinstance(each, dict) else each for each in level]
        level = [value for values in within for value in values if isinstance(value, dict | list)]
        depth -= 1
    return bool(level)


def _too_deep(source: str) -> SettingsError:
    return SettingsError(f"{source} is not TOML that etcsync reads: it nests too deeply")


def _pieces(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the first line, last line and text of every statement."""
    line, depth = 1, 0
    begin: tuple[int, int] | None = None
    for token in _TOKEN.finditer(text):
        if token["newline"]:
            if begin and depth == 0:
                yield begin[0], line, text[begin[1] : token.start()]
                begin = None
        elif not token["comment"]:
            begin = begin or (line, token.start())
            depth += bool(token["open"]) - bool(token["close"])
        line += token[0].count("\n")
    if begin:
        yield begin[0], line, text[begin[1] :]


def _header_location(piece: str, counts: dict[Location, int]) -> Location:
    """Return the location that the header ``piece`` opens; ``counts`` numbers the list tables."""
    step: Any = tomllib.loads(piece)
    location: Location = ()
    while step:
        key, step = next(iter(step.items()))
        location += (key,)
        if isinstance(step, list):
            counts[location] = counts.get(location, -1) + 1
            step = step[0]
        if location in counts:
            location += (counts[location],)
    return location


def statements(text: str, *, headers_only: bool = False) -> Iterator[Statement]:
    """Yield the statements of the valid TOML document ``text`` in their order."""
    text = text.replace("\r\n", "\n")
    table: Location = ()
    counts: dict[Location, int] = {}
    for first, last, piece in _pieces(text):
        if piece.startswith("["):
            table = _header_location(piece, counts)
            yield Statement(table, header=True, first=first, last=last, value={})
        elif not headers_only:
            value = tomllib.loads(piece)
            location = (*table, next(iter(value)))
            yield Statement(location, header=False, first=first, last=last, value=value)


def _inner(value: object, location: Location) -> Iterator[Location]:
    """Yield the location of everything inside ``value``."""
    pairs: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for step, below in pairs:
        yield (*location, step)
        yield from _inner(below, (*location, step))


class Lines:
    """The line on which each table and key of a valid TOML document begins.

    With ``headers_only`` it knows of those tables that have headers, which takes less time to see.
    """

    def __init__(self, text: str, *, headers_only: bool = False) -> None:
        self._first: dict[Location, int] = {}
        for statement in statements(text, headers_only=headers_only):
            for depth in range(1, len(statement.location) + 1):
                self._first.setdefault(statement.location[:depth], statement.first)
            for location in _inner(statement.value, statement.location[:-1]):
                self._first.setdefault(location, statement.first)

    def of(self, location: Location) -> int | None:
        """Return the line of ``location``, or of the nearest thing around it; None: nowhere."""
        while location:
            if (line := self._first.get(location)) is not None:
                return line
            location = location[:-1]
        return None
