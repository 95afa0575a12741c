"""One change of a live tree, made in one step, looked at before it counts, and taken back.

A client may write at any moment. So what comes out of its tree is compared with what the plan saw,
and put back where it differs.
"""

import errno
import os
from contextlib import suppress
from dataclasses import dataclass

from etcsync.entries import Entry, Kind
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree, Place
from etcsync.tree.change import Change, Way, way_of
from etcsync.tree.journal import Slot
from etcsync.tree.outcome import Item, Out
from etcsync.tree.preparing import change_metadata, prepare_directory
from etcsync.tree.reading import entry_of, matches

ELSEWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EEXIST}
"""The place is not as the plan saw it."""

_ATTEMPTS = 8
_NOT_EMPTY = {errno.ENOTEMPTY, errno.EEXIST}


class RacedError(Exception):
    """The client was faster; its version is in the tree."""


class KeptError(Exception):
    """The directory holds something that is not recorded."""


@dataclass(frozen=True, slots=True)
class Swapper:
    """Changes a tree by what lies on its bench.

    Attributes:
        tree: The client's tree.
        bench: Its bench.
        limit: Bytes of the longest file that is recorded.
        ownership: False: owners are neither compared nor set.
    """

    tree: OpenTree
    bench: OpenTree
    limit: int
    ownership: bool

    def make(self, item: Item) -> None:
        """Make one change.

        Raises:
            RacedError: Something else than expected stood there, and stands there again.
            KeptError: A directory that was to go holds something.
            OSError: It cannot be made.
        """
        path, before, after = item.slot.path, item.slot.before, item.slot.after
        if item.way is Way.ADJUST and before is not None and after is not None:
            self._adjust(path, before, after)
            return
        slot = item.slot.place(self.bench)
        with self.tree.place(path) as target:
            match item.way:
                case Way.CREATE:
                    beneath.move(slot, target)
                    return
                case Way.REMOVE_DIRECTORY:
                    self._remove_directory(before, target)
                    return
                case Way.REPLACE:
                    if self._is_occupied(before, self.tree, path):
                        raise KeptError
                    beneath.exchange(slot, target)
                case _:
                    beneath.move(target, slot)
            item.out = Out.THEIRS
            if not self.is_expected(item):
                self._put_back(item, slot, target)
                raise RacedError
            if self.holds_something(item):
                self._put_back(item, slot, target)
                raise KeptError

    def was_made(self, item: Item) -> bool:
        """Whether a change was made, told from what lies where; for what a killed run left."""
        slot, after = item.slot, item.slot.after
        try:
            if item.way is Way.ADJUST and after is not None:
                with self.tree.pinned(slot.path) as pin:
                    status = os.fstat(pin)
                    return entry_of(status, after.oid, ownership=self.ownership) == after
            if item.way is Way.REMOVE_DIRECTORY:
                with self.tree.place(slot.path) as target:
                    return not _stands(target)
            place = slot.place(self.bench)
            if item.way is Way.REPLACE:
                return beneath.lstat(place).st_ino != slot.inode
        except OSError:
            return False
        return _stands(place) is (item.way is Way.REMOVE)

    def take_back(self, item: Item) -> None:
        """Undo a change that was made, unless the client has changed the path since."""
        slot = item.slot
        way = item.way
        if way is Way.REMOVE_DIRECTORY:
            with suppress(OSError):
                self._make_directory_again(slot)
        if way is not Way.ADJUST and way is not Way.REPLACE:
            way = way_of(Change(slot.path, slot.after, slot.before)) or way
        back = Item(slot._replace(before=slot.after, after=slot.before), way)
        try:
            if way is Way.REPLACE:
                inode = beneath.lstat(slot.place(self.bench)).st_ino
                back.slot = back.slot._replace(inode=inode)
            self.make(back)
        except (RacedError, KeptError, OSError):
            item.out = back.out if back.out is Out.RETURNED else item.out
        else:
            item.out = Out.STAGED

    def _make_directory_again(self, slot: Slot) -> None:
        """Put a directory like the one that was removed on the bench."""
        place = slot.place(self.bench)
        with suppress(FileNotFoundError):
            beneath.rmdir(place)
        if slot.before is not None:
            prepare_directory(place, slot.before, ownership=self.ownership)

    def set_back(self, item: Item) -> None:
        """Give a directory its former metadata where a change of it was cut off half-way."""
        before, after = item.slot.before, item.slot.after
        if before is None or after is None:
            return
        modes = {before.mode, after.mode, before.mode & after.mode & 0o777}
        with suppress(OSError), self.tree.pinned(item.slot.path) as pin:
            now = entry_of(os.fstat(pin), before.oid, ownership=self.ownership)
            owners = {entry[3:] for entry in (before, after)}
            if now.kind is before.kind and now.mode in modes and now[3:] in owners:
                change_metadata(pin, before, ownership=self.ownership)

    def is_expected(self, item: Item) -> bool:
        """Whether what came out is what the plan saw."""
        slot = item.slot
        return matches(
            self.bench, slot.place(self.bench), slot.before, self.limit, ownership=self.ownership
        )

    def holds_something(self, item: Item) -> bool:
        """Whether what came out is a directory that holds something, or cannot be listed."""
        return self._is_occupied(item.slot.before, self.bench, item.slot.name)

    def put_back(self, item: Item) -> None:
        """Bring what came out back into the tree; where that fails, it stays in the slot."""
        item.out = Out.RETURNED
        with suppress(OSError), self.tree.place(item.slot.path) as target:
            self._put_back(item, item.slot.place(self.bench), target)

    def _adjust(self, path: str, before: Entry, after: Entry) -> None:
        with self.tree.pinned(path) as pin:
            status = os.fstat(pin)
            linked = before.kind is Kind.FILE and status.st_nlink > 1
            if linked or entry_of(status, before.oid, ownership=self.ownership) != before:
                raise RacedError
            change_metadata(pin, after, ownership=self.ownership)

    def _remove_directory(self, before: Entry | None, target: Place) -> None:
        status = beneath.lstat(target)
        if entry_of(status, ownership=self.ownership) != before:
            raise RacedError
        try:
            beneath.rmdir(target)
        except OSError as error:
            if error.errno in _NOT_EMPTY:
                raise KeptError from error
            raise

    def _is_occupied(self, before: Entry | None, opened: OpenTree, path: str) -> bool:
        if before is None or before.kind is not Kind.DIRECTORY:
            return False
        try:
            with opened.directory(path) as descriptor:
                return bool(beneath.list_directory(descriptor))
        except OSError as error:
            return error.errno not in ELSEWHERE

    def _put_back(self, item: Item, slot: Place, target: Place) -> None:
        item.out = Out.RETURNED
        for _ in range(_ATTEMPTS):
            try:
                if item.way is Way.REPLACE:
                    with suppress(FileNotFoundError):
                        beneath.exchange(slot, target)
                        if beneath.lstat(slot).st_ino != item.slot.inode:
                            beneath.exchange(slot, target)  # a newer version of the client's
                        return
                beneath.move(slot, target)
            except FileExistsError:
                continue
            except OSError:
                return
            return


def _stands(place: Place) -> bool:
    """Whether anything stands at ``place``."""
    try:
        beneath.lstat(place)
    except FileNotFoundError:
        return False
    return True
