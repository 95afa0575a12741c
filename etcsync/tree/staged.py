"""The second and third phase of the apply: swapping in what is staged, and checking what came out.

A client may write at any moment. So what comes out of its tree is compared with what the plan saw,
right after the swap and once more at the end, for a descriptor that was open all the while may
still have been written to; and it is put back where it differs. What cannot be put back, for its
name was taken again, stays on the bench until it is recorded.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from etcsync.entries import Entry, Kind, StatKey, ancestors, blob_oid
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree, Place, open_tree
from etcsync.tree.change import Way
from etcsync.tree.outcome import Applied, Item, Out
from etcsync.tree.preparing import change_metadata
from etcsync.tree.reading import (
    entry_of,
    is_mirrored,
    is_settled,
    matches,
    read_file,
    stat_key,
)
from etcsync.tree.recovery import Leftover, salvage, while_written_to
from etcsync.tree.staging import Staging, clear

_ATTEMPTS = 8
_ELSEWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EEXIST}
_NOT_EMPTY = {errno.ENOTEMPTY, errno.EEXIST}


class _RacedError(Exception):
    """The client was faster; its version is in the tree."""


class _KeptError(Exception):
    """The directory holds something that is not recorded."""


class Staged:
    """All changes of one client's plan, ready to be swapped in.

    It holds no descriptor between the phases, so that thousands may wait for one sync.

    Attributes:
        tree_path: The client's tree.
        device: Its file system.
    """

    def __init__(
        self,
        tree_path: str,
        client: str,
        staging: Staging,
        *,
        device: int,
        inside: bool,
        limit: int,
        ownership: bool,
    ) -> None:
        self.tree_path = tree_path
        self.device = device
        self._client = client
        self._staging = staging
        self._inside = inside
        self._limit = limit
        self._ownership = ownership
        self.items: list[Item] = []
        self.done: set[str] = set()
        self.raced: set[str] = set()
        self.kept: set[str] = set()
        self.failed: dict[str, OSError] = {}

    def swap(self) -> None:
        """Put everything in place, each path in one step; call once, after a sync.

        Raises:
            TreeError: Tree or bench cannot be opened.
        """
        if not self.items:
            return
        with self._opened() as (tree, bench):
            for item in self.items:
                self._attempt(item, tree, bench)

    def finish(self) -> Applied:
        """Look once more at what came out, remove it, and tell what became of each change.

        Call it some time after `swap`, best after `settle`: late writes show, and states can be
        relied on. A client that keeps a replaced file open for writing longer than `PATIENCE`
        writes to a file without a name from then on.

        Raises:
            TreeError: Tree or bench cannot be opened; something cannot be saved.
        """
        stranded: list[Leftover] = []
        stats: dict[str, StatKey] = {}
        if self.items:
            with self._opened() as (tree, bench):
                self._await_writers(tree, bench)
                for item in reversed(self.items):
                    stranded += self._finish_one(item, tree, bench)
                for item in self.items:
                    key = self._state(item, tree) if item.slot.path in self.done else None
                    if key is not None:
                        stats[item.slot.path] = key
            if not stranded:
                self.discard()
        done, raced, kept = frozenset(self.done), frozenset(self.raced), frozenset(self.kept)
        return Applied(done, raced, kept, dict(self.failed), tuple(stranded), stats)

    def discard(self) -> None:
        """Clear and remove the bench; after `finish`, once what is stranded has been recorded.

        Raises:
            TreeError: Something on it cannot be removed.
        """
        with open_tree(self.tree_path) as tree:
            self._staging.discard(self._client, tree, inside=self._inside)

    @contextmanager
    def _opened(self) -> Iterator[tuple[OpenTree, OpenTree]]:
        with (
            open_tree(self.tree_path) as tree,
            self._staging.bench(self._client, tree, inside=self._inside) as bench,
        ):
            yield tree, bench

    def _attempt(self, item: Item, tree: OpenTree, bench: OpenTree) -> None:
        path = item.slot.path
        above = [name for name in ancestors(path) if name in self.failed]
        if above:
            self.failed[path] = self.failed[above[0]]
            return
        try:
            before, after = item.slot.before, item.slot.after
            if item.way is Way.ADJUST and before is not None and after is not None:
                self._adjust(path, before, after, tree)
            else:
                self._swap_one(item, tree, bench)
            self.done.add(path)
        except _RacedError:
            self.raced.add(path)
        except _KeptError:
            self.kept.add(path)
        except OSError as error:
            if item.slot.after is None and error.errno == errno.ENOENT:
                self.done.add(path)
            elif error.errno in _ELSEWHERE:
                self.raced.add(path)
            else:
                self.failed[path] = error

    def _swap_one(self, item: Item, tree: OpenTree, bench: OpenTree) -> None:
        path, slot = item.slot.path, item.slot.place(bench)
        with tree.place(path) as target:
            match item.way:
                case Way.CREATE:
                    beneath.move(slot, target)
                    return
                case Way.REMOVE_DIRECTORY:
                    self._remove_directory(item, target)
                    return
                case Way.REPLACE:
                    if _is_occupied(item, tree, path):
                        raise _KeptError
                    beneath.exchange(slot, target)
                case _:
                    beneath.move(target, slot)
            item.out = Out.THEIRS
            if not self._is_expected(item, bench):
                _put_back(item, slot, target)
                raise _RacedError
            if _is_occupied(item, bench, item.slot.name):
                _put_back(item, slot, target)
                raise _KeptError

    def _is_expected(self, item: Item, bench: OpenTree) -> bool:
        """Whether what came out is what the plan saw."""
        slot = item.slot
        return matches(
            bench, slot.place(bench), slot.before, self._limit, ownership=self._ownership
        )

    def _remove_directory(self, item: Item, target: Place) -> None:
        status = beneath.lstat(target)
        if entry_of(status, ownership=self._ownership) != item.slot.before:
            raise _RacedError
        try:
            beneath.rmdir(target)
        except OSError as error:
            if error.errno in _NOT_EMPTY:
                raise _KeptError from error
            raise

    def _adjust(self, path: str, before: Entry, after: Entry, tree: OpenTree) -> None:
        with tree.pinned(path) as pin:
            status = os.fstat(pin)
            linked = before.kind is Kind.FILE and status.st_nlink > 1
            if linked or entry_of(status, before.oid, ownership=self._ownership) != before:
                raise _RacedError
            change_metadata(pin, after, ownership=self._ownership)

    def _await_writers(self, tree: OpenTree, bench: OpenTree) -> None:
        """Put back what is still written to, and give the writers some time."""
        swapped = [item for item in self.items if item.out is not Out.STAGED]
        for _ in while_written_to(bench, [item.slot for item in swapped]):
            for item in swapped:
                if item.out is Out.THEIRS:
                    self._look_again(item, tree, bench)

    def _finish_one(self, item: Item, tree: OpenTree, bench: OpenTree) -> list[Leftover]:
        """Clear a slot, unless it holds what must be recorded first; return that."""
        if item.out is Out.THEIRS:
            self._look_again(item, tree, bench)
        if item.out is Out.RETURNED:
            found = salvage(bench, item.slot, tree, limit=self._limit, ownership=self._ownership)
            if found:
                return found
        clear(item.slot.place(bench))
        return []

    def _look_again(self, item: Item, tree: OpenTree, bench: OpenTree) -> None:
        """Put back what was written to after it had come out."""
        late = not self._is_expected(item, bench)
        occupied = not late and _is_occupied(item, bench, item.slot.name)
        if not (late or occupied):
            return
        path, after = item.slot.path, item.slot.after
        item.out = Out.RETURNED
        if after is not None and after.kind is Kind.DIRECTORY:
            return  # what has been put into the new directory stays; the late write is recorded
        self.done.discard(path)
        (self.kept if occupied else self.raced).add(path)
        with suppress(OSError), tree.place(path) as target:
            _put_back(item, item.slot.place(bench), target)

    def _state(self, item: Item, tree: OpenTree) -> StatKey | None:
        """Return the state of a file or link that is sure to hold what was planned."""
        after = item.slot.after
        if after is None or is_mirrored(after):
            return None
        with suppress(OSError), tree.place(item.slot.path) as place:
            moment = time.time_ns()
            if after.kind is Kind.FILE:
                status, content, settled = read_file(tree, place, self._limit)
            elif after.kind is Kind.SYMLINK:
                status, content = beneath.lstat(place), beneath.readlink(place)
                rested = stat_key(status) == stat_key(beneath.lstat(place))
                settled = rested and is_settled(status, moment)
            else:
                return None
            if settled and content is not None and blob_oid(content) == after.oid:
                return stat_key(status)
        return None


def _is_occupied(item: Item, opened: OpenTree, path: str) -> bool:
    """Whether a directory that is to go holds something, or cannot be listed."""
    before = item.slot.before
    if before is None or before.kind is not Kind.DIRECTORY:
        return False
    try:
        with opened.directory(path) as descriptor:
            return bool(beneath.list_directory(descriptor))
    except OSError as error:
        return error.errno not in _ELSEWHERE


def _put_back(item: Item, slot: Place, target: Place) -> None:
    """Bring what came out back into the tree; where that fails, it stays in the slot."""
    item.out = Out.RETURNED
    for _ in range(_ATTEMPTS):
        try:
            if item.way is Way.REPLACE:
                with suppress(FileNotFoundError):
                    beneath.exchange(slot, target)
                    if beneath.lstat(slot).st_ino != item.slot.inode:
                        beneath.exchange(slot, target)  # a newer version of the client's came out
                    return
            beneath.move(slot, target)
        except FileExistsError:
            continue
        except OSError:
            return
        return
