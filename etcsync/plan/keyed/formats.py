"""The tables that merge by key: what a record looks like, and which files have which format.

A new format is one entry in `FORMATS`; a new file of a known format is one in `TABLE_PATHS` or
`TABLE_FOLDERS`, and in a rule that treats it as ``keyed``. A pattern names every part of a line
that means something, each by a group that always takes part in the match, if only with nothing;
between the groups stand separators. Lines are untrusted: no pattern may try more than one way to
part a run of like characters, so that matching takes time in proportion to the line.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from etcsync.plan.keyed.document import Document, Joins, Key, joins_nothing, read_document

_REMEMBERED_LENGTH = 256
"""Bytes of the longest line that is remembered."""

_REMEMBERED = 4096
"""Lines of each format."""

T = TypeVar("T")


class Memo(dict[bytes, T]):
    """What is found out about lines, once: a fleet's versions of a file have nearly all in common.

    Long lines are not remembered, and not too many, for clients choose theirs.
    """

    def __init__(self, find: Callable[[bytes], T]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, line: bytes) -> T:
        found = self._find(line)
        if len(line) <= _REMEMBERED_LENGTH:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[line] = found
        return found


@dataclass(frozen=True, eq=False)
class Format:
    """How a table is written.

    Attributes:
        name: What `merge_keyed` calls it.
        pattern: What a record matches as a whole, and its fields as named groups.
        identify: Gives the key of a record that matched.
        words: Fields that are sets of words.
        comment: The characters, each of which opens a line that is a comment.
        joins: Which lines continue a record.
    """

    name: str
    pattern: re.Pattern[bytes]
    identify: Callable[[re.Match[bytes]], Key]
    words: frozenset[str] = frozenset()
    comment: bytes = b"#"
    joins: Joins = joins_nothing

    def read(self, content: bytes | None) -> Document:
        """Take a version of such a file apart."""
        return read_document(content, self._keys.__getitem__, self.joins)

    def match(self, text: bytes) -> re.Match[bytes]:
        """Return the fields of a record that `read` found.

        Raises:
            ValueError: The text is no record.
        """
        match = self.pattern.fullmatch(text)
        if match is None:
            raise ValueError(f"not a record of the format {self.name}")
        return match

    @cached_property
    def comments(self) -> Memo[bool]:
        """Whether a line says nothing to the programs that read the file."""
        return Memo(self._is_comment)

    @cached_property
    def _keys(self) -> Memo[Key | None]:
        return Memo(self._key_of)

    def _is_comment(self, line: bytes) -> bool:
        line = line.strip()
        return not line or line[:1] in self.comment

    def _key_of(self, text: bytes) -> Key | None:
        match = None if self._is_comment(text) else self.pattern.fullmatch(text)
        return match and self.identify(match)


def format_for(path: str) -> str | None:
    """Return the name of the format of ``path``, which is relative to /etc; None: no table."""
    folder, name = posixpath.split(path)
    return TABLE_PATHS.get(path) or TABLE_FOLDERS.get((folder, posixpath.splitext(name)[1]))


def _by(*groups: str) -> Callable[[re.Match[bytes]], Key]:
    return lambda match: tuple(match[group].strip() for group in groups)


def _by_folded(group: str) -> Callable[[re.Match[bytes]], Key]:
    return lambda match: (match[group].lower(),)


def _by_path(match: re.Match[bytes]) -> Key:
    return (match["path"].strip(b'"'),)


def _by_mailbox(match: re.Match[bytes]) -> Key:
    return (match["name"].strip().strip(b'"').lower(),)


def _by_host(match: re.Match[bytes]) -> Key:
    """An address may stand on several lines, and a name have one address of each family."""
    return (b"IPv6" if b":" in match["address"] else b"IPv4", match["name"].lower())


def _by_mount(match: re.Match[bytes]) -> Key:
    """What is mounted nowhere, such as swap, goes by its device."""
    directory = match["directory"].rstrip(b"/") or b"/"
    nowhere = directory in {b"none", b"swap", b"-"} or match["type"] == b"swap"
    return (match["device"], b"swap") if nowhere else (directory,)


def _by_parameter(match: re.Match[bytes]) -> Key:
    """The first of ``.`` and ``/`` in a name parts it, and the other means itself."""
    name = match["name"].strip()
    separator = re.search(rb"[./]", name)
    return (name.translate(_SLASHES) if separator and separator[0] == b"/" else name,)


def _by_module(match: re.Match[bytes]) -> Key:
    """The kernel takes ``-`` and ``_`` in a module's name for the same."""
    return (match["module"].replace(b"-", b"_"),)


_SLASHES = bytes.maketrans(b"./", b"/.")


def _joins_indented(lines: Sequence[bytes], line: bytes) -> bool:
    return (
        line.startswith((b" ", b"\t"))
        and line.lstrip()[:1] not in {b"", b"#"}
        and lines[0].lstrip()[:1] not in {b"", b"#"}
    )


def _joins_after_backslash(lines: Sequence[bytes], _line: bytes) -> bool:
    return lines[-1].endswith(b"\\") and not re.match(rb"\s*[#;]", lines[0])


_COMMENT = rb"(?P<comment>(?:#.*)?)"
_NUMBERED = rb"\s*(?P<name>[^\s#]+)\s+(?P<number>[^\s#]+)(?P<aliases>[^#]*)" + _COMMENT
_ALIASES = frozenset({"aliases"})


def _formats() -> Iterator[Format]:
    def table(
        name: str,
        identify: Callable[[re.Match[bytes]], Key],
        pattern: bytes,
        *,
        words: frozenset[str] = frozenset(),
        comment: bytes = b"#",
        joins: Joins = joins_nothing,
    ) -> Format:
        return Format(name, re.compile(pattern, re.DOTALL), identify, words, comment, joins)

    # Source: hosts(5).
    yield table(
        "hosts",
        _by_host,
        rb"\s*(?P<address>[^\s#]+)\s+(?P<name>[^\s#]+)(?P<aliases>[^#]*)" + _COMMENT,
        words=_ALIASES,
    )
    # Source: services(5). The registry gives some names several ports.
    yield table(
        "services",
        _by("name", "port", "protocol"),
        rb"\s*(?P<name>[^\s#]+)\s+(?P<port>[0-9]+)/(?P<protocol>[^\s#]+)(?P<aliases>[^#]*)"
        + _COMMENT,
        words=_ALIASES,
    )
    # Sources: protocols(5), ethertypes(5), networks(5), rpc(5).
    for name in ("protocols", "networks", "rpc"):
        yield table(name, _by("name"), _NUMBERED, words=_ALIASES)
    # Source: ethers(5).
    yield table(
        "ethers",
        _by_folded("address"),
        rb"\s*(?P<address>[^\s#]+)\s+(?P<host>[^\s#]+)\s*" + _COMMENT,
    )
    # Source: fstab(5). A line without options is left alone: were columns optional, a merge could
    # move the last one to another's place.
    yield table(
        "fstab",
        _by_mount,
        rb"\s*(?P<device>\S+)\s+(?P<directory>\S+)\s+(?P<type>\S+)\s+(?P<options>\S+)"
        rb"(?P<checks>(?:\s.*)?)",
    )
    # Source: crypttab(5).
    yield table(
        "crypttab",
        _by("name"),
        rb"\s*(?P<name>\S+)\s+(?P<device>\S+)(?P<options>(?:\s.*)?)",
    )
    # Source: exports(5).
    yield table(
        "exports",
        _by_path,
        rb"\s*(?P<path>\"[^\"]*\"|[^\s\"]+)(?P<clients>(?:\s.*)?)",
        joins=_joins_after_backslash,
    )
    # Source: aliases(5).
    yield table(
        "aliases",
        _by_mailbox,
        rb"(?P<name>\"[^\"]*\"\s*|[^\s:\"][^:]*):(?P<value>.*)",
        joins=_joins_indented,
    )
    # Source: nsswitch.conf(5).
    yield table(
        "nsswitch",
        _by("database"),
        rb"\s*(?P<database>[^\s:#]+)\s*:(?P<sources>[^#]*)" + _COMMENT,
    )
    # Sources: sysctl.conf(5), sysctl.d(5).
    yield table(
        "sysctl",
        _by_parameter,
        rb"\s*+(?P<tolerance>-?)\s*+(?P<name>[^\s=-][^=]*)=(?P<value>.*)",
        comment=b"#;",
    )
    # Sources: environment.d(5), pam_env(8), locale.conf(5), vconsole.conf(5).
    yield table(
        "environment",
        _by("name"),
        rb"\s*(?P<export>(?:export\s+)?)(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=(?P<value>.*)",
        joins=_joins_after_backslash,
    )
    # Sources: login.defs(5), host.conf(5).
    yield table("settings", _by("name"), rb"\s*(?P<name>\S+)(?P<value>(?:\s.*)?)")
    # Sources: modules(5), modules-load.d(5).
    yield table(
        "modules",
        _by_module,
        rb"\s*(?P<module>\S+)(?P<options>(?:\s.*)?)",
        comment=b"#;",
    )
    # Sources: shells(5), securetty(5), crontab(1), locale.gen(5): the line is all there is.
    yield table("lines", _by("line"), rb"(?P<line>.*)")


FORMATS = {entry.name: entry for entry in _formats()}
"""Every format by name."""

TABLE_PATHS = {
    "aliases": "aliases",
    "at.allow": "lines",
    "at.deny": "lines",
    "cron.allow": "lines",
    "cron.deny": "lines",
    "crypttab": "crypttab",
    "environment": "environment",
    "ethers": "ethers",
    "ethertypes": "protocols",
    "exports": "exports",
    "fstab": "fstab",
    "ftpusers": "lines",
    "host.conf": "settings",
    "hosts": "hosts",
    "locale.conf": "environment",
    "locale.gen": "lines",
    "login.defs": "settings",
    "mail/aliases": "aliases",
    "modules": "modules",
    "networks": "networks",
    "nsswitch.conf": "nsswitch",
    "postfix/aliases": "aliases",
    "protocols": "protocols",
    "rpc": "rpc",
    "securetty": "lines",
    "services": "services",
    "shells": "lines",
    "sysctl.conf": "sysctl",
    "vconsole.conf": "environment",
}
"""The format of each table that has a place of its own, by path."""

TABLE_FOLDERS = {
    ("environment.d", ".conf"): "environment",
    ("exports.d", ".exports"): "exports",
    ("modules-load.d", ".conf"): "modules",
    ("sysctl.d", ".conf"): "sysctl",
}
"""The format of all files in a directory whose names end alike, by directory and ending."""
