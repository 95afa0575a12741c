"""The journal on a bench: for each slot what was staged there, for which path, and in whose place.

It is complete, and on disk, before the first swap. After a crash it tells of everything on the
bench whether it is etcsync's own or came out of a client's tree.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from etcsync.entries import ROOT, Entry, Kind, encode_path
from etcsync.errors import TreeError
from etcsync.names import is_safe_path
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree, Place
from etcsync.tree.reading import read_file

NAME = "journal"
"""Once swapping begins: it is on disk then."""

STAGED_NAME = "journal.new"
"""While it need not be whole: no swap has begun, or it is whole."""

NAMES = (NAME, STAGED_NAME)
_SIZE_LIMIT = 64 * 1024 * 1024


class Slot(NamedTuple):
    """A numbered name on the bench.

    Attributes:
        name: The number.
        path: The path in the tree.
        inode: Of what was staged; 0: nothing was.
        before: What the plan saw at the path; it is recorded. None: nothing.
        after: What was staged; None: nothing, the path is to be deleted.
        group: Slots of one group are swapped all or none.
    """

    name: str
    path: str
    inode: int
    before: Entry | None
    after: Entry | None
    group: str | None = None

    def place(self, bench: OpenTree) -> Place:
        """Return where the slot is on an open bench."""
        return Place(bench.descriptor, encode_path(self.name))


def write_journal(bench: OpenTree, slots: Iterable[Slot]) -> None:
    """Write down what was staged.

    Raises:
        OSError: It cannot be written.
    """
    descriptor = beneath.make_file(_place(bench, STAGED_NAME))
    try:
        beneath.write_all(descriptor, json.dumps(list(slots)).encode())
    finally:
        os.close(descriptor)


def begin_swapping(bench: OpenTree) -> None:
    """Note that swapping begins; call it once everything staged is on disk.

    From here on a journal that cannot be read means damage; before, that a run was killed, or the
    power went, while it staged.

    Raises:
        OSError: It cannot be noted.
    """
    beneath.move(_place(bench, STAGED_NAME), _place(bench, NAME))


def read_journal(bench: OpenTree) -> Mapping[str, Slot] | None:
    """Return what was staged, by slot name; None: no swap had begun.

    Raises:
        TreeError: The journal is damaged, so nothing on the bench may be removed.
    """
    try:
        return _read(bench, NAME)
    except FileNotFoundError:
        with suppress(OSError, ValueError, TypeError):
            return _read(bench, STAGED_NAME)
        return None
    except (OSError, ValueError, TypeError) as error:
        raise TreeError(
            f"The journal in {bench.path} is damaged.",
            hint="Save the files there that a client may need, remove the directory, sync again.",
        ) from error


def _read(bench: OpenTree, name: str) -> Mapping[str, Slot]:
    content = read_file(bench, _place(bench, name), _SIZE_LIMIT).content
    try:
        lines = json.loads(content or b"")
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error
    return {slot.name: slot for slot in _slots(lines)}


def _place(bench: OpenTree, name: str) -> Place:
    return Place(bench.descriptor, name.encode())


def _slots(lines: object) -> list[Slot]:
    if not isinstance(lines, list):
        raise TypeError(lines)
    return [_slot(line) for line in lines]


def _slot(line: object) -> Slot:
    """Return one line; a journal inside a tree may have been written by the client."""
    match line:
        case [str(name), str(path), int(inode), before, after, None | str() as group]:
            if path == ROOT or is_safe_path(path):
                return Slot(name, path, inode, _entry(before), _entry(after), group)
    raise ValueError(line)


def _entry(fields: object) -> Entry | None:
    match fields:
        case None:
            return None
        case [str(kind), str(oid), int(mode), int(uid), int(gid)]:
            return Entry(Kind(kind), oid, mode, uid, gid)
    raise ValueError(fields)
