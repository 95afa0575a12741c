"""The rules of ``.gitignore`` files, decided as git decides them; see gitignore(5).

The files are written by clients: their size and number of rules are bounded, and patterns are
matched by `etcsync.tree.wildmatch`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from etcsync.entries import ROOT, encode_path
from etcsync.tree.wildmatch import matcher

FILE_NAME = ".gitignore"
SIZE_LIMIT = 256 * 1024
"""Bytes of a ``.gitignore`` that are heeded; of a larger file nothing is."""

RULE_LIMIT = 4096
"""Rules of one file that are heeded, from its start."""

_MEMO_LIMIT = 1024
_VERDICTS_LIMIT = 2**16
_LONGEST_REMEMBERED = 256
"""Characters of a path whose verdict is remembered; clients choose names, so there is a bound."""


def is_rules_file(path: str) -> bool:
    """Whether a path is that of a ``.gitignore``."""
    return path.rpartition("/")[2] == FILE_NAME


@dataclass(slots=True)
class _Rule:
    """One line.

    Attributes:
        pattern: The line without its marks for negation, directory and anchor.
        hides: False for a line that starts with ``!``.
        directories_only: The line ends with ``/``.
        by_name: The line has no other slash: it looks at the last component alone.
    """

    pattern: bytes
    hides: bool
    directories_only: bool
    by_name: bool
    _matches: Callable[[bytes], object] | None = field(default=None, repr=False)

    def matches(self, path: bytes, name: bytes, *, directory: bool) -> bool:
        if self.directories_only and not directory:
            return False
        if self._matches is None:
            self._matches = matcher(self.pattern)
        return bool(self._matches(name if self.by_name else path))


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The rules of one file; they equal themselves alone, so that to compare them costs nothing.

    Attributes:
        lines: The last line first: the first one that matches decides.
    """

    lines: tuple[_Rule, ...] = ()


class Level(NamedTuple):
    """The rules of one directory on the way to a path.

    Attributes:
        depth: Length in bytes of the directory's path with its closing slash; 0 for the top.
        rules: What its ``.gitignore`` says.
    """

    depth: int
    rules: Rules


def level_of(directory: str, rules: Rules) -> Level:
    """Return the level of a directory that has ``rules`` in it."""
    return Level(0 if directory == ROOT else len(encode_path(directory)) + 1, rules)


def is_hidden(path: str, levels: tuple[Level, ...], *, directory: bool) -> bool:
    """Whether the rules hide ``path``, given that no directory above it is hidden.

    Args:
        path: Relative to the top.
        levels: The rules of the directories above it, the nearest first.
        directory: A directory stands at the path.
    """
    raw = encode_path(path)
    name = raw[raw.rfind(b"/") + 1 :]
    for level in levels:
        below = raw[level.depth :]
        for rule in level.rules.lines:
            if rule.matches(below, name, directory=directory):
                return rule.hides
    return False


class Hides:
    """The rules of all trees' ``.gitignore`` files, made once for each content.

    What they say of a path is found once, too: a fleet's trees have the same directories and rules.
    """

    def __init__(self) -> None:
        self._rules: dict[str, Rules] = {}
        self._verdicts: dict[tuple[str, bool, tuple[Level, ...]], bool] = {}

    def rules(self, oid: str, read: Callable[[], bytes]) -> Rules:
        """Return the rules of the content ``oid``; ``read`` gives it where it is not known yet."""
        known = self._rules.get(oid)
        if known is None:
            if len(self._rules) >= _MEMO_LIMIT:
                self._rules.clear()
                self._verdicts.clear()
            known = self._rules[oid] = parse_rules(read())
        return known

    def known_verdict(
        self, path: str, levels: tuple[Level, ...], *, directory: bool
    ) -> bool | None:
        """Return what `is_hidden` returned for the same arguments, or None."""
        return self._verdicts.get((path, directory, levels))

    def is_hidden(self, path: str, levels: tuple[Level, ...], *, directory: bool) -> bool:
        """Return what the function `is_hidden` does, and remember it for `known_verdict`."""
        verdict = is_hidden(path, levels, directory=directory)
        if len(self._verdicts) >= _VERDICTS_LIMIT:
            self._verdicts.clear()
        if len(path) <= _LONGEST_REMEMBERED:
            self._verdicts[path, directory, levels] = verdict
        return verdict


def parse_rules(content: bytes) -> Rules:
    """Return the rules of a ``.gitignore``; lines that can match nothing are left out."""
    if len(content) > SIZE_LIMIT:
        return Rules()
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    rules = [rule for line in lines[: RULE_LIMIT * 4] if (rule := _parse_line(line)) is not None]
    return Rules(tuple(reversed(rules[:RULE_LIMIT])))


def _parse_line(line: bytes) -> _Rule | None:
    if line.startswith(b"#"):
        return None
    pattern = _without_trailing_spaces(line.removesuffix(b"\r").partition(b"\0")[0])
    hides = not pattern.startswith(b"!")
    pattern = pattern if hides else pattern[1:]
    directories_only = pattern.endswith(b"/")
    pattern = pattern[:-1] if directories_only else pattern
    if not pattern:
        return None
    by_name = b"/" not in pattern
    return _Rule(pattern.removeprefix(b"/"), hides, directories_only, by_name)


def _without_trailing_spaces(line: bytes) -> bytes:
    """Cut spaces at the end, except one that a backslash quotes."""
    stripped = line.rstrip(b" ")
    backslashes = len(stripped) - len(stripped.rstrip(b"\\"))
    return line[: len(stripped) + 1] if backslashes % 2 else stripped
