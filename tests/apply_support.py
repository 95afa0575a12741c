"""A tree with its staging directory, for the tests of the apply."""

import os
from collections.abc import Callable
from pathlib import Path

from tree_support import AS_ROOT, Blobs, take

from etcsync.entries import Entry, Kind, symlink_entry
from etcsync.tree.apply import Applied, Change, Staged, settle, stage, sync
from etcsync.tree.beneath import open_tree
from etcsync.tree.recovery import Leftover, recover
from etcsync.tree.staging import Staging

LIMIT = 8 * 2**20


class Workbench:
    """One client's tree, what its plans want, and what became of them."""

    def __init__(self, directory: Path) -> None:
        self.tree = directory / "tree"
        self.tree.mkdir(exist_ok=True)
        self.staging = Staging(str(directory / ".etcsync"))
        self.blobs = Blobs()

    def file(self, content: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> Entry:
        return Entry(Kind.FILE, self.blobs.store(content), mode, uid, gid)

    def link(self, target: bytes) -> Entry:
        return symlink_entry(self.blobs.store(target))

    def now(self, path: str) -> Entry | None:
        """Return what stands at a path now, as a plan sees it."""
        found = take(self.tree, blobs=self.blobs)
        return found.entries.get(path) or found.unmanaged.get(path)

    def changes(self, wanted: dict[str, Entry | None]) -> list[Change]:
        found = take(self.tree, blobs=self.blobs).entries
        return [Change(path, found.get(path), after) for path, after in wanted.items()]

    def stage(self, wanted: dict[str, Entry | None] | list[Change], **options) -> Staged:
        changes = self.changes(wanted) if isinstance(wanted, dict) else wanted
        return stage(
            str(self.tree), "client0", self.staging, changes, self.blobs.__getitem__,
            limit=LIMIT, ownership=AS_ROOT, **options,
        )  # fmt: skip

    def apply(self, wanted: dict[str, Entry | None] | list[Change], **options) -> Applied:
        staged = self.stage(wanted, **options)
        sync([staged])
        staged.swap()
        settle()
        return staged.finish()

    def recover(self, record: Callable[[bytes], object] = len) -> list[Leftover]:
        """Have what a killed run left recorded, then remove it."""
        with open_tree(str(self.tree)) as tree:
            found = recover(self.staging, "client0", tree, limit=LIMIT, ownership=AS_ROOT)
            for leftover in found:
                record(leftover.content)
            for inside in self.staging.unfinished("client0", tree):
                self.staging.discard("client0", tree, inside=inside)
        return found

    def bench(self) -> list[str]:
        """Return what lies on the bench, beside the tree or in it."""
        benches = (Path(self.staging.directory) / "client0", self.tree / ".etcsync.tmp")
        return [name for bench in benches if bench.is_dir() for name in os.listdir(bench)]


def directory(mode: int = 0o755, uid: int = 0, gid: int = 0) -> Entry:
    return Entry(Kind.DIRECTORY, "", mode, uid, gid)
