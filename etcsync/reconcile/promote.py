"""Promotion: a client's drift becomes a commit of upstream, and then everybody's.

The story: look at the client and plan as ever; choose what goes; record what the client has; write
upstream, all or none; fetch that like any other commit, and reconcile the client it came from.
"""

from collections.abc import Sequence

from etcsync.config import Client, Settings
from etcsync.errors import UpstreamError, UsageError
from etcsync.hub.promotion import Note, write_commit
from etcsync.hub.upstream_commit import refuse_own_etc
from etcsync.hub.upstream_head import read_head
from etcsync.plan.model import Plan
from etcsync.plan.promotion import Selection
from etcsync.reconcile.administrator import administrator
from etcsync.reconcile.applying import recover_all
from etcsync.reconcile.cluster import Cluster, open_cluster
from etcsync.reconcile.intent import intend
from etcsync.reconcile.intervention import Intervention
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.messages import promote_message
from etcsync.reconcile.model import Cause
from etcsync.reconcile.options import Advance, PromoteOptions, SyncOptions
from etcsync.reconcile.paths import named_path
from etcsync.reconcile.promotion_draft import Draft, draft_promotion
from etcsync.reconcile.promotion_result import Promotion, shown
from etcsync.reconcile.reconciler import fetch
from etcsync.reconcile.recording import record_finished, recording_intents
from etcsync.reconcile.road import reconcile
from etcsync.reconcile.rounds import Round
from etcsync.reconcile.snapshot import Snapshot
from etcsync.reconcile.upstream_writing import Writing, write_upstream


def promote(
    settings: Settings,
    name: str,
    paths: Sequence[str],
    options: PromoteOptions,
    advance: Advance,
) -> Promotion:
    """Bring the drift of the client called ``name`` upstream, entirely or not at all.

    Args:
        settings: The settings.
        name: The client.
        paths: What to promote, directories with all beneath them; none: all that may be.
        options: How.
        advance: Told how far it is.

    Raises:
        UsageError: The client is unknown, or does not differ at one of ``paths``.
        LockError: Another writer did not end in time.
        UpstreamError: Upstream is busy, is on no branch, was rewritten, or has edits that are not
            committed where something would be written.
        TreeError: The client's tree cannot be read.
        HubError: The hub is missing or damaged.
    """
    client = settings.client(name)
    names = tuple(dict.fromkeys(map(named_path, paths)))
    if options.dry_run:
        with open_cluster(settings) as cluster:
            draft = draft_promotion(cluster, client, names)
            _refuse_unknown(client, draft.selection)
            draft.changes(cluster)
            return shown(cluster, draft, with_text=True)
    with writer_lock(settings.lock_path, wait=options.wait):
        with open_cluster(settings, fetch(settings, SyncOptions())) as cluster:
            _recover(cluster, client)
            draft = draft_promotion(cluster, client, names)
            _refuse_unknown(client, draft.selection)
            promotion = shown(cluster, draft, with_text=False)
            if not draft.selection.entries:
                return promotion
            draft.changes(cluster)
            captured = _capture(cluster, draft.snapshot)
            commit = _write(cluster, draft, captured, options.message)
        with open_cluster(settings, fetch(settings, SyncOptions())) as cluster:
            (run,) = reconcile(
                cluster, [client], SyncOptions(), advance, Intervention(Cause.PROMOTE)
            )
            return promotion.done(commit, run)


def _refuse_unknown(client: Client, selection: Selection) -> None:
    if selection.unknown:
        raise UsageError(
            f"{client.name} does not differ from upstream at {', '.join(selection.unknown)}",
            hint=f"`etcsync diff {client.name} --name-status` lists where it does.",
        )


def _recover(cluster: Cluster, client: Client) -> None:
    current = Round()
    recover_all(cluster, [client], current, SyncOptions())
    for error in current.errors.values():
        raise error


def _capture(cluster: Cluster, snapshot: Snapshot) -> str:
    """Record what the client has, and return the commit of its history that does."""
    name = snapshot.client.name
    current = Round()
    current.intents[name] = intend(cluster, snapshot, Plan(), suspended=True)
    with recording_intents(cluster, current, Cause.PROMOTE):
        pass
    record_finished(cluster, current, {})
    commits = current.commits.get(name)
    captured = (commits.head if commits else None) or snapshot.recorded.branch
    assert captured is not None  # noqa: S101 - a client without a history has no drift
    return captured


def _write(cluster: Cluster, draft: Draft, captured: str, text: str) -> str:
    """Write upstream, and return its new commit."""
    etc = cluster.settings.upstream.etc
    client = draft.snapshot.client.name
    refuse_own_etc(etc)
    head = read_head(etc)
    if head.branch is None:
        raise UpstreamError(
            f"the repository of {etc} is on no branch (its HEAD is detached)",
            hint=f"Check a branch out: `git -C {etc} switch BRANCH`.",
        )
    committer = administrator()
    message = promote_message(client, captured, draft.summary, text)
    commit = draft.commit(cluster, message, committer)
    contents = {
        change[1]: cluster.contents.read(change[1])
        for change in commit.changes.values()
        if change is not None
    }
    new = write_commit(head, commit, contents)
    note = Note(head.branch, cluster.upstream_commit, new)
    writing = Writing(
        note,
        commit.changes,
        lambda: draft.changes(cluster),
        cluster.contents.read,
        committer,
        f"etcsync: promote from {client}",
    )
    write_upstream(etc, head, writing, ownership=cluster.ownership)
    return new
