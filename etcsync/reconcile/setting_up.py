"""The trees of new clients: clones are adopted, trees without history taken, missing ones made."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from etcsync.config import Client, Settings
from etcsync.errors import EtcsyncError, TreeError
from etcsync.hub.hub import base_ref
from etcsync.reconcile.adoption import adopt
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.errors import client_error
from etcsync.reconcile.options import Advance, SyncOptions, never
from etcsync.reconcile.reconciler import fetch
from etcsync.reconcile.road import NO_TRACES, Traces, end_run, traces_of, walk_road
from etcsync.reconcile.shards import over_fleet, workers_for
from etcsync.reconcile.worker import Stop, Target


@dataclass(frozen=True, slots=True)
class ClientSetup:
    """What became of one client.

    Attributes:
        name: The client.
        outcome: ``created``, ``adopted``, ``taken`` (a tree without history), ``managed`` (there
            was nothing to do) or ``failed``.
        error: Why it failed.
    """

    name: str
    outcome: str
    error: EtcsyncError | None = None

    @property
    def error_text(self) -> str | None:
        """What went wrong and what to do, in one line."""
        if self.error is None:
            return None
        return " ".join(filter(None, (f"{self.error.message}.", self.error.hint)))


def set_up_trees(
    settings: Settings, clients: Sequence[Client], lock: int, advance: Advance
) -> list[ClientSetup]:
    """Adopt or create the trees of ``clients``; one client's failure is its own.

    Args:
        settings: The settings.
        clients: The clients.
        lock: The descriptor of the writer's lock, which is held.
        advance: Told how far it is.

    Raises:
        UpstreamError: Upstream cannot be read now.
        HubError: The hub is damaged or cannot be written.
    """
    with workers_for(clients, keep_open=(lock,)) as workers:
        target = Target(settings, fetch(settings, SyncOptions()))
        parts = over_fleet(workers, target, clients, _SettingUp(), advance, never)
    end_run(settings, [part.traces for part in parts])
    done = {each.name: each for part in parts for each in part.clients}
    return [done[client.name] for client in clients]


@dataclass(frozen=True)
class _Part:
    """What became of some clients, and what that leaves for the end of the run."""

    clients: Sequence[ClientSetup]
    traces: Traces = NO_TRACES


class _SettingUp:
    """Adopts or creates the trees of some clients."""

    reads_only = False

    def __call__(
        self, cluster: Cluster, clients: Sequence[Client], advance: Advance, _stop: Stop
    ) -> _Part:
        return _Part(_set_up_some(cluster, clients, advance), traces_of(cluster))

    def lost(self, _settings: Settings, clients: Sequence[Client], error: EtcsyncError) -> _Part:
        return _Part([ClientSetup(client.name, "failed", error) for client in clients])


def _set_up_some(
    cluster: Cluster, clients: Sequence[Client], advance: Advance
) -> list[ClientSetup]:
    outcomes = {}
    new = []
    refs = cluster.hub.refs()
    for number, client in enumerate(clients, 1):
        advance("set up", number, len(clients))
        try:
            outcome = _set_up(cluster, client, managed=base_ref(client.name) in refs)
        except (TreeError, OSError) as error:
            outcomes[client.name] = ClientSetup(client.name, "failed", client_error(error))
            continue
        outcomes[client.name] = ClientSetup(client.name, outcome)
        if outcome == "created":
            new.append(client)
    for run in walk_road(cluster, new, SyncOptions(), advance):
        if run.error:
            outcomes[run.name] = ClientSetup(run.name, "failed", run.error)
    return [outcomes[client.name] for client in clients]


def _set_up(cluster: Cluster, client: Client, *, managed: bool) -> str:
    tree_path = cluster.settings.tree_path(client.name)
    if client.name in cluster.suspensions and not managed:
        raise TreeError(
            f"{client.name} is suspended, so its tree is not set up",
            hint=f"Run `etcsync resume {client.name}`, then this again.",
        )
    try:
        os.mkdir(tree_path, 0o755)
    except FileExistsError:
        pass
    else:
        if managed:
            os.rmdir(tree_path)
            raise TreeError(
                f"{tree_path} is missing, though the hub has its history",
                hint="Is its file system mounted? To begin anew: "
                f"`etcsync client remove {client.name}`, then `etcsync client add {client.name}`.",
            )
        return "created"
    if managed:
        return "managed"
    if adopt(cluster, client):
        return "adopted"
    return "taken" if os.listdir(tree_path) else "created"
