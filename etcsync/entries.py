"""The words that every layer speaks: entries, trees and the paths that lead to them.

Paths are ``str``, relative to /etc, components joined by ``/``, decoded from the file system's
bytes as UTF-8 with surrogate escapes (PEP 383), so that every name survives. ``"."`` is the tree's
own directory.
"""

import hashlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

ROOT = "."
"""The path of the tree's own directory."""

METADATA_PATH = ".etckeeper"
"""The file that holds metadata; it is derived from a tree's entries, never merged."""

GIT_PATH = ".git"
"""The name at a tree's top that leads to the hub; never an entry."""


class Kind(StrEnum):
    """What stands at a path."""

    FILE = "file"
    SYMLINK = "symlink"
    DIRECTORY = "directory"
    OTHER = "other"
    """Something that is there but cannot be recorded: a FIFO, a socket, a device, a file over the
    size limit, a mount point. It equals no recorded entry and is never overwritten."""


class Entry(NamedTuple):
    """One path's state: kind, content, mode, owner and group.

    Symbolic links always have mode 0o777, uid 0 and gid 0: git and etckeeper record none of them.
    """

    kind: Kind
    oid: str
    """The git blob id of a file's content or of a link's target; ``""`` for the other kinds."""
    mode: int
    """Permission bits, 0 to 0o7777."""
    uid: int
    gid: int

    def same_content(self, other: "Entry") -> bool:
        """Whether kind and content agree, whatever the metadata."""
        return self.kind is other.kind and self.oid == other.oid and self.kind is not Kind.OTHER


Tree = Mapping[str, Entry]
"""Entries by path, every directory among them, ``"."`` included."""


class StatKey(NamedTuple):
    """What identifies one state of an inode; times are nanoseconds since the epoch.

    While it stays the same, the content is taken to be the same. Git's index keeps the same fields,
    and of the inode's number, as here, the lowest 32 bits.
    """

    ctime: int
    mtime: int
    ino: int
    size: int
    uid: int
    gid: int


class FileRecord(NamedTuple):
    """A file or link as it was last recorded: the git mode, the blob id, and the live file's state.

    It tells all that a git entry tells, and is what an index has for each path.
    """

    mode: int
    oid: str
    stat: StatKey


def symlink_entry(oid: str) -> Entry:
    """Return the entry of a symbolic link whose target is the blob ``oid``."""
    return Entry(Kind.SYMLINK, oid, 0o777, 0, 0)


def blob_oid(content: bytes) -> str:
    """Return the id that git gives to ``content`` as a blob (SHA-1 object format)."""
    digest = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


def parent(path: str) -> str:
    """Return the directory that holds ``path``; the parent of a top-level name is ``"."``."""
    return path.rpartition("/")[0] or ROOT


def ancestors(path: str) -> Iterator[str]:
    """Yield the directories above ``path``, nearest first, without ``"."``."""
    while (path := path.rpartition("/")[0]) != "":
        yield path


def encode_path(path: str) -> bytes:
    """Return the bytes that the file system and git know ``path`` by."""
    return path.encode("utf-8", "surrogateescape")


def decode_path(raw: bytes) -> str:
    """Return the text by which etcsync knows the file system's ``raw`` name."""
    return raw.decode("utf-8", "surrogateescape")
