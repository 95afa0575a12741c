"""What the hub says of a client before a run: its history's head, its base, and what was found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from etcsync.config import Client
from etcsync.entries import METADATA_PATH, Entry, FileRecord, Kind
from etcsync.hub.failures import damaged
from etcsync.hub.hub import Commit, GitEntry, Hub, base_ref, branch_ref, pending_ref
from etcsync.hub.index_file import Index, read_index, read_records
from etcsync.hub.objects import DIRECTORY_MODE
from etcsync.hub.worktree import gitfile_content, index_path
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.messages import BaseRecord, parse_base_message
from etcsync.reconcile.sides import git_mode
from etcsync.reconcile.surveys import Survey
from etcsync.tree.scanned import Scan

GitTree = Mapping[str, GitEntry | FileRecord]


@dataclass(frozen=True)
class Recorded:
    """What the hub says of a client before a run.

    Attributes:
        client: The client's name.
        head: The newest commit of its recorded history, or None.
        base_commit: The base commit, or None before the first reconciliation.
        base_time: When the base commit was made.
        base: The base version.
        record: What the base commit's message says.
        pending: A result commit whose application had begun when a run was killed, or None.
        survey: What was found in the tree when all of it was recorded; None if that is not known.
        hub: Where the rest is read from, when it is asked for.
    """

    client: str
    head: Commit | None
    base_commit: str | None
    base_time: datetime | None
    base: Mapping[str, Entry]
    record: BaseRecord
    pending: Commit | None
    survey: Survey | None
    hub: Hub

    @property
    def branch(self) -> str | None:
        """The id of the head."""
        return None if self.head is None else self.head.oid

    @cached_property
    def surveyed(self) -> Scan | None:
        """What the survey says."""
        if self.survey is None:
            return None
        return self.survey.restore(self.base, gitfile_content(self.hub.path, self.client))

    @cached_property
    def git(self) -> GitTree:
        """The head's files and links."""
        if self.survey is not None and self.surveyed is not None:
            files = {
                path: GitEntry(git_mode(entry), entry.oid)
                for path, entry in self.surveyed.entries.items()
                if entry.kind is not Kind.DIRECTORY
            }
            files.pop(METADATA_PATH, None)
            if self.survey.metadata is not None:
                files[METADATA_PATH] = GitEntry(*self.survey.metadata)
            return files
        if self.head is None:
            return {}
        if self.index is not None:
            return self.index.entries
        tree = self.hub.tree(self.head.tree)
        return {path: entry for path, entry in tree.items() if entry.mode != DIRECTORY_MODE}

    @property
    def metadata(self) -> GitEntry | None:
        """The head's metadata file."""
        if self.survey is not None:
            return None if self.survey.metadata is None else GitEntry(*self.survey.metadata)
        known = self.git.get(METADATA_PATH)
        return None if known is None else GitEntry(known.mode, known.oid)

    @property
    def index(self) -> Index | None:
        """The index, where it describes the head's tree."""
        index = self._any_index
        return index if index is not None and self.head and index.tree == self.head.tree else None

    @property
    def records(self) -> Mapping[str, FileRecord]:
        """What the index remembers: a cache of what files held in which state."""
        if self.survey is not None:  # it says most of that; little will be asked for
            return read_records(index_path(self.hub.path, self.client))
        return {} if self._any_index is None else self._any_index.entries

    @property
    def _any_index(self) -> Index | None:
        """The index; where the survey says most of what it does, it is not kept in memory."""
        return self._kept_index if self.survey is None else self._read_index()

    @cached_property
    def _kept_index(self) -> Index | None:
        return self._read_index()

    def _read_index(self) -> Index | None:
        return None if self.head is None else read_index(index_path(self.hub.path, self.client))


@dataclass(frozen=True)
class Refs:
    """The hub's refs and the commits that they name, read once for the fleet."""

    refs: Mapping[str, str]
    commits: Mapping[str, Commit]

    def commit(self, ref: str) -> Commit | None:
        """Return the commit that a ref names, or None where there is no such ref."""
        oid = self.refs.get(ref)
        return None if oid is None else self.commits[oid]


def read_refs(cluster: Cluster, clients: Iterable[Client]) -> Refs:
    """Return the refs of ``clients``.

    Raises:
        HubError: The hub is damaged.
    """
    refs = cluster.hub.refs()
    kinds = (branch_ref, base_ref, pending_ref)
    wanted = [kind(client.name) for client in clients for kind in kinds]
    return Refs(refs, cluster.hub.commits(refs[ref] for ref in wanted if ref in refs))


def read_recorded(cluster: Cluster, client: Client, refs: Refs) -> Recorded:
    """Return what the hub has of ``client``.

    Raises:
        HubError: The hub is damaged.
    """
    hub = cluster.hub
    head, base_commit = refs.commit(branch_ref(client.name)), refs.commit(base_ref(client.name))
    pending = refs.commit(pending_ref(client.name))
    base: Mapping[str, Entry] = {}
    record = BaseRecord("")
    survey = None
    if base_commit:
        base = cluster.sides.side(base_commit.tree).merged_entries
        try:
            record = parse_base_message(base_commit.message)
        except ValueError as error:
            raise damaged(hub.path, f"{base_ref(client.name)}: {error}") from error
    if head is not None and base_commit is not None and pending is None:
        survey = cluster.surveys.of(client)
        if survey and (survey.branch, survey.base) != (head.oid, base_commit.oid):
            survey = None
    return Recorded(
        client=client.name,
        head=head,
        base_commit=base_commit.oid if base_commit else None,
        base_time=base_commit.time if base_commit else None,
        base=base,
        record=record,
        pending=pending,
        survey=survey,
        hub=hub,
    )
