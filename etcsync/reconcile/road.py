"""The road of some clients: look, plan, write, record, remember, report; all of them in one go.

Each step handles all clients before the next begins, so that work which is equal for many is done
once: one reading of upstream's tree, one import of commits, one data sync, one ref transaction.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from etcsync.config import Client, Settings
from etcsync.errors import EtcsyncError
from etcsync.hub.hub import open_hub
from etcsync.hub.maintenance import pack_if_needed
from etcsync.reconcile.applying import (
    apply_all,
    discard_all,
    recover_all,
    restore_gitfiles,
    stage_all,
)
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.collector import without_collector
from etcsync.reconcile.intervention import Intervention
from etcsync.reconcile.model import Cause, ClientRun
from etcsync.reconcile.options import Advance, SyncOptions
from etcsync.reconcile.recording import record_finished, recording_intents
from etcsync.reconcile.remembering import remember
from etcsync.reconcile.reporting import report
from etcsync.reconcile.rounds import Round, look_and_plan
from etcsync.reconcile.surveys import keep_surveys
from etcsync.tree.staged import Staged

ROUNDS = 4
"""How often a client is planned anew because its tree changed under the run."""

NO_INTERVENTION = Intervention()


def reconcile(
    cluster: Cluster,
    clients: Sequence[Client],
    options: SyncOptions,
    advance: Advance,
    intervention: Intervention = NO_INTERVENTION,
) -> list[ClientRun]:
    """Reconcile ``clients`` with the cluster's upstream commit; one's failure is its own.

    A client that writes while its tree is written to is looked at and planned again.

    Args:
        cluster: The open cluster.
        clients: The clients.
        options: How far the run may go.
        advance: Told how far it is.
        intervention: What the command that this is part of decides by itself.
    """
    runs = walk_road(cluster, clients, options, advance, intervention)
    end_run(cluster.settings, [traces_of(cluster)])
    return runs


class Traces(NamedTuple):
    """What work on some clients leaves for the end of a run.

    Attributes:
        surveys: The surveys that are new; see `Surveys.news`.
        wrote: Whether objects were written to the hub.
    """

    surveys: Mapping[str, bytes]
    wrote: bool


NO_TRACES = Traces({}, wrote=False)


def traces_of(cluster: Cluster) -> Traces:
    """Return what the work with an open cluster has left so far."""
    return Traces(cluster.surveys.news, cluster.hub.wrote)


def end_run(settings: Settings, traces: Iterable[Traces]) -> None:
    """Keep what was found in the trees for the next run, and the hub tidy if it was written to.

    Args:
        settings: The settings.
        traces: What is left of each shard.

    Raises:
        HubError: The hub could not be packed.
    """
    news: dict[str, bytes] = {}
    packs = 0
    for each in traces:
        news |= each.surveys
        packs += each.wrote
    keep_surveys(settings.surveys_path, news)
    if packs:
        with open_hub(settings.hub_path) as hub:
            pack_if_needed(hub, packs_per_run=packs)


def walk_road(
    cluster: Cluster,
    clients: Sequence[Client],
    options: SyncOptions,
    advance: Advance,
    intervention: Intervention = NO_INTERVENTION,
) -> list[ClientRun]:
    """Do as `reconcile` does, but for what `end_run` does once for the whole fleet."""
    with without_collector():
        return _walk(cluster, clients, options, advance, intervention)


def _walk(
    cluster: Cluster,
    clients: Sequence[Client],
    options: SyncOptions,
    advance: Advance,
    intervention: Intervention,
) -> list[ClientRun]:
    for directory in (cluster.settings.reports_path, cluster.settings.cache_path):
        os.makedirs(directory, mode=0o700, exist_ok=True)
    runs: dict[str, ClientRun] = {}
    waiting = clients
    for _ in range(ROUNDS):
        current = Round(suspensions=cluster.suspensions)
        recover_all(cluster, waiting, current, options)
        look_and_plan(cluster, current, waiting, options, advance, intervention)
        restore_gitfiles(cluster, current)
        staged = _stage_and_record(cluster, current, options, intervention.cause)
        written = apply_all(cluster, current, staged, options, advance)
        record_finished(cluster, current, written)
        remember(cluster, current, written)
        report(cluster, current)
        for run in current.runs(waiting):
            runs[run.name] = run if run.name not in runs else runs[run.name].followed_by(run)
        waiting = [client for client in waiting if client.name in current.raced]
        if not waiting or options.stop():
            break
        options = replace(options, quiet=frozenset())
    for client in waiting:
        runs[client.name] = runs[client.name].unfinished()
    return [runs[client.name] for client in clients if client.name in runs]


def _stage_and_record(
    cluster: Cluster, current: Round, options: SyncOptions, cause: Cause
) -> dict[str, Staged]:
    """Stage what the trees are to get while git writes the commits; return it.

    Raises:
        HubError: The hub could not be written, or read; nothing is staged then.
        StateError: What was added to the hub could not be noted; the same.
    """
    staged: dict[str, Staged] = {}
    try:
        with recording_intents(cluster, current, cause):
            staged = stage_all(cluster, current, options)
    except (EtcsyncError, OSError):
        discard_all(staged)
        raise
    return staged
