"""From a snapshot to a plan, and what people are told of it."""

import re
from collections.abc import Mapping

from etcsync.entries import GIT_PATH, Entry, Kind
from etcsync.errors import TreeError
from etcsync.plan.keyed import ACCOUNT_FILES
from etcsync.plan.model import Hold, Plan, Refusal
from etcsync.plan.planner import plan
from etcsync.plan.restriction import restricted
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.model import HeldPath, TreeWarning
from etcsync.reconcile.snapshot import Snapshot
from etcsync.tree.account_lock import LOCK_FILE
from etcsync.words import time_text

FEW = 5
"""Deletions that are never taken for a mishap."""


Refused = dict[tuple[str, str], Refusal]
"""By path and blob id, why a content is not to be put in place."""


def plan_snapshot(cluster: Cluster, snapshot: Snapshot, refused: Refused | None = None) -> Plan:
    """Plan for one client, without the contents that are refused.

    The plan of a suspended client does nothing but what was chosen by hand; it tells of drift.
    """
    whole = whole_plan(cluster, snapshot, refused)
    suspended = snapshot.client.name in cluster.suspensions
    return restricted(whole, snapshot.sides.choices.keys()) if suspended else whole


def whole_plan(cluster: Cluster, snapshot: Snapshot, refused: Refused | None = None) -> Plan:
    """Plan for one client as if it were not suspended, without the contents that are refused."""
    return plan(
        snapshot.sides,
        snapshot.policy.treatment,
        cluster.merger,
        client=snapshot.client.name,
        conflict_key=cluster.conflict_key,
        recorded_holds={held.path: held.id for held in snapshot.recorded.record.holds},
        upstream_changes=cluster.upstream_changes(snapshot.sides.base),
        refused=refused or {},
    )


def refuse_mass_deletion(cluster: Cluster, snapshot: Snapshot, planned: Plan) -> None:
    """Stop for this client when more would be deleted, or was deleted, than the settings allow.

    Raises:
        TreeError: The tree lost too much since it was recorded, or too much would be taken away.
    """
    sides = snapshot.sides
    lost = 0
    if not snapshot.as_surveyed:
        # What policy or a .gitignore has come to leave out is still there.
        gone = snapshot.recorded.git.keys() - sides.ours.keys() - sides.unmanaged.keys()
        lost = len(gone - sides.hidden)
    deleted = sum(
        1
        for action in planned.actions
        if action.after is None and action.before and action.before.kind is not Kind.DIRECTORY
    )
    if max(lost, deleted) <= FEW:
        return
    recorded, ours = len(snapshot.recorded.git), _files(sides.ours)
    limit = cluster.settings.limits.max_delete_percent
    for missing, of, what in (
        (
            lost,
            recorded,
            f"{snapshot.tree_path} lost {lost} of the {recorded} files recorded in it",
        ),
        (
            deleted,
            ours,
            f"{deleted} of the {ours} files in {snapshot.tree_path} would be deleted",
        ),
    ):
        if missing > FEW and missing * 100 > of * limit:
            raise TreeError(
                f"{what}, more than limits.max_delete_percent = {limit}; nothing was done",
                hint="If that is meant, run it again with --allow-mass-delete.",
            )


def writes_accounts(planned: Plan) -> bool:
    """Return whether a plan touches a file that useradd(8) and its like rewrite under a lock."""
    return any(action.path in ACCOUNT_FILES for action in planned.writes)


def lock_appears(snapshot: Snapshot, planned: Plan) -> bool:
    """Return whether carrying out a plan will make the lock file of the accounts.

    It does where the file is missing, if policy ignores it, so that it is no drift.
    """
    return (
        writes_accounts(planned)
        and not snapshot.sides.creating
        and snapshot.sides.present(LOCK_FILE) is None
        and snapshot.policy.treatment(LOCK_FILE).strategy is Strategy.IGNORE
    )


def _files(entries: Mapping[str, Entry]) -> int:
    return sum(1 for entry in entries.values() if entry.kind is not Kind.DIRECTORY)


def held_after(cluster: Cluster, snapshot: Snapshot, planned: Plan) -> tuple[HeldPath, ...]:
    """Return what is held once ``planned`` is done, with since when and for which commit."""
    before = {held.path: held for held in snapshot.recorded.record.holds}
    now = time_text(cluster.now)
    held = []
    for hold in planned.holds:
        known = before.get(hold.path)
        same = known if known is not None and known.id == hold.id else None
        held.append(
            HeldPath(
                id=hold.id,
                path=hold.path,
                reason=hold.reason.value,
                detail=same.detail if same and _alike(same, hold) else hold.detail,
                strategy=hold.strategy.value,
                since=known.since if known else now,
                upstream_commit=same.upstream_commit if same else cluster.upstream_commit,
            )
        )
    return tuple(held)


def _alike(known: HeldPath, hold: Hold) -> bool:
    """Return whether two details say the same but for numbers: a validator may tell the time."""
    one, other = (re.sub(r"[0-9]+", "", detail) for detail in (known.detail, hold.detail))
    return one == other


def tree_warnings(snapshot: Snapshot) -> tuple[TreeWarning, ...]:
    """Return what a client has in its tree that cannot be recorded, in path order."""
    warnings = [TreeWarning(w.path, w.kind, w.detail) for w in snapshot.scan.warnings]
    if not snapshot.gitfile_intact and not snapshot.sides.creating:
        warnings.append(
            TreeWarning(
                GIT_PATH,
                "gitfile",
                "does not lead to the hub; the next sync that writes restores it",
            )
        )
    return tuple(sorted(warnings, key=lambda warning: warning.path))
