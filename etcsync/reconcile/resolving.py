"""``resolve``: deciding what is held, on one client or wherever the same is held."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from etcsync.config import Client, Settings
from etcsync.plan.model import Choice, Hold, HoldReason, id_on
from etcsync.reconcile.cluster import Cluster, open_cluster
from etcsync.reconcile.intervening import by_upstream, intervene
from etcsync.reconcile.intervention import Choices, Intervention
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.model import Cause, ClientRun
from etcsync.reconcile.options import SyncOptions, no_advance
from etcsync.reconcile.recorded import read_refs
from etcsync.reconcile.records import base_records, find_held, nothing_held, recorded_held
from etcsync.reconcile.rounds import Round, look_and_plan
from etcsync.reconcile.snapshot import take_snapshot
from etcsync.reconcile.validating import Planned
from etcsync.reconcile.ways import Way, keep_clients, marked, take_upstreams

_FOR_GROUPS = (take_upstreams, keep_clients)
"""The ways that can be taken for all paths of a group at once."""

CHANGED = "The client changed it meanwhile, so that it is another conflict now."


@dataclass(frozen=True, slots=True)
class Resolution:
    """What ``resolve`` came to.

    Attributes:
        path: The path that was to be decided.
        runs: What was done, client by client.
    """

    path: str
    runs: tuple[ClientRun, ...]

    def still_held(self, run: ClientRun) -> str | None:
        """Return why a client still holds the path; None if it does not."""
        if not any(held.path == self.path for held in run.conflicts):
            return None
        return dict(run.unmet).get(self.path, CHANGED)

    @property
    def exit_status(self) -> int:
        """Return 3 when a client failed, 1 when the path is still held on one of them, else 0."""
        if any(run.error for run in self.runs):
            return 3
        return 1 if any(self.still_held(run) for run in self.runs) else 0


def resolve(
    settings: Settings, conflict_id: str, way: Way, *, everywhere: bool, options: SyncOptions
) -> Resolution:
    """Decide the conflict called ``conflict_id`` in one of `etcsync.reconcile.ways`.

    Paths of one group that are held with it are decided the same way, where the way allows it.

    Args:
        settings: The settings.
        conflict_id: The conflict.
        way: The decision.
        everywhere: Decide it on each client that holds the same path with the same three versions,
            also when it is decided already on the client that it was named for.
        options: How far the run may go.

    Raises:
        UsageError: There is no such conflict, or it cannot be decided in this way.
        TreeError: The client was never reconciled.
        LockError: Another writer did not end in time.
    """
    with writer_lock(settings.lock_path, wait=options.wait):
        named, path = _named(settings, conflict_id, everywhere=everywhere, options=options)
        clients = [named]
        if everywhere:
            clients = sorted(_holding(settings, path), key=lambda client: client != named)
        decision = _Decision(conflict_id, named.name, way)
        runs = intervene(settings, clients, Intervention(Cause.RESOLVE, decision.choices), options)
    alike = (run for run in runs if run.name == named.name or run.chosen or run.error)
    return Resolution(path, tuple(alike))


def text_to_edit(settings: Settings, conflict_id: str) -> bytes:
    """Return the text in which a person can merge a conflict by hand; write nothing.

    Raises:
        UsageError: There is no such conflict, or there are no lines to be merged.
    """
    client, held = find_held(settings, conflict_id)
    record = base_records(settings, [client])[client.name]
    with open_cluster(settings, record.upstream) as cluster:
        snapshot = take_snapshot(cluster, client, read_refs(cluster, [client]))
        hold = Hold(
            id=held.id,
            path=held.path,
            reason=HoldReason(held.reason),
            detail=held.detail,
            base=snapshot.sides.base.get(held.path),
            ours=snapshot.sides.ours.get(held.path),
            theirs=snapshot.sides.theirs.get(held.path),
            strategy=snapshot.policy.treatment(held.path).strategy,
        )
        return marked(cluster, hold)


def _named(
    settings: Settings, conflict_id: str, *, everywhere: bool, options: SyncOptions
) -> tuple[Client, str]:
    """Return the client and the path that ``conflict_id`` names.

    What is to be decided everywhere may be decided already on that client, because a call was
    killed before it came to the others.

    Raises:
        UsageError: No conflict is called so.
    """
    if found := recorded_held(settings, conflict_id):
        client, held = found
        return client, held.path
    holding = list(_holding(settings)) if everywhere else []
    for commit, clients in by_upstream(settings, holding).items():
        with open_cluster(settings, commit) as cluster:
            planned = Round(suspensions=cluster.suspensions)
            look_and_plan(cluster, planned, clients, options, no_advance, Intervention())
            plans = [intent.plan for intent in planned.intents.values()]
            holds = {(h.path, h.base, h.ours, h.theirs): h for each in plans for h in each.holds}
            for hold, client in itertools.product(holds.values(), settings.clients):
                if id_on(cluster.conflict_key, client.name, hold) == conflict_id:
                    return client, hold.path
    raise nothing_held(conflict_id)


def _holding(settings: Settings, path: str | None = None) -> Iterator[Client]:
    """Yield the clients on which the path, or anything at all, is held."""
    records = base_records(settings, settings.clients)
    for client in settings.clients:
        record = records.get(client.name)
        if record and any(path in {None, held.path} for held in record.holds):
            yield client


@dataclass(frozen=True, slots=True)
class _Decision:
    """One decision, to be taken on each client where the same is held.

    Attributes:
        conflict_id: What the conflict is called on the client that it was named for.
        client: That client's name.
        way: How it is decided.
    """

    conflict_id: str
    client: str
    way: Way

    def choices(self, cluster: Cluster, planned: Mapping[str, Planned]) -> Mapping[str, Choices]:
        found = {}
        for name, each in planned.items():
            for hold in each.plan.holds:
                if id_on(cluster.conflict_key, self.client, hold) == self.conflict_id:
                    found[name] = self._with_group(cluster, each, hold)
        return found

    def _with_group(self, cluster: Cluster, planned: Planned, decided: Hold) -> dict[str, Choice]:
        treatment = planned.snapshot.policy.treatment
        group = treatment(decided.path).group
        return {
            hold.path: self.way(cluster, hold)
            for hold in planned.plan.holds
            if hold is decided
            or (group and treatment(hold.path).group == group and self.way in _FOR_GROUPS)
        }
