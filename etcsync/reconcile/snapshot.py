"""One client's three versions: base, ours and theirs, and what was recorded before."""

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from etcsync.config import Client
from etcsync.entries import Entry, FileRecord, Kind, ancestors
from etcsync.errors import TreeError
from etcsync.hub.failures import damaged
from etcsync.hub.hub import Commit, GitEntry, base_ref, branch_ref, pending_ref
from etcsync.hub.index_file import Index, read_index
from etcsync.hub.objects import DIRECTORY_MODE, SYMLINK_MODE
from etcsync.hub.worktree import gitfile_content, index_path
from etcsync.plan.model import HoldReason
from etcsync.plan.model import Sides as PlanSides
from etcsync.policy.policy import Policy
from etcsync.policy.rules import fill_seed
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.messages import UPSTREAM_TRAILER, BaseRecord, parse_base_message, trailer
from etcsync.tree.beneath import open_tree
from etcsync.tree.scan import scan
from etcsync.tree.scanned import Known, Limits, Scan

GitTree = Mapping[str, GitEntry | FileRecord]


@dataclass(frozen=True)
class Recorded:
    """What the hub says of a client before a run.

    Attributes:
        branch: The head of its recorded history, or None.
        git: That commit's files and links.
        records: What the index remembers: a cache of what files held in which state.
        index: The index itself, where it describes that commit.
        base_commit: The base commit, or None before the first reconciliation.
        base_time: When the base commit was made.
        base: The base version.
        record: What the base commit's message says.
        pending: A result commit whose application had begun when a run was killed, or None.
    """

    branch: str | None
    git: GitTree
    records: Mapping[str, FileRecord]
    index: Index | None
    base_commit: str | None
    base_time: datetime | None
    base: Mapping[str, Entry]
    record: BaseRecord
    pending: Commit | None


@dataclass(frozen=True)
class Snapshot:
    """Everything that planning for one client starts from."""

    client: Client
    tree_path: str
    policy: Policy
    recorded: Recorded
    scan: Scan
    sides: PlanSides
    gitfile_intact: bool


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


def take_snapshot(cluster: Cluster, client: Client, refs: Refs) -> Snapshot:
    """Look at one client's tree and at what the hub has of it; write nothing.

    Args:
        cluster: The open cluster.
        client: The client.
        refs: The hub's refs, the client's among them.

    Raises:
        TreeError: The tree is missing or cannot be read, or the client was never set up.
        HubError: The hub is damaged.
    """
    recorded = read_recorded(cluster, client, refs)
    policy = cluster.policy(client)
    tree_path = cluster.settings.tree_path(client.name)
    found = scan_tree(cluster, client, recorded.records, (recorded.base, recorded.git))
    ours = {**found.entries, **_unseen(recorded, found)}
    creating = recorded.base_commit is None and (
        recorded.pending is not None or set(found.entries) <= {"."}
    )
    if recorded.base_commit is not None and len(found.entries) == 1 and len(recorded.git) > 1:
        raise TreeError(
            f"{tree_path} is empty, though {len(recorded.git)} files were recorded in it",
            hint="Is its file system mounted? If it was emptied on purpose: "
            f"`etcsync client remove {client.name}` and `etcsync client add {client.name}`.",
        )
    sides = PlanSides(
        base=_effective_base(cluster, recorded, found),
        ours=ours,
        theirs=cluster.theirs.entries,
        unmanaged=found.unmanaged,
        hidden=frozenset(found.hidden),
        creating=creating,
        seeds=_seeds(cluster, client, policy) if creating else {},
        mirror=cluster.mirror_source(policy),
        mirrored=found.mirrored,
        contested={
            held.path: held.detail
            for held in recorded.record.holds
            if held.reason == HoldReason.CONTESTED.value
        },
    )
    gitfile = gitfile_content(cluster.settings.hub_path, client.name)
    return Snapshot(client, tree_path, policy, recorded, found, sides, found.gitfile == gitfile)


def with_contested(snapshot: Snapshot, contested: Mapping[str, str]) -> Snapshot:
    """Return a snapshot with further paths that are contested, each with the reason."""
    sides = snapshot.sides
    return replace(snapshot, sides=replace(sides, contested={**contested, **sides.contested}))


def scan_tree(
    cluster: Cluster,
    client: Client,
    records: Mapping[str, FileRecord],
    known: Sequence[Mapping[str, Entry | GitEntry | FileRecord]],
) -> Scan:
    """Walk a client's tree.

    Args:
        cluster: The open cluster.
        client: The client.
        records: What was recorded last: contents in the same state are not read again.
        known: Further versions: no ``.gitignore`` hides their paths, and what is as long as one
            of them is not too long.

    Raises:
        TreeError: The tree is missing or cannot be read.
    """
    paths = frozenset(cluster.theirs.entries).union(*known)
    given = cluster.settings.limits
    limits = Limits(given.max_file_size, until=time.monotonic() + given.max_look_time)

    def longest(path: str) -> int:
        sides = (cluster.theirs.entries, *known)
        oids = {side[path].oid for side in sides if path in side}
        return max(cluster.hub.sizes(oids - {""}).values(), default=0)

    with open_tree(cluster.settings.tree_path(client.name)) as tree:
        return scan(
            tree,
            Known(paths, records, cluster.theirs.oids, longest),
            cluster.policy(client).treatment,
            cluster.hides,
            cluster.allowances.bounded(client.name, cluster.contents.put, cluster.hub.has),
            limits=limits,
            ownership=cluster.ownership,
        )


def read_recorded(cluster: Cluster, client: Client, refs: Refs) -> Recorded:
    """Return what the hub has of ``client``.

    Raises:
        HubError: The hub is damaged.
    """
    hub = cluster.hub
    branch, base_commit = refs.commit(branch_ref(client.name)), refs.commit(base_ref(client.name))
    git: GitTree = {}
    index = None
    records: Mapping[str, FileRecord] = {}
    if branch:
        index = read_index(index_path(cluster.settings.hub_path, client.name))
        records = {} if index is None else index.entries
        if index is not None and index.tree == branch.tree:
            git = index.entries
        else:
            index = None
            tree = hub.tree(branch.tree)
            git = {path: entry for path, entry in tree.items() if entry.mode != DIRECTORY_MODE}
    base: Mapping[str, Entry] = {}
    record = BaseRecord("")
    if base_commit:
        base = cluster.sides.side(base_commit.tree).merged_entries
        try:
            record = parse_base_message(base_commit.message)
        except ValueError as error:
            raise damaged(hub.path, f"{base_ref(client.name)}: {error}") from error
    return Recorded(
        branch=branch.oid if branch else None,
        git=git,
        records=records,
        index=index,
        base_commit=base_commit.oid if base_commit else None,
        base_time=base_commit.time if base_commit else None,
        base=base,
        record=record,
        pending=refs.commit(pending_ref(client.name)),
    )


def _unseen(recorded: Recorded, found: Scan) -> dict[str, Entry]:
    """Return what was recorded below places that could not be entered, as if it were still there.

    Nothing is known of what lies under a mount point or in a directory that cannot be read: to
    miss it is not to see it deleted.
    """
    closed = {path for path, entry in found.unmanaged.items() if entry.kind is Kind.OTHER}
    if not closed:
        return {}
    unseen = {}
    for path, entry in recorded.git.items():
        if not closed.isdisjoint(ancestors(path)):
            kind = Kind.SYMLINK if entry.mode == SYMLINK_MODE else Kind.FILE
            known = recorded.base.get(path, Entry(kind, "", entry.mode & 0o777, 0, 0))
            unseen[path] = known._replace(kind=kind, oid=entry.oid)
    directories = (path for path, known in recorded.base.items() if known.kind is Kind.DIRECTORY)
    unseen.update(
        (path, recorded.base[path])
        for path in directories
        if not closed.isdisjoint(ancestors(path))
    )
    return unseen


def _effective_base(cluster: Cluster, recorded: Recorded, found: Scan) -> Mapping[str, Entry]:
    """Return the base, moved on at the paths that a killed run had applied already.

    A pending commit says what a run was about to write. Where the tree has just that, and the run
    had set out to change it, upstream's version counts as applied, as if the run had ended.
    """
    if recorded.pending is None:
        return recorded.base
    hub, sides = cluster.hub, cluster.sides
    commit = recorded.pending
    upstream = trailer(commit.message, UPSTREAM_TRAILER)
    if upstream is None or not hub.has([upstream]):
        return recorded.base
    intended = sides.side(commit.tree)
    before = sides.side(hub.commit(commit.parents[0]).tree).entries if commit.parents else {}
    theirs = sides.side(hub.commit(upstream).tree).merged_entries
    base = dict(recorded.base)
    for path in before.keys() | intended.entries.keys():
        wanted = intended.entries.get(path)
        if wanted != before.get(path) and found.entries.get(path) == wanted:
            if path in theirs:
                base[path] = theirs[path]
            else:
                base.pop(path, None)
    return base


def _seeds(cluster: Cluster, client: Client, policy: Policy) -> dict[str, Entry]:
    """Return what client-owned files of a new tree begin with, as their rules say."""
    values = {"name": client.name, "address": client.address, "mac": client.mac}
    values["uuid"] = uuid.uuid4().hex
    seeds = {}
    absent = {path: Entry(Kind.FILE, "", _seed_mode(path), 0, 0) for path in policy.seeded_paths}
    for path, entry in {**absent, **cluster.theirs.entries}.items():
        treatment = policy.treatment(path)
        seed = treatment.seed
        if treatment.strategy is Strategy.CLIENT and seed and entry.kind is Kind.FILE:
            text = fill_seed(seed, **values)
            seeds[path] = entry._replace(oid=cluster.contents.put(text.encode()))
    return seeds


def _seed_mode(path: str) -> int:
    """Return the mode of a seeded file that upstream lacks; for the machine id as systemd does."""
    return 0o444 if path == "machine-id" else 0o644
