"""Git's index file, as the record of what a live tree looked like when it was last recorded.

The format is gitformat-index(5), versions 2 and 3. The file is a cache: whoever cannot trust it
reads the tree's files again. It is replaced atomically, but not synced; what a power failure
leaves of it does not pass the checksum.
"""

import hashlib
import os
import struct
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from etcsync.entries import FileRecord, StatKey, encode_path
from etcsync.hub.failures import writing

UNKNOWN_STAT = StatKey(0, 0, 0, 0, 0, 0)
"""Equals no file's: the content has to be read again."""

LARGEST = 256 * 1024 * 1024
"""Bytes of the largest index that is read."""

_HEADER = struct.Struct(">4sII")
_ENTRY = struct.Struct(">10I20sH")
_EXTENSION = struct.Struct(">4sI")
_DIGEST_SIZE = 20
_LOW_32_BITS = 0xFFFFFFFF
_SECOND = 1_000_000_000

_EXTENDED = 0x40  # in the higher byte of the flags, as the next
_STAGE = 0x30
_SPECIAL_FLAGS = _EXTENDED | _STAGE
_LONGEST_COUNTED = 0xFFF
_SKIP_WORKTREE = 0x4000  # in the second flags, as the next
_INTENT_TO_ADD = 0x2000

_UNTRUSTED_EXTENSIONS = frozenset({b"link", b"sdir"})
"""With them the entries are not all there is: a split index, sparse directories."""


class Index(NamedTuple):
    """What an index file records.

    Attributes:
        entries: By path, in git's order; only files and symbolic links, not directories. The state
            is that of the live file with this content, or `UNKNOWN_STAT`.
        tree: The id of the root tree that the entries make up, where the file names it: not after
            somebody changed entries with git.
        skipped: The paths that are recorded although the live tree lacks them.
        places: Where each entry begins in the file.
        content: The file.
    """

    entries: dict[str, FileRecord]
    tree: str | None
    skipped: frozenset[str]
    places: Mapping[str, int]
    content: bytes


class _UntrustedIndexError(Exception):
    """The file is damaged, or says something that etcsync does not understand."""


_DAMAGED = (_UntrustedIndexError, struct.error, ValueError, IndexError)


def read_index(path: str) -> Index | None:
    """Return the index at ``path``, or None where there is none that can be trusted.

    The stat of an entry that changed no earlier than the index was written is `UNKNOWN_STAT`: a
    later write in the same instant would not show in it (git's Documentation/technical/racy-git).

    Raises:
        OSError: The file exists but cannot be read.
    """
    layout = _layout_of(path)
    if layout is None:
        return None
    records, tree, skipped = layout
    return Index(dict(records), tree, skipped, records.places, records.content)


def read_records(path: str) -> Mapping[str, FileRecord]:
    """Return what `read_index` gives as entries, nothing for None; quicker where few are asked for.

    Raises:
        OSError: The file exists but cannot be read.
    """
    layout = _layout_of(path)
    return {} if layout is None else layout[0]


def _layout_of(path: str) -> tuple["_Records", str | None, frozenset[str]] | None:
    """Return the records, the tree and the skipped paths of an index that can be trusted."""
    try:
        with open(path, "rb") as file:
            state = os.fstat(file.fileno())
            content = file.read(LARGEST) if state.st_size < LARGEST else b""
    except FileNotFoundError:
        return None
    try:
        count = _count_of(content)
        places, skipped, end = _places_in(content, count)
        tree = _parse_extensions(content, end, count)
    except _DAMAGED:
        return None
    return _Records(content, places, state.st_mtime_ns), tree, frozenset(skipped)


class _Records(Mapping[str, FileRecord]):
    """The records in an index, each taken out when it is asked for."""

    def __init__(self, content: bytes, places: Mapping[str, int], written: int) -> None:
        self.content = content
        self.places = places
        self._written = written

    def __getitem__(self, path: str) -> FileRecord:
        return _record_at(self.content, self.places[path], self._written)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, path: object) -> bool:
        return path in self.places


def _count_of(content: bytes) -> int:
    """Return how many entries an index has that is whole, and of a version that is known."""
    body = memoryview(content)[:-_DIGEST_SIZE]
    digest = hashlib.sha1(body, usedforsecurity=False).digest()
    signature, version, count = _HEADER.unpack_from(body)
    if content[-_DIGEST_SIZE:] != digest or signature != b"DIRC" or version not in {2, 3}:
        raise _UntrustedIndexError
    return int(count)


def _places_in(content: bytes, count: int) -> tuple[dict[str, int], list[str], int]:
    """Return where the entry of each path begins, the skipped paths, and where the entries end."""
    places: dict[str, int] = {}
    skipped = []
    # A fleet's indexes name the same paths; each is kept in memory once.
    shared, size = sys.intern, _ENTRY.size
    start = _HEADER.size
    name = b""
    for _ in range(count):
        begin = start + size
        flags = content[begin - 2]
        more = 0
        if flags & _SPECIAL_FLAGS:
            more = int.from_bytes(content[begin : begin + 2], "big")
            begin += 2
            if flags & _STAGE or more & ~_SKIP_WORKTREE:
                raise _UntrustedIndexError
        end = content.index(b"\0", begin)
        previous, name = name, content[begin:end]
        if name <= previous:
            raise _UntrustedIndexError
        text = shared(name.decode("utf-8", "surrogateescape"))
        places[text] = start
        if more:
            skipped.append(text)
        # Padded with one to eight zeros to a multiple of eight bytes.
        start += (end - start + 8) & ~7
    return places, skipped, start


def _record_at(content: bytes, place: int, written: int) -> FileRecord:
    """Return what the entry that begins at ``place`` says.

    Args:
        content: The index.
        place: As `_places_in` gives it.
        written: When the index was written: a state that is no older is not to be relied on.
    """
    ctime, ctime_rest, mtime, mtime_rest, _, ino, mode, uid, gid, size, oid, _ = _ENTRY.unpack_from(
        content, place
    )
    changed = ctime * _SECOND + ctime_rest
    modified = mtime * _SECOND + mtime_rest
    stat = UNKNOWN_STAT
    # Half of a run's time would go into the constructors that named tuples have.
    new = tuple.__new__
    if changed < written and modified < written:
        stat = new(StatKey, (changed, modified, ino, size, uid, gid))
    return new(FileRecord, (mode, sys.intern(oid.hex()), stat))


def _parse_extensions(content: bytes, start: int, count: int) -> str | None:
    """Return the id of the root tree, if the extension TREE has it for all ``count`` entries."""
    tree = None
    limit = len(content) - _DIGEST_SIZE
    while start < limit:
        signature, size = _EXTENSION.unpack_from(content, start)
        start += _EXTENSION.size
        # Lower case: whoever does not know it must not read on.
        if signature in _UNTRUSTED_EXTENSIONS or not signature[:1].isupper():
            raise _UntrustedIndexError
        if signature == b"TREE":
            tree = _root_of_cache_tree(content[start : start + size], count)
        start += size
    if start != limit:
        raise _UntrustedIndexError
    return tree


def _root_of_cache_tree(extension: bytes, count: int) -> str | None:
    numbers, _, rest = extension.partition(b"\n")
    if not numbers.startswith(b"\0%d " % count) or len(rest) < _DIGEST_SIZE:
        return None
    return rest[:_DIGEST_SIZE].hex()


def write_index(
    path: str,
    entries: Mapping[str, FileRecord],
    tree: str,
    skip_worktree: Collection[str] = frozenset(),
    before: Index | None = None,
) -> None:
    """Replace the index at ``path``.

    Only one process may write an index at a time. A git that refreshes it at that moment may win;
    its version then names the tree that its entries make up, as ever.

    Args:
        path: The file; its directory exists.
        entries: Files and symbolic links by path, with stats as of `os.lstat` or `UNKNOWN_STAT`.
        tree: The id of the root tree that they make up; the hub holds it.
        skip_worktree: Those of the paths that the live tree lacks, and is meant to lack.
        before: The index that this one follows; where it has the same paths, it is patched.
    """
    content = None if before is None else _patched(before, entries, tree, skip_worktree)
    if content is None:
        content = b"".join(_index_parts(entries, tree, skip_worktree))
    _replace(path, content)


def _replace(path: str, content: bytes) -> None:
    digest = hashlib.sha1(content, usedforsecurity=False).digest()
    temporary = path + ".new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with writing(os.path.dirname(path), "an index"):
        with open(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(content + digest)
        os.rename(temporary, path)


def patch_index(path: str, tree: str, new_tree: str, records: Mapping[str, FileRecord]) -> bool:
    """Change some entries of the index at ``path`` without reading the others.

    Args:
        path: The file.
        tree: The id of the root tree that it must have so far.
        new_tree: The id that it gets.
        records: What some of its paths hold now.

    Returns:
        Whether that was possible; if not, nothing has changed.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST)
        count = _count_of(content)
    except (OSError, _UntrustedIndexError, struct.error):
        return False
    body = bytearray(memoryview(content)[:-_DIGEST_SIZE])
    end = _cache_tree(count, tree)
    if not body.endswith(end):
        return False
    for name, record in records.items():
        place = _place_of(content, encode_path(name))
        if place is None:
            return False
        _put(body, place, record)
    body[-len(end) :] = _cache_tree(count, new_tree)
    _replace(path, bytes(body))
    return True


def _place_of(content: bytes, name: bytes) -> int | None:
    """Return where the entry of ``name``, without extended flags, begins.

    None where no place, or more than one, looks like it: ids and states may hold any bytes.
    """
    if len(name) >= _LONGEST_COUNTED:
        return None
    sought = len(name).to_bytes(2, "big") + name + b"\0"
    at = content.find(sought)
    if at < 0 or content.find(sought, at + 1) >= 0:
        return None
    place = at + 2 - _ENTRY.size
    return place if place >= _HEADER.size and (place - _HEADER.size) % 8 == 0 else None


def _index_parts(
    entries: Mapping[str, FileRecord], tree: str, skip_worktree: Collection[str]
) -> Iterator[bytes]:
    version = 3 if skip_worktree else 2
    yield _HEADER.pack(b"DIRC", version, len(entries))
    named = sorted((encode_path(text), text) for text in entries)
    for name, text in named:
        flags = min(len(name), _LONGEST_COUNTED)
        length = _ENTRY.size + len(name)
        more = b""
        if text in skip_worktree:
            flags |= _EXTENDED << 8
            more = _SKIP_WORKTREE.to_bytes(2, "big")
            length += 2
        yield _fixed_part(entries[text], flags)
        yield more + name + bytes(8 - length % 8)
    yield _cache_tree(len(entries), tree)


def _fixed_part(record: FileRecord, flags: int) -> bytes:
    mode, oid, (ctime, mtime, ino, size, uid, gid) = record
    second, low = _SECOND, _LOW_32_BITS
    return _ENTRY.pack(
        ctime // second & low, ctime % second, mtime // second & low, mtime % second,
        0, ino & low, mode, uid & low, gid & low, size & low, bytes.fromhex(oid), flags,
    )  # fmt: skip


def _put(body: bytearray, place: int, record: FileRecord) -> None:
    """Change what the entry at ``place`` says of its path, which stays, as do its flags."""
    end = place + _ENTRY.size
    flags = int.from_bytes(body[end - 2 : end], "big")
    body[place:end] = _fixed_part(record, flags)


def _cache_tree(count: int, tree: str) -> bytes:
    """Return the extension that names the root tree of all entries, as the last one of a file."""
    data = b"\0%d 0\n" % count + bytes.fromhex(tree)
    return _EXTENSION.pack(b"TREE", len(data)) + data


def _patched(
    before: Index, entries: Mapping[str, FileRecord], tree: str, skip_worktree: Collection[str]
) -> bytes | None:
    """Return what `write_index` writes, made from the former file; None where that cannot be.

    A fleet's indexes are mostly the same from run to run: a few states and ids change.
    """
    if before.tree is None or before.skipped != frozenset(skip_worktree):
        return None
    end = _cache_tree(len(before.entries), before.tree)
    body = bytearray(memoryview(before.content)[:-_DIGEST_SIZE])
    if not body.endswith(end) or entries.keys() != before.entries.keys():
        return None
    for path, record in entries.items():
        old = before.entries[path]
        # What the parser did not trust still has its states in the file.
        if old is record and record.stat is not UNKNOWN_STAT:
            continue
        _put(body, before.places[path], record)
    body[-len(end) :] = _cache_tree(len(entries), tree)
    return bytes(body)
