"""The atomic apply of a plan's changes to a live tree, so that a fleet can go through it together.

`stage` writes all new files of one client to its bench; `sync` brings everything to disk, once for
all; `Staged.swap` puts it in place; `settle` waits, once for all; `Staged.finish` looks at what
came out and tells what became of each change.
"""

import errno
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from etcsync.entries import Entry, Kind, encode_path
from etcsync.errors import TreeError
from etcsync.system_calls import syncfs
from etcsync.tree import beneath, journal
from etcsync.tree.beneath import OpenTree, Place, open_tree
from etcsync.tree.change import Change, Way, in_order, way_of
from etcsync.tree.journal import Slot
from etcsync.tree.outcome import Applied, Item
from etcsync.tree.preparing import SOURCE_CHANGED, kept_attributes, prepare
from etcsync.tree.reading import RACY, is_mirrored
from etcsync.tree.staged import Staged
from etcsync.tree.staging import Staging, clear, slots_in_use

__all__ = ["Applied", "Change", "Staged", "settle", "stage", "sync"]

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def stage(
    tree_path: str,
    client: str,
    staging: Staging,
    changes: Iterable[Change],
    contents: Callable[[str], bytes],
    *,
    source: OpenTree | None = None,
    limit: int,
    ownership: bool = True,
) -> Staged:
    """Write all that a plan puts into a tree to the client's bench; the tree does not change.

    A path that cannot be staged is in ``failed`` of the result, or in ``raced``.

    Args:
        tree_path: The client's tree.
        client: Its name, which is its bench's too.
        staging: Where benches are.
        changes: At most one for each path.
        contents: Gives the content of a blob.
        source: The root's open /etc, from which mirrored paths are copied.
        limit: Bytes of the longest file that is recorded; a longer one that comes out of the tree
            is put back.
        ownership: False, where not running as root: owners are neither compared nor set.

    Raises:
        TreeError: The bench cannot be used, holds what a killed run left there, or is full; nothing
            has changed then and nothing is left staged.
    """
    wanted = [(change, way) for change in in_order(changes) if (way := way_of(change))]
    with open_tree(tree_path, writable=True) as tree:
        inside = bool(wanted) and staging.lies_inside(tree)
        staged = Staged(
            tree_path,
            client,
            staging,
            device=tree.device,
            inside=inside,
            limit=limit,
            ownership=ownership,
            groups={change.path: change.group for change, _ in wanted if change.group},
        )
        if not wanted:
            return staged
        with staging.bench(client, tree, inside=inside) as bench:
            _take_bench(bench)
            try:
                stager = _Stager(tree, bench, contents, source, ownership)
                for number, (change, way) in enumerate(wanted, 1):
                    _stage_one(staged, stager, f"{number:06d}", change, way)
                journal.write_journal(bench, (item.slot for item in staged.items))
            except OSError as error:
                reason = error
            else:
                return staged
        staging.discard(client, tree, inside=inside)
    raise TreeError(
        f"The changes of {client} could not be staged: {reason.strerror}.",
        hint="Free space on the file system of the trees; then sync again.",
    ) from reason


def _take_bench(bench: OpenTree) -> None:
    """Clear what a run left that was killed before its first swap."""
    if journal.read_journal(bench) is not None:
        raise TreeError(
            f"{bench.path} holds what a killed run took out of a tree.",
            hint="Sync again; it is recorded first.",
        )
    for name in (*slots_in_use(bench), journal.STAGED_NAME):
        clear(Place(bench.descriptor, encode_path(name)))


def _stage_one(staged: Staged, stager: "_Stager", name: str, change: Change, way: Way) -> None:
    """Stage one change, or note why that cannot be.

    Raises:
        OSError: There is no room for anything.
    """
    if change.before is not None and change.before.kind is Kind.OTHER:
        staged.raced.add(change.path)
        return
    try:
        staged.items.append(stager.stage(name, change, way))
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        if error.errno == SOURCE_CHANGED:
            staged.raced.add(change.path)
        else:
            staged.failed[change.path] = error


@dataclass(frozen=True, slots=True)
class _Stager:
    """Stages changes of one tree on its bench; the attributes are as in `stage`."""

    tree: OpenTree
    bench: OpenTree
    contents: Callable[[str], bytes]
    source: OpenTree | None
    ownership: bool

    def stage(self, name: str, change: Change, way: Way) -> Item:
        if way is Way.ADJUST and self._must_be_replaced(change):
            way = Way.REPLACE
        slot = Slot(name, change.path, 0, change.before, None, change.group)
        if way in {Way.CREATE, Way.REPLACE} and change.after is not None:
            place = slot.place(self.bench)
            self._prepare(place, change, change.after)
            slot = slot._replace(inode=beneath.lstat(place).st_ino, after=change.after)
        elif way is Way.ADJUST:
            slot = slot._replace(after=change.after)
        return Item(slot, way)

    def _must_be_replaced(self, change: Change) -> bool:
        """Whether a file may not be changed in place: it may have other names, even elsewhere."""
        if change.before is None or change.before.kind is not Kind.FILE:
            return False
        if change.at_once:
            return True
        with self.tree.place(change.path) as place:
            return beneath.lstat(place).st_nlink > 1

    def _prepare(self, place: Place, change: Change, after: Entry) -> None:
        attributes = dict(change.attributes)
        if after.kind is Kind.FILE and change.before is not None:
            attributes = kept_attributes(self.tree, change.path) | attributes
        mirrored = is_mirrored(after) and after.kind is Kind.FILE
        source = (self.source, change.path) if mirrored and self.source is not None else None
        prepare(
            place, self.tree, after, self.contents, source, attributes, ownership=self.ownership
        )


def sync(staged: Iterable[Staged]) -> None:
    """Bring the trees and all that is staged to disk, each file system once.

    Call it between `stage` and `swap`, so that no power failure leaves an empty file in place; and
    after `swap`, before it is recorded that anything was done.

    Raises:
        TreeError: A tree cannot be opened any more.
        OSError: The disk reported an error; swap nothing in then.
    """
    synced: set[int] = set()
    for each in staged:
        if each.items and each.device not in synced:
            with open_tree(each.tree_path) as tree:
                syncfs(tree.descriptor)
            synced.add(each.device)


def settle() -> None:
    """Wait until what was just swapped in counts as settled; once for a whole fleet."""
    time.sleep(1.5 * RACY / 1e9)
