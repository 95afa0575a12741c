"""The hub: the bare repository that is etcsync's database.

One `Hub` serves one run, in one thread. It starts git processes when they are first needed and has
ended them all when its ``with`` block is left.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack

from etcsync.closing import Closing
from etcsync.errors import HubError
from etcsync.hub.ancestry import Ancestry
from etcsync.hub.create import check_hub, create_hub
from etcsync.hub.failures import damaged
from etcsync.hub.git import git_command, git_process, read_git, run_git
from etcsync.hub.importer import Importer, open_importer
from etcsync.hub.objects import Commit, GitEntry, Identity, ObjectReader, parse_commit
from etcsync.hub.refs import (
    UPSTREAM_REF,
    RefUpdate,
    await_locks,
    base_ref,
    branch_ref,
    loose_refs,
    pending_ref,
    read_refs,
    replace_packed,
    turn,
)
from etcsync.hub.trees import FlatTree, TreeCache

__all__ = [
    "UPSTREAM_REF",
    "Commit",
    "GitEntry",
    "Hub",
    "Identity",
    "RefUpdate",
    "base_ref",
    "branch_ref",
    "create_hub",
    "open_hub",
    "pending_ref",
]


def open_hub(path: str, *, borrowed_objects: str | None = None) -> "Hub":
    """Return the hub at ``path``, to be used in a ``with`` statement.

    Args:
        path: The hub's git directory.
        borrowed_objects: An object directory of another repository that is read as if it were the
            hub's own: what upstream has committed can be looked at without being fetched.

    Raises:
        HubError: There is none, or it is damaged.
    """
    check_hub(path)
    return Hub(path, borrowed_objects)


class Hub(Closing):
    """The bare repository with upstream's history and one branch per client.

    All methods raise `HubError` where the hub is damaged or git fails.

    Attributes:
        path: The git directory.
        wrote: Whether objects were written to it.
    """

    def __init__(self, path: str, borrowed_objects: str | None = None) -> None:
        self.path = os.path.abspath(path)
        self.wrote = False
        self._open = ExitStack()
        borrowed = (
            {"GIT_ALTERNATE_OBJECT_DIRECTORIES": borrowed_objects} if borrowed_objects else {}
        )
        self._git = self._open.enter_context(git_command(self.path, **borrowed))
        self._contents: ObjectReader | None = None
        self._headers: ObjectReader | None = None
        self._sizes: dict[str, int] = {}
        self._trees = TreeCache(lambda oids: self._reader().read(oids, "tree"))
        self._ancestry = Ancestry(self._rev_list)

    def _close(self) -> None:
        self._open.close()

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run one git command on the hub and return its standard output."""
        return run_git(self._git, *arguments, stdin=stdin)

    def version(self) -> tuple[int, ...]:
        """Return git's version."""
        return self._git.python.version_info

    def refs(self) -> dict[str, str]:
        """Return the commit that each ref names; takes no process."""
        return read_refs(self.path)

    def update_refs(self, updates: Iterable[RefUpdate]) -> None:
        """Move refs, all or none; durable when it returns.

        Raises:
            HubError: A ref does not name what was expected, or would name what is no commit.
        """
        moves = list(updates)
        if not moves:
            return
        new = {update.new for update in moves if update.new is not None}
        known = {oid for oid, kind, _ in self._header_reader().sizes(new) if kind == "commit"}
        if new - known:
            raise HubError(f"the hub does not know the commit {min(new - known)}")
        with turn(self.path):
            if any(loose_refs(self.path)):
                await_locks(self.path)
                self.git("pack-refs", "--all", "--prune")
            replace_packed(self.path, moves)

    def has(self, oids: Iterable[str]) -> set[str]:
        """Return those of the ids whose objects the hub holds."""
        return {oid for oid, _, _ in self._header_reader().sizes(oids)}

    def sizes(self, oids: Iterable[str]) -> dict[str, int]:
        """Return the sizes in bytes of those objects that the hub holds."""
        wanted = set(oids)
        if new := wanted - self._sizes.keys():
            found = self._header_reader().sizes(new)
            self._sizes.update((oid, size) for oid, _, size in found)
        return {oid: self._sizes[oid] for oid in wanted if oid in self._sizes}

    def blob(self, oid: str) -> bytes:
        """Return the content of the blob ``oid``."""
        return next(self._reader().read([oid], "blob"))

    def commit(self, oid: str) -> Commit:
        """Return the commit ``oid``."""
        return self.commits([oid])[oid]

    def commits(self, oids: Iterable[str]) -> dict[str, Commit]:
        """Return the commits by id; far faster than one by one."""
        wanted = list(dict.fromkeys(oids))
        contents = self._reader().read(wanted, "commit")
        try:
            return {oid: parse_commit(oid, raw) for oid, raw in zip(wanted, contents, strict=True)}
        except ValueError as error:
            raise damaged(self.path, str(error)) from error

    def tree(self, oid: str) -> Mapping[str, GitEntry]:
        """Return all that the tree ``oid`` holds by path, directories included, itself not.

        Nested repositories and names that no tree may get are left out; see `rejected`.
        """
        return self._flat([oid])[oid].entries

    def trees(self, oids: Iterable[str]) -> dict[str, Mapping[str, GitEntry]]:
        """Return what `tree` does for many trees, by id; far faster than one by one."""
        return {oid: flat.entries for oid, flat in self._flat(oids).items()}

    def rejected(self, oid: str) -> Mapping[str, str]:
        """Return the paths that `tree` leaves out, with the reason in words."""
        return self._flat([oid])[oid].rejected

    def is_ancestor(self, old: str, new: str) -> bool:
        """Return whether the commit ``old`` is ``new`` or one of its ancestors."""
        return self._ancestry.is_ancestor(old, new)

    def count_between(self, old: str, new: str) -> int:
        """Return how many commits the history of ``new`` has that ``old``'s lacks."""
        return self._ancestry.count_between(old, new)

    def merge_base(self, one: str, other: str) -> str | None:
        """Return a best common ancestor of two commits, or None if they share no history."""
        return self._ancestry.merge_base(one, other)

    def importer(self) -> AbstractContextManager[Importer]:
        """Return a context manager that yields the one writer of objects for a run."""
        self.wrote = True
        return open_importer(self.path)

    def _flat(self, oids: Iterable[str]) -> dict[str, FlatTree]:
        try:
            return self._trees.flat(oids)
        except ValueError as error:
            raise damaged(self.path, f"a tree cannot be read: {error}") from error

    def _rev_list(self, commit: str, known: list[str]) -> bytes:
        lines = [commit, *(f"^{other}" for other in known)]
        asked = "\n".join(lines).encode("ascii")
        return read_git(self._git, "rev-list", "--parents", "--stdin", stdin=asked)

    def _reader(self) -> ObjectReader:
        if self._contents is None:
            self._contents = self._start_reader("--batch")
        return self._contents

    def _header_reader(self) -> ObjectReader:
        if self._headers is None:
            self._headers = self._start_reader("--batch-check")
        return self._headers

    def _start_reader(self, option: str) -> ObjectReader:
        process = self._open.enter_context(git_process(self._git, "cat-file", option))
        return ObjectReader(self.path, process)
