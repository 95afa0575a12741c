"""One client's three versions: base, ours and theirs, and what was recorded before."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from etcsync.config import Client
from etcsync.entries import Entry, Kind, ancestors
from etcsync.errors import TreeError
from etcsync.hub.objects import SYMLINK_MODE
from etcsync.hub.worktree import gitfile_content
from etcsync.plan.model import HoldReason
from etcsync.plan.model import Sides as PlanSides
from etcsync.policy.policy import Policy
from etcsync.policy.rules import fill_seed
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.looking import look
from etcsync.reconcile.messages import UPSTREAM_TRAILER, trailer
from etcsync.reconcile.recorded import Recorded, Refs, read_recorded
from etcsync.tree.scanned import Scan


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

    @property
    def as_surveyed(self) -> bool:
        """Whether the tree is as the survey of an earlier run says."""
        surveyed = self.recorded.surveyed
        return surveyed is not None and surveyed.entries is self.scan.entries


def take_snapshot(cluster: Cluster, client: Client, refs: Refs, *, quiet: bool = False) -> Snapshot:
    """Look at one client's tree and at what the hub has of it; write nothing.

    Args:
        cluster: The open cluster.
        client: The client.
        refs: The hub's refs, the client's among them.
        quiet: The tree is taken to be as it was: where that is remembered, no more is looked at
            than what may be written to.

    Raises:
        TreeError: The tree is missing or cannot be read, or the client was never set up.
        HubError: The hub is damaged.
    """
    recorded = read_recorded(cluster, client, refs)
    policy = cluster.policy(client)
    tree_path = cluster.settings.tree_path(client.name)
    found = look(cluster, client, recorded, quiet=quiet)
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
