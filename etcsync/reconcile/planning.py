"""From a snapshot to a plan, and what people are told of it."""

from collections.abc import Mapping

from etcsync.entries import GIT_PATH, Entry, Kind
from etcsync.errors import TreeError
from etcsync.plan.model import Plan
from etcsync.plan.planner import plan
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.model import HeldPath, TreeWarning
from etcsync.reconcile.snapshot import Snapshot

FEW = 5
"""Deletions that are never taken for a mishap."""


def plan_snapshot(cluster: Cluster, snapshot: Snapshot) -> Plan:
    """Plan for one client."""
    return plan(
        snapshot.sides,
        snapshot.policy.treatment,
        cluster.merger,
        client=snapshot.client.name,
        recorded_holds={held.path: held.id for held in snapshot.recorded.record.holds},
        upstream_changes=cluster.upstream_changes(snapshot.sides.base),
    )


def refuse_mass_deletion(cluster: Cluster, snapshot: Snapshot, planned: Plan) -> None:
    """Stop for this client when more would be deleted, or was deleted, than the settings allow.

    Raises:
        TreeError: The tree lost too much since it was recorded, or upstream takes too much away.
    """
    ours = _files(snapshot.sides.ours)
    recorded = len(snapshot.recorded.git)
    lost = sum(1 for path in snapshot.recorded.git if path not in snapshot.sides.ours)
    deleted = sum(
        1
        for action in planned.actions
        if action.after is None and action.before and action.before.kind is not Kind.DIRECTORY
    )
    limit = cluster.settings.limits.max_delete_percent
    confirm = f"`etcsync sync {snapshot.client.name} --allow-mass-delete`"
    for gone, of, what in (
        (
            lost,
            recorded,
            f"{snapshot.tree_path} lost {lost} of the {recorded} files recorded in it",
        ),
        (deleted, ours, f"upstream would delete {deleted} of the {ours} files in the tree"),
    ):
        if gone > FEW and gone * 100 > of * limit:
            raise TreeError(
                f"{what}, more than limits.max_delete_percent = {limit}; nothing was done",
                hint=f"If that is meant: {confirm}.",
            )


def _files(entries: Mapping[str, Entry]) -> int:
    return sum(1 for entry in entries.values() if entry.kind is not Kind.DIRECTORY)


def held_after(cluster: Cluster, snapshot: Snapshot, planned: Plan) -> tuple[HeldPath, ...]:
    """Return what is held once ``planned`` is done, with since when and for which commit."""
    before = {held.path: held for held in snapshot.recorded.record.holds}
    now = cluster.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    held = []
    for hold in planned.holds:
        known = before.get(hold.path)
        same = known is not None and known.id == hold.id
        held.append(
            HeldPath(
                id=hold.id,
                path=hold.path,
                reason=hold.reason.value,
                detail=hold.detail,
                strategy=hold.strategy.value,
                since=known.since if known else now,
                upstream_commit=known.upstream_commit
                if known and same
                else cluster.upstream_commit,
            )
        )
    return tuple(held)


def tree_warnings(snapshot: Snapshot) -> tuple[TreeWarning, ...]:
    """Return what a client has in its tree that cannot be recorded, in path order."""
    warnings = [TreeWarning(w.path, w.kind, w.detail) for w in snapshot.scan.warnings]
    if not snapshot.gitfile_intact and not snapshot.sides.creating:
        warnings.append(
            TreeWarning(GIT_PATH, "gitfile", "does not lead to the hub; the next sync restores it")
        )
    return tuple(sorted(warnings, key=lambda warning: warning.path))
