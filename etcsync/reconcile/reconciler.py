"""Reconciling the whole fleet with upstream, and planning to: what ``sync`` and ``plan`` do.

Upstream's commits are fetched, once; then `etcsync.reconcile.road` is walked for all clients, by
several processes where they are many; at last the server around the trees is put right.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from etcsync.config import Client, Settings
from etcsync.errors import EtcsyncError, UpstreamBusyError, UpstreamError
from etcsync.host.transactions import transaction_in_progress
from etcsync.hub.conflict_key import ensure_conflict_key
from etcsync.hub.hub import UPSTREAM_REF, open_hub
from etcsync.hub.rewrite import refuse_rewrite
from etcsync.hub.upstream import fetch_upstream, head_commit, uncommitted
from etcsync.hub.upstream_commit import commit_all
from etcsync.logs import get_logger
from etcsync.reconcile.boot_lines import BootLines
from etcsync.reconcile.cluster import Cluster, selected_clients
from etcsync.reconcile.collector import without_collector
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.model import Cause, ClientRun, Run, TreeWarning
from etcsync.reconcile.options import Advance, SyncOptions, never
from etcsync.reconcile.road import NO_TRACES, Traces, end_run, traces_of, walk_road
from etcsync.reconcile.rounds import Round, look_and_plan
from etcsync.reconcile.shards import over_fleet, workers_for
from etcsync.reconcile.surroundings import repair_server, standing_lines
from etcsync.reconcile.suspensions import forget_ended
from etcsync.reconcile.upstream_writing import settle_promotion
from etcsync.reconcile.worker import Stop, Target

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
        HubError: The hub is missing or damaged; no tree was written after that was found.
        StateError: It is not known which clients are suspended; no tree was written then.
    """
    clients = selected_clients(settings, names)
    with (
        writer_lock(settings.lock_path, wait=options.wait) as lock,
        workers_for(clients, options.quiet, keep_open=(lock,)) as workers,
    ):
        commit = fetch(settings, options)
        forget_ended(settings, datetime.now(UTC).replace(microsecond=0))
        lines = standing_lines(settings)
        work = _Work(_reconcile, replace(options, stop=never), lines)
        target = Target(settings, commit)
        parts = over_fleet(workers, target, clients, work, advance, options.stop)
        run = _whole(commit, clients, parts)
        end_run(settings, [part.traces for part in parts])
        for part in parts:
            lines.warnings.update(part.line_warnings)
        return replace(run, server=repair_server(lines, run.clients))


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
    with workers_for(clients) as workers:
        target = Target(settings, head_commit(settings.upstream.etc), fetched=False)
        work = _Work(_plan, replace(options, stop=never), standing_lines(settings))
        parts = over_fleet(workers, target, clients, work, advance, options.stop)
        return _whole(target.commit, clients, parts)


@dataclass(frozen=True)
class _Part:
    """What was done for some of the clients.

    Attributes:
        runs: What was done for each of them.
        warnings: See `Run`.
        traces: What it leaves for the end of the run.
        line_warnings: See `BootLines`.
    """

    runs: Sequence[ClientRun]
    warnings: Sequence[TreeWarning] = ()
    traces: Traces = NO_TRACES
    line_warnings: Mapping[str, str] = field(default_factory=dict)


Do = Callable[[Cluster, Sequence[Client], SyncOptions, Advance, BootLines], _Part]


@dataclass(frozen=True)
class _Work:
    """What is done for some clients, and what it goes by."""

    do: Do
    options: SyncOptions
    lines: BootLines
    reads_only = False

    def __call__(
        self, cluster: Cluster, clients: Sequence[Client], advance: Advance, stop: Stop
    ) -> _Part:
        return self.do(cluster, clients, replace(self.options, stop=stop), advance, self.lines)

    def lost(self, _settings: Settings, clients: Sequence[Client], error: EtcsyncError) -> _Part:
        return _Part([ClientRun(client.name, error=error) for client in clients])


def _reconcile(
    cluster: Cluster,
    clients: Sequence[Client],
    options: SyncOptions,
    advance: Advance,
    lines: BootLines,
) -> _Part:
    """Bring upstream's commit to some clients."""
    runs = walk_road(cluster, clients, options, advance, lines.intervention(Cause.RECONCILE))
    return _Part(runs, cluster.validators.warnings, traces_of(cluster), lines.warnings)


def _plan(
    cluster: Cluster,
    clients: Sequence[Client],
    options: SyncOptions,
    advance: Advance,
    lines: BootLines,
) -> _Part:
    """Find out what would be done for some clients."""
    known = cluster.hub.refs().get(UPSTREAM_REF)
    if known is not None and not options.accept_rewrite:
        etc, commit = cluster.settings.upstream.etc, cluster.upstream_commit
        refuse_rewrite(cluster.hub.git, etc, known, commit)
    planned = Round(suspensions=cluster.suspensions)
    intervention = lines.intervention(Cause.RECONCILE)
    with without_collector():
        look_and_plan(cluster, planned, clients, options, advance, intervention)
    return _Part(planned.runs(clients), cluster.validators.warnings)


def _whole(commit: str, clients: Sequence[Client], parts: Sequence[_Part]) -> Run:
    """Return what was done for all clients, in their order."""
    runs = {run.name: run for part in parts for run in part.runs}
    warnings = dict.fromkeys(warning for part in parts for warning in part.warnings)
    return Run(commit, [runs[c.name] for c in clients if c.name in runs], tuple(warnings))


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
