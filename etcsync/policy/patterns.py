"""Which paths a rule speaks of: gitignore patterns relative to /etc (gitignore(5))."""

import re
import warnings
from collections.abc import Sequence
from functools import cached_property

from pathspec import GitIgnoreSpec
from pathspec.pattern import RegexPattern

_PLAIN = {ord("\n"): "\ue00a"} | {0xDC80 + i: chr(0xE080 + i) for i in range(128)}
"""Stand-ins for what matching must not see: a line break, which a regular expression's ``.`` and
``$`` treat specially, and bytes that are no text, which not every engine of pathspec takes."""

_Pattern: type[RegexPattern] = type(GitIgnoreSpec.from_lines(["*"]).patterns[0])
"""How pathspec reads one line of a gitignore file."""

_FRAGILE = re.compile(r"[\[\\]")
"""A set or an escape: what can be written wrongly."""

_SPECIAL = re.compile(r"[*?\[\\]")

_GROUP_NAME = re.compile(r"\(\?P<\w+>")
"""Pathspec names a group in each of its expressions; joined, the names would clash."""

_NOTHING = "(?!)"


class Matcher:
    """One rule's patterns, compiled when the first path asks: most rules of a pack meet none.

    Attributes:
        words: Names of which one must be among a matching path's components; None: any path may
            match.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = patterns
        words = {_word(pattern) for pattern in patterns if not pattern.startswith("!")}
        self.words = None if None in words else frozenset(word for word in words if word)

    def matches(self, plain: str) -> bool:
        """Whether the patterns match a path that `plain_path` returned."""
        return bool(self._wanted.search(plain)) and (
            self._spec is None or self._spec.match_file(plain)
        )

    @cached_property
    def _wanted(self) -> re.Pattern[str]:
        """Matches where any pattern without ``!`` does."""
        expressions = (_Pattern.pattern_to_regex(p.translate(_PLAIN)) for p in self._patterns)
        wanted = (
            _GROUP_NAME.sub("(", regex) for regex, include in expressions if regex and include
        )
        return re.compile("|".join(wanted) or _NOTHING)

    @cached_property
    def _spec(self) -> GitIgnoreSpec | None:
        """Has the last word where there are patterns with ``!``; None: there are none."""
        if not any(pattern.startswith("!") for pattern in self._patterns):
            return None
        return GitIgnoreSpec.from_lines([pattern.translate(_PLAIN) for pattern in self._patterns])


def plain_path(path: str, *, directory: bool) -> str:
    """Return ``path`` in the form that `Matcher` takes."""
    if not path.isascii() or "\n" in path:
        path = path.translate(_PLAIN)
    return f"{path}/" if directory else path


def check_pattern(pattern: str) -> str:
    """Return ``pattern`` if it can match something below /etc.

    Raises:
        ValueError: It cannot; the message says why.
    """
    body = pattern.removeprefix("!").rstrip()
    parts = body.strip("/").split("/")
    if not body.strip("/") or body.startswith("#"):
        why = "matches nothing"
    elif parts[0] == "etc":
        why = f"is relative to /etc already; write {'/' + '/'.join(parts[1:])!r}"
    elif "//" in body or {".", ".."} & set(parts):
        why = "has a component that no path has ('.', '..' or none between two slashes)"
    elif "[[:" in body:
        why = "uses a character class; write it as a range such as [a-z]"
    elif _FRAGILE.search(body):
        why = _refused(pattern)
    else:
        why = ""
    if why:
        raise ValueError(f"the pattern {pattern!r} {why}")
    return pattern


def _refused(pattern: str) -> str:
    """Return why pathspec does not take ``pattern``, or nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # `re`, of sets such as "[[x]"
            include = GitIgnoreSpec.from_lines([pattern]).patterns[0].include
    except (ValueError, re.error, FutureWarning):
        include = None
    return "is not a valid gitignore pattern" if include is None else ""


def literal_path(pattern: str) -> str | None:
    """Return the path that ``pattern`` spells out; None for wildcards, directories and ``!``.

    A name without a slash, which matches in any directory, spells out the one in /etc itself.
    """
    pattern = pattern.rstrip()
    if pattern.startswith("!") or pattern.endswith("/") or _SPECIAL.search(pattern):
        return None
    return pattern.removeprefix("/")


def pattern_of(path: str) -> str:
    """Return the pattern that matches ``path`` and what is beneath it, and nothing else.

    A blank at the end, which would not count, stands in a set of its own. So does the first letter
    of a path below ``/etc/etc``, which else would look like a mistake.
    """
    body, last = path[:-1], path[-1]
    escaped = _SPECIAL.sub(r"\\\g<0>", body if last.isspace() else path)
    if path == "etc" or path.startswith("etc/"):
        escaped = f"[e]{escaped[1:]}"
    return f"/{escaped}[{last}]" if last.isspace() else f"/{escaped}"


def _word(pattern: str) -> str | None:
    """Return a name that every path which ``pattern`` matches has among its components, if any."""
    parts = pattern.translate(_PLAIN).rstrip().split("/")
    return next((part for part in parts if part and not _SPECIAL.search(part)), None)
