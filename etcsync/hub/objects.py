"""Git's objects as values, and a reader that fetches many of them through one process."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from etcsync.entries import decode_path
from etcsync.errors import HubError
from etcsync.hub.failures import damaged, unreadable
from etcsync.hub.git import GitProcess

FILE_MODE = 0o100644
EXECUTABLE_MODE = 0o100755
SYMLINK_MODE = 0o120000
DIRECTORY_MODE = 0o040000
GITLINK_MODE = 0o160000
"""A nested repository, which git records by its commit only."""

REQUESTS_AT_ONCE = 96
"""Requests of 41 bytes that fit into the smallest pipe (one page): writing so many to an idle git
never blocks, hence cannot deadlock with a git that waits for its answers to be read."""

_OID = re.compile("[0-9a-f]{40}")
_IDENTITY = re.compile(
    r"(?P<name>.*?) ?<(?P<email>[^>]*)>(?: (?P<time>-?\d+) (?P<zone>[+-]\d{4}))?"
)
_TREE_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_USUAL_MODES = {
    b"100644": FILE_MODE,
    b"100755": EXECUTABLE_MODE,
    b"120000": SYMLINK_MODE,
    b"40000": DIRECTORY_MODE,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Identity(NamedTuple):
    """Who made a commit."""

    name: str
    email: str


class Commit(NamedTuple):
    """A commit that the hub holds."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    message: str
    """Text with surrogate escapes where it is not UTF-8; untrusted."""
    author: Identity
    time: datetime
    """The committer's time, in the committer's zone; the epoch where it cannot be told."""


class GitEntry(NamedTuple):
    """What a git tree says about one path."""

    mode: int
    """One of the ``*_MODE`` constants."""
    oid: str


def parse_commit(oid: str, raw: bytes) -> Commit:
    """Return the commit whose object content is ``raw``.

    Raises:
        ValueError: It has no tree.
    """
    header, _, message = raw.decode("utf-8", "surrogateescape").partition("\n\n")
    tree = ""
    parents = []
    identities: dict[str, re.Match[str] | None] = {}
    for line in header.split("\n"):
        key, _, value = line.partition(" ")
        if key == "tree" and not tree:
            tree = value
        elif key == "parent":
            parents.append(value)
        elif key in {"author", "committer"}:
            identities.setdefault(key, _IDENTITY.match(value))
    if not tree:
        reason = f"commit {oid} has no tree"
        raise ValueError(reason)
    author, committer = identities.get("author"), identities.get("committer")
    who = Identity(author["name"], author["email"]) if author else Identity("", "")
    return Commit(oid, tree, tuple(parents), message, who, _time(committer))


def _time(identity: re.Match[str] | None) -> datetime:
    if identity is None or identity["time"] is None:
        return _EPOCH
    zone = identity["zone"]
    minutes = int(zone[1:3]) * 60 + int(zone[3:])
    offset = timedelta(minutes=-minutes if zone[0] == "-" else minutes)
    try:
        return datetime.fromtimestamp(int(identity["time"]), timezone(offset))
    except (ValueError, OverflowError, OSError):
        return _EPOCH


def parse_tree(raw: bytes) -> Iterator[tuple[str, GitEntry]]:
    """Yield the names and entries of the tree object whose content is ``raw``.

    Modes are made canonical as git does it: a file has 0644, or 0755 if its owner may execute it.

    Raises:
        ValueError: The content is not a tree.
    """
    length = 0
    for mode, name, oid in _TREE_ENTRY.findall(raw):
        length += len(mode) + len(name) + 22
        yield (
            decode_path(name),
            GitEntry(_USUAL_MODES.get(mode) or _canonical_mode(int(mode, 8)), oid.hex()),
        )
    if length != len(raw):
        reason = "it has an entry that is none"
        raise ValueError(reason)


def _canonical_mode(mode: int) -> int:
    kind = mode & 0o170000
    if kind == 0o100000:
        return EXECUTABLE_MODE if mode & 0o100 else FILE_MODE
    if kind in {SYMLINK_MODE, DIRECTORY_MODE}:
        return kind
    return GITLINK_MODE


class ObjectReader:
    """Reads objects through running ``git cat-file`` processes.

    Requests go out in windows, so that a thousand small objects cost a dozen switches between the
    two processes instead of a thousand. Each window's answers are read to the end before anything
    is raised: after an error the reader can go on.
    """

    def __init__(self, directory: str, process: GitProcess) -> None:
        self._directory = directory
        self._process = process

    def read(self, oids: Iterable[str], kind: str) -> Iterator[bytes]:
        """Yield the contents of the objects ``oids``, in their order (``cat-file --batch``).

        Raises:
            HubError: One of them is missing, corrupt, or not of the ``kind``.
        """
        for window in self._windows(oids):
            contents = []
            wrong = ""
            for oid in window:
                header = self._header(oid)
                if header[1] == "missing":
                    wrong = wrong or f"the {kind} {oid} is missing"
                    continue
                contents.append(self._content(int(header[2])))
                if header[1] != kind:
                    wrong = wrong or f"{oid} is a {header[1]}, not a {kind}"
            if wrong:
                raise damaged(self._directory, wrong)
            yield from contents

    def sizes(self, oids: Iterable[str]) -> Iterator[tuple[str, str, int]]:
        """Yield id, kind and size of those objects that exist (``cat-file --batch-check``)."""
        for window in self._windows(oids):
            headers = [self._header(oid) for oid in window]
            yield from ((header[0], header[1], int(header[2])) for header in headers if header[2:])

    def _windows(self, oids: Iterable[str]) -> Iterator[list[str]]:
        waiting = list(oids)
        for oid in waiting:
            if not _OID.fullmatch(oid):
                raise damaged(self._directory, f"{oid!r} is no object id")
        for start in range(0, len(waiting), REQUESTS_AT_ONCE):
            window = waiting[start : start + REQUESTS_AT_ONCE]
            try:
                self._process.stdin.write(("\n".join(window) + "\n").encode("ascii"))
                self._process.stdin.flush()
            except BrokenPipeError as error:
                raise self._ended() from error
            yield window

    def _header(self, oid: str) -> list[str]:
        header = self._process.stdout.readline().decode("ascii", "replace").split()
        if header[:1] != [oid]:
            raise self._ended()
        return header

    def _content(self, size: int) -> bytes:
        content = self._process.stdout.read(size + 1)
        if len(content) != size + 1:
            raise self._ended()
        return content[:-1]

    def _ended(self) -> HubError:
        self._process.popen.kill()
        return unreadable(self._directory, self._process.last_words())
