"""Commands that decide single paths walk the road towards where each client already is.

They bring nothing new from upstream: a client is reconciled once more with the upstream commit
that it was last reconciled with, and only the choices make a difference.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from etcsync.config import Client, Settings
from etcsync.errors import TreeError
from etcsync.plan.model import LeftOut
from etcsync.reconcile.cluster import Cluster, open_cluster
from etcsync.reconcile.errors import never_reconciled
from etcsync.reconcile.intervention import Intervention
from etcsync.reconcile.model import Cause, ClientRun
from etcsync.reconcile.options import SyncOptions, no_advance
from etcsync.reconcile.records import base_records
from etcsync.reconcile.road import reconcile


def intervene(
    settings: Settings, clients: Iterable[Client], intervention: Intervention, options: SyncOptions
) -> list[ClientRun]:
    """Carry out what ``intervention`` chooses for ``clients``; the lock must be held.

    Clients come in the order given, those that follow the same upstream commit together. For a
    suspended client nothing is decided; but what is to be restored there, is.

    Raises:
        UsageError: The choices cannot be made; no tree has been written.
        TreeError: A client was never reconciled.
        HubError: The hub is missing or damaged.
    """
    runs = []
    for commit, some in by_upstream(settings, tuple(clients)).items():
        with open_cluster(settings, commit) as cluster:
            shut = {} if intervention.cause is Cause.RESTORE else _suspended(cluster, some)
            free = [client for client in some if client.name not in shut]
            done = {
                run.name: run for run in reconcile(cluster, free, options, no_advance, intervention)
            }
            runs += [(shut | done)[client.name] for client in some]
    return runs


def by_upstream(settings: Settings, clients: Sequence[Client]) -> dict[str, list[Client]]:
    """Return the clients by the upstream commit that each was last reconciled with, in order.

    Raises:
        TreeError: A client was never reconciled.
        HubError: The hub is missing or damaged.
    """
    records = base_records(settings, clients)
    by_commit: dict[str, list[Client]] = {}
    for client in clients:
        upstream = records[client.name].upstream if client.name in records else ""
        if not upstream:
            raise never_reconciled(client.name)
        by_commit.setdefault(upstream, []).append(client)
    return by_commit


def _suspended(cluster: Cluster, clients: Iterable[Client]) -> dict[str, ClientRun]:
    """Return what is told of those clients that are suspended."""
    return {
        client.name: ClientRun(
            client.name,
            error=TreeError(
                f"{client.name} is suspended, so nothing was decided for it",
                hint=f"Run `etcsync resume {client.name}`, then this again.",
            ),
            suspended=cluster.suspensions[client.name],
        )
        for client in clients
        if client.name in cluster.suspensions
    }


@dataclass(frozen=True, slots=True)
class PathsRun:
    """What became of the paths that a command was given.

    Attributes:
        run: What was done for the client.
        done: The paths that are now as they were wanted.
        left_out: The others.
    """

    run: ClientRun
    done: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def exit_status(self) -> int:
        """Return 1 when something was left out, else 0."""
        return 1 if self.left_out else 0


def paths_run(run: ClientRun, left_out: Sequence[LeftOut]) -> PathsRun:
    """Tell what became of the paths that ``run`` was to decide, and of those left out before.

    Raises:
        EtcsyncError: The client failed.
    """
    if run.error:
        raise run.error
    unmet = [LeftOut(path, reason) for path, reason in run.unmet]
    kept_out = {each.path for each in unmet}
    done = tuple(path for path in run.chosen if path not in kept_out)
    everything = sorted((*left_out, *unmet), key=lambda each: each.path)
    return PathsRun(run, done, tuple(everything))
