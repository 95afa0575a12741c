"""Upstream's working files: looked at, changed all or none, and taken back.

They change as a client's tree does, by way of a bench, each file in one step. The bench lies in
upstream's git directory, on the same file system.
"""

import errno
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from etcsync.entries import METADATA_PATH, ROOT, Entry, Kind, Tree, ancestors
from etcsync.errors import UpstreamError
from etcsync.plan.keyed import ACCOUNT_FILES
from etcsync.tree.account_lock import account_lock
from etcsync.tree.apply import Change, settle, stage, sync
from etcsync.tree.beneath import OpenTree, open_tree
from etcsync.tree.journal import read_journal
from etcsync.tree.reading import entry_of, observe
from etcsync.tree.recovery import keep_beside, salvage
from etcsync.tree.staging import Staging, slots_in_use
from etcsync.tree.undoing import take_back_everything

BENCH = "upstream"
GROUP = "promotion"
LARGEST = 1 << 40
"""Bytes of the longest file that is read: upstream is trusted."""

LOCK_PATIENCE = 15.0
"""Seconds to wait until no program in the root changes accounts; as long as lckpwdf(3) does."""

SHOWN = 5
"""Paths that an error names."""

_ABSENT = {errno.ENOENT, errno.ENOTDIR}


@dataclass(frozen=True, slots=True)
class UpstreamFiles:
    """The working files of one upstream.

    Attributes:
        etc: The root's /etc.
        staging: A directory on the same file system in which the bench is made.
        ownership: False, where not running as root: owners are neither compared nor set.
    """

    etc: str
    staging: str
    ownership: bool

    def changes(
        self, before: Tree, after: Mapping[str, Entry | None], uncommitted: Collection[str]
    ) -> list[Change]:
        """Return what turns the working files into ``after``.

        Args:
            before: What upstream's head has.
            after: What is to stand at each path to be changed; None: nothing.
            uncommitted: Paths where working files or index differ from the head.

        Raises:
            UpstreamError: Something else than the head's version stands at one of the paths.
        """
        with open_tree(self.etc) as tree:
            live = {path: self._live(tree, path) for path in after}
        edited = [
            path
            for path in after.keys() - {METADATA_PATH}
            if not _is_free(before.get(path), live[path], after[path])
            or not {path, *ancestors(path)}.isdisjoint(uncommitted)
        ]
        if edited:
            raise self._edited(edited)
        return [
            Change(path, live[path], entry, group=GROUP, at_once=True)
            for path, entry in after.items()
        ]

    def put(self, changes: Sequence[Change], read: Callable[[str], bytes]) -> None:
        """Make all changes, on disk when this returns; what came out stays on the bench.

        Raises:
            UpstreamError: A file changed meanwhile. Call `take_back`, as after any error.
            TreeError: Files cannot be staged, or a program in the root is changing accounts.
            OSError: The disk reported an error.
        """
        staged = stage(
            self.etc,
            BENCH,
            Staging(self.staging),
            changes,
            read,
            limit=LARGEST,
            ownership=self.ownership,
        )
        sync([staged])
        with self._accounts_locked(changes):
            if not staged.failed:
                staged.swap()
                settle()
            stands = staged.confirm()
        if not stands:
            for path, error in staged.failed.items():
                raise UpstreamError(f"{self.etc}/{path} cannot be written: {error.strerror}")
            for path in sorted(staged.kept):
                raise UpstreamError(
                    f"{self.etc}/{path} cannot be removed: it holds something that git does not"
                    " track; nothing was written",
                    hint="Move that elsewhere, then promote again.",
                )
            raise self._edited(staged.raced)
        sync([staged])

    @contextmanager
    def _accounts_locked(self, changes: Sequence[Change]) -> Iterator[None]:
        """Keep useradd and its like in the root from changing accounts, where these change."""
        if not any(change.path in ACCOUNT_FILES for change in changes):
            yield
            return
        with open_tree(self.etc, writable=True) as tree, account_lock(tree, LOCK_PATIENCE):
            yield

    def take_back(self) -> None:
        """Undo what `put` did, or as much of it as a killed run had done.

        What others have changed since stays as it is.
        """
        with open_tree(self.etc, writable=True) as tree:
            take_back_everything(
                Staging(self.staging), BENCH, tree, limit=LARGEST, ownership=self.ownership
            )
        self.clear()

    def clear(self) -> None:
        """Let go of what came out; what no commit has is kept beside its place."""
        staging = Staging(self.staging)
        if not os.path.isdir(self.staging):
            return
        with open_tree(self.etc, writable=True) as tree:
            for inside in staging.unfinished(BENCH, tree):
                with staging.bench(BENCH, tree, inside=inside) as bench:
                    self._keep_unknown(bench, tree)
            staging.discard(BENCH, tree, inside=staging.lies_inside(tree))
        staging.remove(BENCH)

    def is_empty(self, directory: str, changes: Mapping[str, Entry | None]) -> bool:
        """Return whether a directory will hold nothing once ``changes`` are made."""
        prefix = "" if directory == ROOT else directory + "/"
        below = [path for path in changes if path.startswith(prefix) and path != ROOT]
        if any(changes[path] is not None for path in below):
            return False
        with open_tree(self.etc) as tree:
            try:
                with tree.directory(directory) as descriptor:
                    names = os.listdir(descriptor)
            except OSError as error:
                if error.errno in _ABSENT:
                    return True
                raise
        return all(prefix + name in below for name in names)

    def _keep_unknown(self, bench: OpenTree, tree: OpenTree) -> None:
        journal = read_journal(bench) or {}
        for slot in (journal[name] for name in slots_in_use(bench) if name in journal):
            if salvage(bench, slot, tree, limit=LARGEST, ownership=self.ownership):
                keep_beside(slot.place(bench), slot.path, tree)

    def _live(self, tree: OpenTree, path: str) -> Entry | None:
        """Return what stands at a path; of kind OTHER where that cannot be reached or read."""
        try:
            if path == ROOT:
                return entry_of(os.fstat(tree.descriptor), ownership=self.ownership)
            with tree.place(path) as place:
                return observe(tree, place, LARGEST, ownership=self.ownership)[0]
        except OSError as error:
            return None if error.errno in _ABSENT else Entry(Kind.OTHER, "", 0, 0, 0)

    def _edited(self, paths: Collection[str]) -> UpstreamError:
        shown = ", ".join(sorted(paths)[:SHOWN])
        more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
        return UpstreamError(
            f"{self.etc} has edits that are not committed, where the promotion would write:"
            f" {shown}{more}; nothing was written",
            hint="Commit them (`chroot ROOT etckeeper commit -m MESSAGE`) or undo them, then"
            " promote again.",
        )


def _is_free(before: Entry | None, live: Entry | None, after: Entry | None) -> bool:
    """Return whether the head's version stands there; or a directory that git knows nothing of."""
    if live == before:
        return True
    kinds = {entry.kind for entry in (live, after) if entry is not None}
    return before is None and after is not None and kinds == {Kind.DIRECTORY}
