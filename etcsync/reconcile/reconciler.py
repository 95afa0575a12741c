"""The road: fetch, snapshot, plan, apply, record, report; the whole fleet in one go.

`sync_clients` walks it to the end, `plan_clients` stops after the plan. Each step handles all
clients before the next begins, so that work which is equal for many is done once: one fetch, one
reading of upstream's tree, one import of commits, one data sync, one ref transaction.
"""

import os
from collections.abc import Sequence
from dataclasses import replace

from etcsync.config import Client, Settings
from etcsync.errors import EtcsyncError, UpstreamBusyError, UpstreamError
from etcsync.host.transactions import transaction_in_progress
from etcsync.hub.conflict_key import ensure_conflict_key
from etcsync.hub.hub import UPSTREAM_REF, open_hub
from etcsync.hub.rewrite import refuse_rewrite
from etcsync.hub.upstream import fetch_upstream, head_commit, uncommitted
from etcsync.hub.upstream_commit import commit_all
from etcsync.logs import get_logger
from etcsync.reconcile.applying import (
    apply_all,
    discard_all,
    recover_all,
    restore_gitfiles,
    stage_all,
)
from etcsync.reconcile.cluster import Cluster, open_cluster, selected_clients
from etcsync.reconcile.collector import without_collector
from etcsync.reconcile.intervention import Intervention
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.model import Cause, ClientRun, Run
from etcsync.reconcile.options import Advance, SyncOptions
from etcsync.reconcile.recording import record_finished, recording_intents
from etcsync.reconcile.remembering import remember
from etcsync.reconcile.reporting import report
from etcsync.reconcile.rounds import Round, look_and_plan
from etcsync.reconcile.surroundings import repair_server, standing_lines
from etcsync.reconcile.suspensions import forget_ended
from etcsync.reconcile.upstream_writing import settle_promotion
from etcsync.tree.staged import Staged

ROUNDS = 4
"""How often a client is planned anew because its tree changed under the run."""

NO_INTERVENTION = Intervention()

log = get_logger()


def sync_clients(
    settings: Settings, names: Sequence[str], options: SyncOptions, advance: Advance
) -> Run:
    """Bring upstream's head to the clients called ``names``, or to all.

    Raises:
        UsageError: A name is unknown.
        LockError: Another writer did not end in time.
        UpstreamBusyError: A package transaction or git is at work there.
        UpstreamError: Upstream cannot be read, or rewrote its history.
        HubError: The hub is missing or damaged; no tree was written then.
        StateError: It is not known which clients are suspended; no tree was written then.
    """
    clients = selected_clients(settings, names)
    with writer_lock(settings.lock_path, wait=options.wait):
        commit = fetch(settings, options)
        with open_cluster(settings, commit) as cluster:
            forget_ended(settings, cluster.now)
            lines = standing_lines(settings)
            intervention = lines.intervention(Cause.RECONCILE)
            runs = reconcile(cluster, clients, options, advance, intervention)
            server = repair_server(lines, runs)
            return Run(commit, runs, cluster.validators.warnings, server)


def plan_clients(
    settings: Settings, names: Sequence[str], options: SyncOptions, advance: Advance
) -> Run:
    """Return what `sync_clients` would do now; write nothing.

    Raises:
        UsageError: A name is unknown.
        UpstreamError: Upstream cannot be read, or rewrote its history.
        HubError: The hub is missing or damaged.
        StateError: It is not known which clients are suspended.
    """
    clients = selected_clients(settings, names)
    with open_cluster(settings) as cluster:
        known = cluster.hub.refs().get(UPSTREAM_REF)
        if known is not None and not options.accept_rewrite:
            refuse_rewrite(cluster.hub.git, settings.upstream.etc, known, cluster.upstream_commit)
        planned = Round(suspensions=cluster.suspensions)
        intervention = standing_lines(settings).intervention(Cause.RECONCILE)
        with without_collector():
            look_and_plan(cluster, planned, clients, options, advance, intervention)
        runs = planned.runs(clients)
        return Run(cluster.upstream_commit, runs, cluster.validators.warnings)


def fetch(settings: Settings, options: SyncOptions) -> str:
    """Bring upstream's head into the hub and return it; an old hub gets its key, too.

    A promotion that was cut off is completed, or taken back, before.

    Raises:
        UpstreamBusyError: A package transaction or git is at work there.
        UpstreamError: Upstream cannot be read, or rewrote its history.
        HubError: The hub is damaged or cannot be written.
    """
    etc, root = settings.upstream.etc, settings.upstream.root
    settle_promotion(etc, ownership=os.geteuid() == 0)
    busy = transaction_in_progress(root, etc)
    if busy:
        raise UpstreamBusyError(f"upstream is busy: {busy}", hint="Run it again when that is over.")
    if settings.upstream.auto_commit and uncommitted(etc):
        commit_all(root, etc, "Commit what was edited")
    commit = head_commit(etc)
    try:
        fetched = fetch_upstream(
            settings.hub_path, etc, commit, accept_rewrite=options.accept_rewrite
        )
    except UpstreamError:
        _refuse_damaged_hub(settings)
        raise
    if fetched.old != fetched.new:
        log.info("fetched upstream", commit=commit)
    ensure_conflict_key(settings.hub_path)
    return commit


def _refuse_damaged_hub(settings: Settings) -> None:
    """Say so if it is the hub, not upstream, that keeps commits from being fetched.

    Raises:
        HubError: The hub is damaged.
    """
    with open_hub(settings.hub_path) as hub:
        upstream = hub.refs().get(UPSTREAM_REF)
        if upstream is not None:
            hub.tree(hub.commit(upstream).tree)


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
    with without_collector():
        return _reconcile(cluster, clients, options, advance, intervention)


def _reconcile(
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
    cluster.surveys.save()
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
