"""What a promotion did or would do, and whom it will meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from etcsync.entries import Entry
from etcsync.errors import TreeError
from etcsync.plan.model import Change, LeftOut, Sides
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.conflicts import ConflictDetails, details_of
from etcsync.reconcile.differences import TreeDifference, describe
from etcsync.reconcile.model import ClientRun
from etcsync.reconcile.planning import held_after
from etcsync.reconcile.promotion_draft import Draft
from etcsync.reconcile.recorded import read_refs
from etcsync.reconcile.snapshot import take_snapshot


@dataclass(frozen=True, slots=True)
class Meeting:
    """Another client that has changed what is promoted: the next sync merges there, or holds."""

    client: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What a promotion did, or would do.

    Attributes:
        client: Whose drift it is.
        promoted: How upstream changes, by path.
        left_out: What differs, or was named, and stays the client's.
        conflicts: What was named and is held: then nothing is promoted.
        meetings: Other clients that have changed the same paths.
        differences: The promoted paths as a diff, where that was asked for.
        commit: Upstream's new commit; None where nothing was written.
        run: The reconciliation of the client that followed.
    """

    client: str
    promoted: Mapping[str, Change]
    left_out: tuple[LeftOut, ...]
    conflicts: tuple[ConflictDetails, ...]
    meetings: tuple[Meeting, ...]
    differences: tuple[TreeDifference, ...] = ()
    commit: str | None = None
    run: ClientRun | None = None

    @property
    def exit_status(self) -> int:
        """0: done; 1: something that was named was left out, or is held; 3: a failure."""
        if self.run is not None and self.run.error is not None:
            return 3
        held = self.conflicts or (self.run is not None and self.run.conflicts)
        return 1 if held or any(each.named for each in self.left_out) else 0

    def done(self, commit: str, run: ClientRun) -> "Promotion":
        """Return the same, once it is done."""
        return replace(self, commit=commit, run=run)


def shown(cluster: Cluster, draft: Draft, *, with_text: bool) -> Promotion:
    """Return what a draft amounts to, for people.

    Args:
        cluster: The open cluster.
        draft: What would be promoted.
        with_text: Whether to make the diff.
    """
    snapshot = draft.snapshot
    held = {each.path: each for each in held_after(cluster, snapshot, draft.plan)}
    conflicts = (held[hold.path] for hold in draft.selection.conflicts)
    entries = draft.selection.entries
    differences = (
        describe(cluster, snapshot, path, snapshot.sides.theirs.get(path), entries[path])
        for path in (draft.summary if with_text else ())
    )
    return Promotion(
        client=snapshot.client.name,
        promoted=draft.summary,
        left_out=draft.selection.left_out,
        conflicts=tuple(details_of(cluster, snapshot, each) for each in conflicts),
        meetings=_meetings(cluster, snapshot.client.name, entries) if entries else (),
        differences=tuple(differences),
    )


def _meetings(
    cluster: Cluster, origin: str, entries: Mapping[str, Entry | None]
) -> tuple[Meeting, ...]:
    """Return the other clients on which the change meets an edit; an unreadable tree tells none."""
    others = [client for client in cluster.settings.clients if client.name != origin]
    refs = read_refs(cluster, others)
    found = []
    for client in others:
        try:
            snapshot = take_snapshot(cluster, client, refs)
        except (TreeError, OSError):
            continue
        reached = [
            path
            for path in entries
            if snapshot.policy.treatment(path).strategy
            not in {Strategy.CLIENT, Strategy.IGNORE, Strategy.UPSTREAM}
        ]
        if met := edits_met(snapshot.sides, entries, reached):
            found.append(Meeting(client.name, met))
    return tuple(found)


def edits_met(
    sides: Sides, entries: Mapping[str, Entry | None], paths: Sequence[str]
) -> tuple[str, ...]:
    """Return those of ``paths`` at which a client has changed what ``entries`` change otherwise."""
    return tuple(
        path for path in paths if sides.present(path) not in (sides.base.get(path), entries[path])
    )
