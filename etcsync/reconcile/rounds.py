"""One pass over the fleet: what was seen, planned and intended for each client."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from etcsync.config import Client
from etcsync.errors import EtcsyncError, TreeError
from etcsync.logs import get_logger
from etcsync.plan.model import Plan
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.errors import client_error
from etcsync.reconcile.intent import Intent, intend
from etcsync.reconcile.intervention import Intervention, with_choices
from etcsync.reconcile.model import ClientRun
from etcsync.reconcile.options import Advance, SyncOptions
from etcsync.reconcile.planning import plan_snapshot, refuse_mass_deletion, tree_warnings
from etcsync.reconcile.record import Commits
from etcsync.reconcile.recorded import read_refs
from etcsync.reconcile.snapshot import take_snapshot, with_contested
from etcsync.reconcile.suspensions import Suspensions
from etcsync.reconcile.validating import Planned, validated

log = get_logger()


@dataclass
class Round:
    """The state of one pass, filled step by step; all maps are by client name.

    Attributes:
        intents: What is to be done and recorded for each client that can be worked on.
        commits: The commits that were written for it.
        errors: Why a client is left alone from here on.
        raced: Clients whose tree changed under the run: they are planned again.
        left: Clients that are left to the next run, because this one is to end.
        unsettled: Paths that were written and that the client may have changed again since.
        looks: When its tree was looked at; see `ClientRun`.
        look_seconds: How long the first look took.
        suspensions: Which clients are suspended.
    """

    intents: dict[str, Intent] = field(default_factory=dict)
    commits: dict[str, Commits] = field(default_factory=dict)
    errors: dict[str, EtcsyncError] = field(default_factory=dict)
    raced: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    unsettled: dict[str, frozenset[str]] = field(default_factory=dict)
    looks: dict[str, list[float]] = field(default_factory=dict)
    look_seconds: dict[str, float] = field(default_factory=dict)
    suspensions: Suspensions = field(default_factory=dict)

    def fail(self, name: str, error: EtcsyncError | OSError) -> None:
        """Leave a client alone from here on; the others go on."""
        self.errors[name] = client_error(error)
        log.warning("client failed", client=name, error=self.errors[name].message)

    @contextmanager
    def looking(self, name: str) -> Iterator[None]:
        """Note that a client's tree is looked at while the block runs."""
        begun = time.monotonic()
        self.looks.setdefault(name, []).append(begun)
        try:
            yield
        finally:
            self.look_seconds.setdefault(name, time.monotonic() - begun)

    def going_on(self) -> list[tuple[str, Intent]]:
        """Return the clients that nothing has gone wrong with."""
        return [
            (name, intent)
            for name, intent in self.intents.items()
            if name not in self.errors and name not in self.raced and name not in self.left
        ]

    def runs(self, clients: Sequence[Client]) -> list[ClientRun]:
        """Return what people are told, in the order of ``clients``; not of those left."""
        return [self._run(client.name) for client in clients if client.name not in self.left]

    def _run(self, name: str) -> ClientRun:
        error = self.errors.get(name)
        intent = self.intents.get(name)
        looks, seconds = tuple(self.looks.get(name, ())), self.look_seconds.get(name, 0.0)
        if intent is None:
            suspended = self.suspensions.get(name)
            return ClientRun(
                name, error=error, suspended=suspended, looks=looks, look_seconds=seconds
            )
        recorded = intent.snapshot.recorded
        done = error is None and name not in self.raced
        commits = self.commits.get(name)
        return ClientRun(
            name,
            commit=(commits.head if commits else None) or recorded.branch,
            error=error,
            actions=intent.plan.actions if done else (),
            conflicts=intent.record.holds if done else recorded.record.holds,
            warnings=tree_warnings(intent.snapshot),
            suspended=self.suspensions.get(name),
            chosen=tuple(intent.snapshot.sides.choices),
            unmet=intent.plan.unmet,
            drift=intent.plan.drift if done else (),
            unsettled=self.unsettled.get(name, frozenset()),
            looks=looks,
            look_seconds=seconds,
        )


def look_and_plan(
    cluster: Cluster,
    current: Round,
    clients: Sequence[Client],
    options: SyncOptions,
    advance: Advance,
    intervention: Intervention,
) -> None:
    """Snapshot, plan and validate for every client nothing has gone wrong with; write nothing.

    Where the command that this is part of makes choices, a client is planned again with them.

    Raises:
        HubError: The hub is damaged.
    """
    planned = _planned(cluster, current, clients, options, advance)
    plans = validated(cluster, planned)
    if chosen := _chosen(cluster, planned, plans, intervention):
        planned |= chosen
        plans |= validated(cluster, chosen)
    for name, plan in plans.items():
        snapshot = planned[name].snapshot
        try:
            if not options.allow_mass_delete:
                refuse_mass_deletion(cluster, snapshot, plan)
            current.intents[name] = intend(
                cluster, snapshot, plan, suspended=name in cluster.suspensions
            )
        except (TreeError, OSError) as error:
            current.fail(name, error)


def _planned(
    cluster: Cluster,
    current: Round,
    clients: Sequence[Client],
    options: SyncOptions,
    advance: Advance,
) -> dict[str, Planned]:
    """Return snapshot and plan of every client nothing has gone wrong with; none, where to stop."""
    planned = {}
    going_on = [client for client in clients if client.name not in current.errors]
    refs = read_refs(cluster, going_on)
    for done, client in enumerate(going_on):
        advance("look", done, len(going_on))
        if options.stop():
            current.left.update(each.name for each in clients)
            return {}
        try:
            with current.looking(client.name):
                quiet = client.name in options.quiet
                snapshot = take_snapshot(cluster, client, refs, quiet=quiet)
            if contested := options.contested.get(client.name):
                snapshot = with_contested(snapshot, contested)
            planned[client.name] = Planned(snapshot, plan_snapshot(cluster, snapshot))
        except (TreeError, OSError) as error:
            current.fail(client.name, error)
    advance("look", len(going_on), len(going_on))
    return planned


def _chosen(
    cluster: Cluster,
    planned: Mapping[str, Planned],
    plans: Mapping[str, Plan],
    intervention: Intervention,
) -> dict[str, Planned]:
    """Return the clients for which choices are made, planned with them."""
    so_far = {name: before._replace(plan=plans[name]) for name, before in planned.items()}
    chosen = {}
    for name, choices in intervention.choose(cluster, so_far).items():
        snapshot = with_choices(planned[name].snapshot, choices)
        chosen[name] = Planned(snapshot, plan_snapshot(cluster, snapshot))
    return chosen
