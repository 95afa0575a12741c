"""The state of every client, read from the live trees; nothing is written.

No validator is run: what was held when the record was made is known from there.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from etcsync.config import Client, Settings
from etcsync.errors import EtcsyncError, TreeError
from etcsync.hub.upstream import UpstreamState, read_upstream
from etcsync.plan.model import Act, Change, Difference, difference
from etcsync.reconcile.cluster import Cluster, selected_clients
from etcsync.reconcile.collector import without_collector
from etcsync.reconcile.daemon_state import daemon_state
from etcsync.reconcile.errors import client_error
from etcsync.reconcile.model import ClientStatus, ClusterStatus
from etcsync.reconcile.options import Advance, never, no_advance
from etcsync.reconcile.planning import plan_snapshot, tree_warnings
from etcsync.reconcile.recorded import Refs, read_refs
from etcsync.reconcile.shards import over_fleet, workers_for
from etcsync.reconcile.snapshot import Snapshot, take_snapshot
from etcsync.reconcile.suspensions import Suspension
from etcsync.reconcile.worker import Stop, Target
from etcsync.tree.live import left_overs
from etcsync.words import time_text

Visit = Callable[[Snapshot, ClientStatus], None]


def cluster_status(settings: Settings, names: Sequence[str] = ()) -> ClusterStatus:
    """Return the state of upstream and of the clients called ``names``, or of all.

    Raises:
        UsageError: A name is unknown.
        UpstreamError: Upstream cannot be read.
        HubError: The hub is missing or damaged.
    """
    clients = selected_clients(settings, names)
    with workers_for(clients) as workers:
        upstream = read_upstream(settings.upstream.etc, settings.upstream.root)
        target = Target(settings, upstream.commit, fetched=False)
        parts = over_fleet(workers, target, clients, _Reading(), no_advance, never)
    read = {each.name: each for part in parts for each in part.clients}
    leftovers = next((part.leftovers for part in parts if part.leftovers), ())
    return whole_status(settings, upstream, leftovers, [read[each.name] for each in clients])


class _Part(NamedTuple):
    """What was read of some clients, and what package managers left in upstream."""

    clients: Sequence[ClientStatus]
    leftovers: Sequence[str] = ()


class _Reading:
    """Reads the state of some clients."""

    reads_only = True

    def __call__(
        self, cluster: Cluster, clients: Sequence[Client], _advance: Advance, _stop: Stop
    ) -> _Part:
        with without_collector():
            return _Part(client_statuses(cluster, clients), left_overs(cluster.live))

    def lost(self, settings: Settings, clients: Sequence[Client], error: EtcsyncError) -> _Part:
        return _Part([_unread(settings, client, error) for client in clients])


def client_statuses(
    cluster: Cluster,
    clients: Sequence[Client],
    visit: Visit = lambda _snapshot, _status: None,
) -> list[ClientStatus]:
    """Return the state of each of ``clients``; each tree is read once.

    Args:
        cluster: The open cluster.
        clients: The clients.
        visit: Is shown each client whose tree could be read, one at a time: a fleet's snapshots
            need not fit into memory together.

    Raises:
        HubError: The hub is damaged.
    """
    refs = read_refs(cluster, clients)
    return [_client_status(cluster, client, refs, visit) for client in clients]


def whole_status(
    settings: Settings,
    upstream: UpstreamState,
    leftovers: Sequence[str],
    clients: Sequence[ClientStatus],
) -> ClusterStatus:
    """Return the state of the cluster, whose clients have been read."""
    return ClusterStatus(
        upstream_path=settings.upstream.etc,
        upstream_commit=upstream.commit,
        uncommitted=upstream.uncommitted,
        leftovers=leftovers,
        busy=upstream.busy,
        clients=clients,
        daemon=daemon_state(settings),
    )


def _unread(
    settings: Settings,
    client: Client,
    error: EtcsyncError,
    suspended: Suspension | None = None,
) -> ClientStatus:
    tree_path = settings.tree_path(client.name)
    return ClientStatus(client.name, tree_path, suspended=suspended, error=error)


def _client_status(cluster: Cluster, client: Client, refs: Refs, visit: Visit) -> ClientStatus:
    suspended = cluster.suspensions.get(client.name)
    try:
        snapshot = take_snapshot(cluster, client, refs)
    except (TreeError, OSError) as error:
        return _unread(cluster.settings, client, client_error(error), suspended)
    plan = plan_snapshot(cluster, snapshot)
    record = snapshot.recorded.record
    held = {each.path for each in record.holds}
    heals = (_healable(snapshot, a.path) for a in plan.actions if a.act is Act.HEAL)
    drift = (each for each in (*plan.drift, *heals) if each.path not in held)
    status = ClientStatus(
        name=client.name,
        tree=snapshot.tree_path,
        upstream_commit=record.upstream or None,
        behind=_behind(cluster, record.upstream),
        drift=sorted(drift, key=lambda each: each.path),
        local=[each for each in plan.local if each.path not in held],
        conflicts=record.holds,
        warnings=tree_warnings(snapshot),
        suspended=suspended,
        last_sync=_last_sync(snapshot),
    )
    visit(snapshot, status)
    return status


def _behind(cluster: Cluster, upstream: str) -> int:
    """Return how many upstream commits have not been brought to a client."""
    if not upstream:
        return 1
    if upstream == cluster.upstream_commit:
        return 0
    return max(cluster.hub.count_between(upstream, cluster.upstream_commit), 1)


def _last_sync(snapshot: Snapshot) -> str | None:
    """Return when the client's base last moved: when a reconciliation last had work to do."""
    moved = snapshot.recorded.base_time
    return None if moved is None else time_text(moved)


def _healable(snapshot: Snapshot, path: str) -> Difference:
    """Return a change of the client's that the next reconciliation will put back."""
    ours = snapshot.sides.ours.get(path)
    change = difference(ours, snapshot.sides.theirs.get(path)) or Change.MODIFIED
    return Difference(path, change, snapshot.policy.treatment(path).strategy, ours)
