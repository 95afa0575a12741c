"""The second and third phase of the apply: swapping in what is staged, and checking what came out.

A client may write at any moment. So what comes out of its tree is compared with what the plan saw,
right after the swap and once more at the end, for a descriptor that was open all the while may
still have been written to; and it is put back where it differs. What cannot be put back, for its
name was taken again, stays on the bench until it is recorded.
"""

import errno
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from etcsync.entries import Kind, StatKey, ancestors, blob_oid
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree, open_tree
from etcsync.tree.journal import begin_swapping
from etcsync.tree.outcome import Applied, Item, Out
from etcsync.tree.reading import (
    is_mirrored,
    is_settled,
    read_file,
    stat_key,
)
from etcsync.tree.recovery import Leftover, salvage, while_written_to
from etcsync.tree.staging import Staging, clear
from etcsync.tree.swapping import ELSEWHERE, KeptError, RacedError, Swapper


class Staged:
    """All changes of one client's plan, ready to be swapped in.

    It holds no descriptor between the phases, so that thousands may wait for one sync.

    Attributes:
        tree_path: The client's tree.
        device: Its file system.
        groups: The paths that are put in place all or none, with the group of each.
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
        groups: Mapping[str, str],
    ) -> None:
        self.tree_path = tree_path
        self.device = device
        self.groups = groups
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

        Where one path of a group cannot be, what was put in place of the group is taken back.

        Raises:
            TreeError: Tree or bench cannot be opened.
        """
        if not self.items:
            return
        with self._opened() as swapper:
            begin_swapping(swapper.bench)
            for item in self.items:
                self._attempt(item, swapper)
            self._take_back_groups(swapper)

    def confirm(self) -> bool:
        """Look once more at what came out, and return whether every change stands.

        Call it after `swap` and `settle`. Everything stays on the bench, so that all can still be
        taken back.

        Raises:
            TreeError: Tree or bench cannot be opened.
        """
        if self.items:
            with self._opened() as swapper:
                self._look_at_what_came_out(swapper)
                self._take_back_groups(swapper)
        return not (self.raced or self.kept or self.failed)

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
        unsettled: set[str] = set()
        if self.items:
            with self._opened() as swapper:
                self._look_at_what_came_out(swapper)
                self._take_back_groups(swapper)
                for item in reversed(self.items):
                    stranded += self._finish_one(item, swapper)
                for item in self.items:
                    path = item.slot.path
                    if path not in self.done:
                        continue
                    key = self._state(item, swapper.tree)
                    if key is not None:
                        stats[path] = key
                    elif _may_have_changed(item, swapper.tree):
                        unsettled.add(path)
                if not stranded:
                    self._staging.clear_bench(swapper.bench, swapper.tree, inside=self._inside)
        done, raced, kept = frozenset(self.done), frozenset(self.raced), frozenset(self.kept)
        return Applied(
            done, raced, kept, dict(self.failed), tuple(stranded), stats, frozenset(unsettled)
        )

    def discard(self) -> None:
        """Clear and remove the bench; after `finish`, once what is stranded has been recorded.

        Raises:
            TreeError: Something on it cannot be removed.
        """
        with open_tree(self.tree_path, writable=True) as tree:
            self._staging.discard(self._client, tree, inside=self._inside)

    @contextmanager
    def _opened(self) -> Iterator[Swapper]:
        with (
            open_tree(self.tree_path, writable=True) as tree,
            self._staging.bench(self._client, tree, inside=self._inside) as bench,
        ):
            yield Swapper(tree, bench, self._limit, self._ownership)

    def _attempt(self, item: Item, swapper: Swapper) -> None:
        path = item.slot.path
        above = [name for name in ancestors(path) if name in self.failed]
        if above:
            self.failed[path] = self.failed[above[0]]
            return
        if item.slot.group is not None and item.slot.group in self._broken_groups():
            self.raced.add(path)
            return
        try:
            swapper.make(item)
            self.done.add(path)
        except RacedError:
            self.raced.add(path)
        except KeptError:
            self.kept.add(path)
        except OSError as error:
            if item.slot.after is None and error.errno == errno.ENOENT:
                self.done.add(path)
            elif error.errno in ELSEWHERE:
                self.raced.add(path)
            else:
                self.failed[path] = error

    def _broken_groups(self) -> set[str]:
        """Return the groups of which something is not in place."""
        missing = (*self.raced, *self.kept, *self.failed)
        return {self.groups[path] for path in missing if path in self.groups}

    def _take_back_groups(self, swapper: Swapper) -> None:
        broken = self._broken_groups()
        for item in reversed(self.items):
            if item.slot.group in broken and item.slot.path in self.done:
                swapper.take_back(item)
                self.done.discard(item.slot.path)
                self.raced.add(item.slot.path)

    def _look_at_what_came_out(self, swapper: Swapper) -> None:
        """Put back what has been written to since; writers are given some time to end.

        What is put back brings to the bench what stood in its place, which may be written to, too.
        """
        swapped = [item for item in self.items if item.out is not Out.STAGED]
        looking = True
        while looking:
            for _ in while_written_to(swapper.bench, [item.slot for item in swapped]):
                self._look_again(swapper)
            looking = self._look_again(swapper)

    def _finish_one(self, item: Item, swapper: Swapper) -> list[Leftover]:
        """Clear a slot, unless it holds what must be recorded first; return that."""
        if item.out is Out.RETURNED:
            found = salvage(
                swapper.bench, item.slot, swapper.tree, limit=self._limit, ownership=self._ownership
            )
            if found:
                return found
        clear(item.slot.place(swapper.bench))
        return []

    def _look_again(self, swapper: Swapper) -> bool:
        """Put back what was written to after it had come out; return whether anything was."""
        out = [item for item in self.items if item.out is Out.THEIRS]
        for item in out:
            self._check(item, swapper)
        return any(item.out is not Out.THEIRS for item in out)

    def _check(self, item: Item, swapper: Swapper) -> None:
        late = not swapper.is_expected(item)
        occupied = not late and swapper.holds_something(item)
        if not (late or occupied):
            return
        path, after = item.slot.path, item.slot.after
        if after is not None and after.kind is Kind.DIRECTORY:
            item.out = Out.RETURNED
            return  # what has been put into the new directory stays; the late write is recorded
        self.done.discard(path)
        (self.kept if occupied else self.raced).add(path)
        swapper.put_back(item)

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


def _may_have_changed(item: Item, tree: OpenTree) -> bool:
    """Whether something else than planned may stand at a path whose state is not known."""
    after = item.slot.after
    if after is None:
        with suppress(OSError), tree.place(item.slot.path) as place:
            beneath.lstat(place)
            return True
        return False
    return after.kind is not Kind.DIRECTORY and not is_mirrored(after)
