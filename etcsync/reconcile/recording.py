"""The hub's part of a round: commits before any tree is written, refs when it is done.

Two ref transactions frame the writing. The first moves every branch to its capture and sets
``refs/etcsync/pending``: whatever happens from here on, what the clients had is in history, and
what was about to be written is known. Where a run was cut off before, the base moves to what that
one had reached. The second moves branch and base to the result and drops the
pending ref. A client whose plan writes nothing needs the second only. A suspended client's pending
ref stays as it is: what it says holds true until the client is written to as usual again, and what
an administrator has written into its tree meanwhile is no part of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from etcsync.entries import METADATA_PATH, FileRecord, Kind, StatKey
from etcsync.hub.hub import RefUpdate, base_ref, branch_ref, pending_ref
from etcsync.hub.index_file import UNKNOWN_STAT, Index, patch_index, write_index
from etcsync.hub.maintenance import clean_up
from etcsync.hub.objects import EXECUTABLE_MODE
from etcsync.hub.refs import turn
from etcsync.hub.worktree import ensure_worktree, index_path
from etcsync.logs import get_logger
from etcsync.plan.model import Act, result_tree
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.intent import Intent, recorded_as
from etcsync.reconcile.model import Cause
from etcsync.reconcile.record import Commits, Recorder
from etcsync.reconcile.rounds import Round
from etcsync.reconcile.sides import git_mode

log = get_logger()

StatsAfter = Mapping[str, StatKey]
"""What apply put in place: stat identities by path."""


@contextmanager
def recording_intents(cluster: Cluster, current: Round, cause: Cause) -> Iterator[None]:
    """Have git write the commits of all clients while the block runs, which writes to no tree.

    When it is left, captures and pending plans are known.

    Args:
        cluster: The open cluster.
        current: The round.
        cause: What the results are recorded under.

    Raises:
        HubError: The hub could not be written; no tree has been touched.
        StateError: What was added to it could not be noted; no tree has been touched.
    """
    for content in cluster.merger.contents.values():
        cluster.contents.put(content)
    recorded = {name: intent for name, intent in current.going_on() if intent.anything}
    if not recorded:
        yield
        return
    with turn(cluster.hub.path):
        clean_up(cluster.hub)
    with cluster.hub.importer() as importer:
        recorder = Recorder(cluster, importer)
        marks = {name: recorder.write(intent, cause) for name, intent in recorded.items()}
        importer.flush()
        yield
        ids = importer.finish()
    with turn(cluster.hub.path):
        cluster.allowances.charge({name: intent.added for name, intent in recorded.items()})
    for name, mark in marks.items():
        current.commits[name] = mark.commits(ids)
    cluster.hub.update_refs(
        update
        for name, intent in recorded.items()
        if intent.writes_tree
        for update in _begin(name, intent, current.commits[name])
    )


def _begin(name: str, intent: Intent, commits: Commits) -> Iterator[RefUpdate]:
    recorded = intent.snapshot.recorded
    if commits.capture:
        yield RefUpdate(branch_ref(name), commits.capture, recorded.branch)
    if commits.result and not intent.suspended:
        yield RefUpdate(pending_ref(name), commits.result, _pending(intent))
    if commits.reached and commits.reached != recorded.base_commit:
        yield RefUpdate(base_ref(name), commits.reached, recorded.base_commit)


def record_finished(cluster: Cluster, current: Round, stats: Mapping[str, StatsAfter]) -> None:
    """Move branches and bases to what the trees are now, all clients in one transaction.

    Raises:
        HubError: The hub could not be written; the next run finds the pending plans done.
    """
    finished = [(name, intent) for name, intent in current.going_on() if name in current.commits]
    cluster.hub.update_refs(
        update for name, intent in finished for update in _end(name, intent, current.commits[name])
    )
    written = (current.commits[name].head for name, _ in finished)
    heads = cluster.hub.commits(head for head in written if head is not None)
    for name, intent in finished:
        head = current.commits[name].head
        if head is None:
            ensure_worktree(cluster.hub, name, intent.snapshot.tree_path)
        else:
            _write_index(cluster, name, intent, heads[head].tree, stats.get(name, {}))
        log.info("recorded", client=name, actions=len(intent.plan.actions))


def _end(name: str, intent: Intent, commits: Commits) -> Iterator[RefUpdate]:
    recorded = intent.snapshot.recorded
    before, pending = recorded.branch, _pending(intent)
    if intent.writes_tree:
        before, pending = commits.capture or before, commits.result or pending
    if commits.head and commits.head != before:
        yield RefUpdate(branch_ref(name), commits.head, before)
    base_before = commits.reached or recorded.base_commit
    base = commits.base or recorded.base_commit
    if base and base != base_before:
        yield RefUpdate(base_ref(name), base, base_before)
    if pending and not intent.suspended:
        yield RefUpdate(pending_ref(name), None, pending)


def _pending(intent: Intent) -> str | None:
    pending = intent.snapshot.recorded.pending
    return None if pending is None else pending.oid


def _write_index(
    cluster: Cluster, name: str, intent: Intent, tree: str, written: StatsAfter
) -> None:
    """Describe the tree in the client's index, for the next run and for git on the server.

    Where the index can be patched, all else that git needs has been there since it was written.
    """
    snapshot = intent.snapshot
    place = index_path(cluster.hub.path, name)
    head = snapshot.recorded.head
    if snapshot.recorded.survey is not None and head is not None:
        changed = _changed_records(intent, written)
        if changed is not None and patch_index(place, head.tree, tree, changed):
            return
    ensure_worktree(cluster.hub, name, snapshot.tree_path)
    before = snapshot.recorded.index
    entries = _index_entries(intent, written, before)
    absent = {METADATA_PATH} if METADATA_PATH not in snapshot.sides.theirs else set[str]()
    write_index(place, entries, tree, absent, before=before)


def _changed_records(intent: Intent, written: StatsAfter) -> dict[str, FileRecord] | None:
    """Return what changes in the index of a tree of which there was a survey.

    None: paths go, or the metadata file comes; a path that comes has no place in the index.
    """
    snapshot = intent.snapshot
    stats, restated = snapshot.scan.stats, snapshot.scan.restated
    writes = {each.path: each for each in intent.plan.writes if each.act is not Act.MIRROR}
    records = {}
    for path in {*restated, *intent.captured, *writes} - {METADATA_PATH}:
        planned = writes.get(path)
        entry = recorded_as(planned.after if planned else snapshot.sides.ours.get(path))
        if entry is not None:
            stat = (written if planned else stats).get(path, UNKNOWN_STAT)
            records[path] = FileRecord(entry.mode, entry.oid, stat)
        elif planned or path in intent.captured:
            return None
    known = snapshot.recorded.metadata
    if known is None:
        return None
    if METADATA_PATH in restated or intent.metadata_action or known.oid != intent.metadata_oid:
        records[METADATA_PATH] = _metadata_record(intent, written)
    return records


def _index_entries(
    intent: Intent, written: StatsAfter, before: Index | None
) -> dict[str, FileRecord]:
    """Return what the index shall have: what it had, but for the paths where something changed."""
    snapshot = intent.snapshot
    stats = snapshot.scan.stats
    after = result_tree(snapshot.sides.ours, intent.plan)
    touched = {action.path for action in intent.plan.writes}
    entries: dict[str, FileRecord] = {}
    renewed: Iterable[str] = after
    if before is not None:
        entries = dict(before.entries)
        renewed = {*intent.captured, *intent.changed, *touched, *snapshot.scan.restated}
    for path in renewed:
        entry = after.get(path)
        if entry is None or (entry.kind is not Kind.FILE and entry.kind is not Kind.SYMLINK):
            entries.pop(path, None)
        else:
            stat = (written if path in touched else stats).get(path, UNKNOWN_STAT)
            entries[path] = FileRecord(git_mode(entry), entry.oid, stat)
    entries[METADATA_PATH] = _metadata_record(intent, written)
    return entries


def _metadata_record(intent: Intent, written: StatsAfter) -> FileRecord:
    return FileRecord(EXECUTABLE_MODE, intent.metadata_oid, _metadata_stat(intent, written))


def _metadata_stat(intent: Intent, written: StatsAfter) -> StatKey:
    """Return the state of the tree's metadata file, if it holds what the index says it does."""
    if intent.metadata_action is not None:
        return written.get(METADATA_PATH, UNKNOWN_STAT)
    live = intent.snapshot.sides.ours.get(METADATA_PATH)
    if live is None or live.oid != intent.metadata_oid:
        return UNKNOWN_STAT
    return intent.snapshot.scan.stats.get(METADATA_PATH, UNKNOWN_STAT)
