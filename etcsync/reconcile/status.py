"""The state of every client, read from the live trees; nothing is written.

No validator is run: what was held when the record was made is known from there.
"""

from collections.abc import Callable, Sequence

from etcsync.config import Client, Settings
from etcsync.errors import TreeError
from etcsync.hub.upstream import UpstreamState, read_upstream
from etcsync.plan.model import Act, Change, Difference, difference
from etcsync.reconcile.cluster import Cluster, open_cluster, selected_clients
from etcsync.reconcile.collector import without_collector
from etcsync.reconcile.daemon_state import daemon_state
from etcsync.reconcile.errors import client_error
from etcsync.reconcile.model import ClientStatus, ClusterStatus
from etcsync.reconcile.planning import plan_snapshot, tree_warnings
from etcsync.reconcile.recorded import read_refs
from etcsync.reconcile.snapshot import Snapshot, snapshots_of
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
    upstream = read_upstream(settings.upstream.etc, settings.upstream.root)
    with open_cluster(settings) as cluster, without_collector():
        return read_status(cluster, upstream, clients)


def read_status(
    cluster: Cluster,
    upstream: UpstreamState,
    clients: Sequence[Client],
    visit: Visit = lambda _snapshot, _status: None,
) -> ClusterStatus:
    """Return the state of upstream and of ``clients``; each tree is read once.

    Args:
        cluster: The open cluster.
        upstream: What upstream's repository says of itself.
        clients: The clients.
        visit: Is shown each client whose tree could be read, one at a time: a fleet's snapshots
            need not fit into memory together.

    Raises:
        HubError: The hub is damaged.
    """
    etc = cluster.settings.upstream.etc
    with snapshots_of(cluster, clients, read_refs(cluster, clients)) as snapshot_of:
        states = [_client_status(cluster, client, snapshot_of, visit) for client in clients]
    return ClusterStatus(
        upstream_path=etc,
        upstream_commit=cluster.upstream_commit,
        uncommitted=upstream.uncommitted,
        leftovers=left_overs(cluster.live),
        busy=upstream.busy,
        clients=states,
        daemon=daemon_state(cluster.settings),
    )


def _client_status(
    cluster: Cluster, client: Client, snapshot_of: Callable[[Client], Snapshot], visit: Visit
) -> ClientStatus:
    tree_path = cluster.settings.tree_path(client.name)
    suspended = cluster.suspensions.get(client.name)
    try:
        snapshot = snapshot_of(client)
    except (TreeError, OSError) as error:
        return ClientStatus(client.name, tree_path, suspended=suspended, error=client_error(error))
    plan = plan_snapshot(cluster, snapshot)
    record = snapshot.recorded.record
    held = {each.path for each in record.holds}
    heals = (_healable(snapshot, a.path) for a in plan.actions if a.act is Act.HEAL)
    drift = (each for each in (*plan.drift, *heals) if each.path not in held)
    status = ClientStatus(
        name=client.name,
        tree=tree_path,
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
