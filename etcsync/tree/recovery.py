"""What came out of a client's tree and must not be lost: after a crash, or when a write raced."""

import errno
import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from etcsync.entries import ROOT, Entry, encode_path, parent
from etcsync.errors import TreeError
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree, Place
from etcsync.tree.journal import Slot, read_journal
from etcsync.tree.reading import is_open_for_writing, matches, observe
from etcsync.tree.staging import Staging, slots_in_use

PATIENCE = 0.5
"""Seconds that clients are given to close what they have open for writing."""


class Leftover(NamedTuple):
    """Something of a client's that is not in its tree any more and must go into its history.

    Attributes:
        path: Where it stood.
        entry: A file or symbolic link.
        content: The file's content or the link's target.
    """

    path: str
    entry: Entry
    content: bytes


def recover(
    staging: Staging, client: str, tree: OpenTree, *, limit: int, ownership: bool
) -> list[Leftover]:
    """Return what a killed run took out of a client's tree and no history has.

    The benches stay as they are: the caller records what is returned and then calls
    `Staging.discard` for each of `Staging.unfinished`. What cannot be recorded (a directory that is
    not empty, a special file, a file over ``limit``) goes back into the tree, beside its old place.

    Raises:
        TreeError: The journal is damaged, or something cannot go back.
    """
    found: list[Leftover] = []
    for inside in staging.unfinished(client, tree):
        with staging.bench(client, tree, inside=inside) as bench:
            journal = read_journal(bench) or {}
            slots = [journal[name] for name in slots_in_use(bench) if name in journal]
            for _ in while_written_to(bench, slots):
                pass
            for slot in slots:
                found += salvage(bench, slot, tree, limit=limit, ownership=ownership)
    return found


def salvage(
    bench: OpenTree, slot: Slot, tree: OpenTree, *, limit: int, ownership: bool
) -> list[Leftover]:
    """Return what stands in a slot if no history has it; see `recover`.

    Raises:
        TreeError: It can neither be recorded nor go back.
    """
    place = slot.place(bench)
    try:
        ours = beneath.lstat(place).st_ino == slot.inode
    except FileNotFoundError:
        return []
    if matches(bench, place, slot.after if ours else slot.before, limit, ownership=ownership):
        return []
    try:
        entry, content = observe(bench, place, limit, ownership=ownership)
    except OSError:
        content = None
    if content is not None:
        return [Leftover(slot.path, entry, content)]
    try:
        if not is_empty_directory(bench, slot.name):
            keep_beside(place, slot.path, tree)
    except OSError as error:
        raise TreeError(
            f"{bench.path}/{slot.name}, once {slot.path}, cannot be saved: {error.strerror}.",
            hint="Move it to where it belongs; then sync again.",
        ) from error
    return []


def while_written_to(bench: OpenTree, slots: Sequence[Slot]) -> Iterator[None]:
    """Yield again and again, as long as somebody has what lies in the slots open for writing.

    What came out of a tree can be opened by nobody any more, so once this ends nothing is written
    to it; but it ends after `PATIENCE` in any case.
    """
    until = time.monotonic() + PATIENCE
    while any(is_open_for_writing(bench, slot.place(bench)) for slot in slots):
        if time.monotonic() > until:
            return
        time.sleep(PATIENCE / 20)
        yield


def keep_beside(place: Place, path: str, tree: OpenTree) -> None:
    """Move what cannot be recorded as content into the tree, under a name beside ``path``.

    The name starts with a dot, so that no reader of ``*.d`` directories takes it up. The next scan
    finds it there.

    Raises:
        OSError: There is no room for it even at the top.
    """
    name = encode_path(path.rpartition("/")[2])[:200]
    for above in (parent(path), ROOT):
        with suppress(FileNotFoundError, NotADirectoryError), tree.directory(above) as directory:
            for number in itertools.count(1):
                with suppress(FileExistsError):
                    beneath.move(place, Place(directory, b".%b.etcsync-%d" % (name, number)))
                    return


def is_empty_directory(opened: OpenTree, path: str) -> bool:
    """Whether a directory stands at ``path`` in a tree or on a bench and holds nothing.

    Raises:
        OSError: It cannot be listed.
    """
    try:
        with opened.directory(path) as descriptor:
            return not beneath.list_directory(descriptor)
    except OSError as error:
        if error.errno in {errno.ENOTDIR, errno.ELOOP}:
            return False
        raise
