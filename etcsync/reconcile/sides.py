"""Upstream's tree and a client's base as entries: git's tree joined with etckeeper's metadata.

Git keeps one bit of a file's mode; the commit's own ``.etckeeper`` holds the rest, by name. Names
become ids through the passwd and group files of the same commit, so that what a commit means never
depends on the machine that reads it; what they do not know is looked up in the live root's files.
Where upstream does not use etckeeper, the live upstream tree tells modes and owners.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from etcsync.entries import METADATA_PATH, ROOT, Entry, Kind, ancestors, symlink_entry
from etcsync.hub.hub import GitEntry, Hub
from etcsync.hub.objects import DIRECTORY_MODE, EXECUTABLE_MODE, FILE_MODE, SYMLINK_MODE
from etcsync.tree.accounts import Accounts, parse_accounts
from etcsync.tree.metadata_file import Metadata, parse

_DEFAULT_MODES = {FILE_MODE: 0o644, EXECUTABLE_MODE: 0o755, DIRECTORY_MODE: 0o755}
"""What git's own mode says of the permission bits, by git mode."""

Live = Mapping[str, tuple[int, int, int]]
"""Mode, uid and gid by path, from a live tree."""


@dataclass(frozen=True)
class Side:
    """One version of a whole /etc: a commit's git tree and its entries.

    Attributes:
        tree: The id of the git tree.
        git: Its entries as git has them.
        entries: The same with metadata; empty directories and ``"."`` included.
    """

    tree: str
    git: Mapping[str, GitEntry]
    entries: Mapping[str, Entry]

    @property
    def keeps_metadata(self) -> bool:
        """Whether this version carries etckeeper's metadata file."""
        return METADATA_PATH in self.git

    @cached_property
    def merged_entries(self) -> Mapping[str, Entry]:
        """The entries that are merged: all but the metadata file, which is derived from them."""
        return {path: entry for path, entry in self.entries.items() if path != METADATA_PATH}

    @cached_property
    def oids(self) -> frozenset[str]:
        """The ids of all contents of this version."""
        return frozenset(entry.oid for entry in self.entries.values())


class Sides:
    """Reads versions from the hub; equal trees are read once for the whole fleet."""

    def __init__(self, hub: Hub, root_accounts: Accounts, *, ownership: bool) -> None:
        """Take the hub to read from.

        Args:
            hub: The open hub.
            root_accounts: The live root's names and ids, for names that a commit does not know.
            ownership: False: owners cannot be set here, so that all entries have uid and gid 0.
        """
        self._hub = hub
        self._root_accounts = root_accounts
        self._ownership = ownership
        self._known: dict[str, Side] = {}

    def side(self, tree: str, live: Live | None = None) -> Side:
        """Return the version that the git tree ``tree`` is.

        Args:
            tree: The id of a root tree.
            live: Metadata of the live tree, used where ``tree`` has no metadata file.
        """
        if live is not None:
            return self._read(tree, live)
        if tree not in self._known:
            self._known[tree] = self._read(tree, {})
        return self._known[tree]

    def _read(self, tree: str, live: Live) -> Side:
        git = self._hub.tree(tree)
        accounts = self._accounts(git)
        metadata = self._metadata(git, accounts, live)
        entries = {ROOT: metadata(ROOT, Kind.DIRECTORY, "", DIRECTORY_MODE)}
        for path, (mode, oid) in git.items():
            if mode == SYMLINK_MODE:
                entries[path] = symlink_entry(oid)
            elif mode == DIRECTORY_MODE:
                entries[path] = metadata(path, Kind.DIRECTORY, "", mode)
            else:
                entries[path] = metadata(path, Kind.FILE, oid, mode)
        for empty in self._metadata_file(git).empty:
            for directory in (empty, *ancestors(empty)):
                if directory not in entries:
                    entries[directory] = metadata(directory, Kind.DIRECTORY, "", DIRECTORY_MODE)
        return Side(tree, git, entries)

    def _metadata(
        self, git: Mapping[str, GitEntry], accounts: Accounts, live: Live
    ) -> Callable[[str, Kind, str, int], Entry]:
        """Return what makes an entry of a path, its kind, its content and its git mode."""
        recorded = self._metadata_file(git)
        of_root = self._root_accounts
        if METADATA_PATH in git:
            live = {}

        def entry(path: str, kind: Kind, oid: str, git_mode: int) -> Entry:
            mode, uid, gid = live.get(path, (_DEFAULT_MODES[git_mode], 0, 0))
            mode = recorded.modes.get(path, mode)
            if (owner := recorded.owners.get(path)) is not None:
                uid = _first(accounts.uid(owner), of_root.uid(owner))
            if (group := recorded.groups.get(path)) is not None:
                gid = _first(accounts.gid(group), of_root.gid(group))
            return Entry(kind, oid, mode, *((uid, gid) if self._ownership else (0, 0)))

        return entry

    def _metadata_file(self, git: Mapping[str, GitEntry]) -> Metadata:
        found = git.get(METADATA_PATH)
        return Metadata() if found is None else parse(self._hub.blob(found.oid))

    def _accounts(self, git: Mapping[str, GitEntry]) -> Accounts:
        passwd, group = (
            self._hub.blob(git[name].oid) if name in git else b"" for name in ("passwd", "group")
        )
        return parse_accounts(passwd, group)


def _first(*ids: int | None) -> int:
    """Return the first id that is known; an owner whom nobody knows counts as root."""
    return next((number for number in ids if number is not None), 0)


def git_mode(entry: Entry) -> int:
    """Return the mode under which git records a file or a link."""
    if entry.kind is Kind.SYMLINK:
        return SYMLINK_MODE
    return EXECUTABLE_MODE if entry.mode & 0o100 else FILE_MODE
