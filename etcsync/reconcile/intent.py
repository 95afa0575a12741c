"""What is to be recorded for one client: what it changed, and what its plan will change.

The *capture* holds what the client changed since the last record; the *result* is the tree as the
plan will leave it; the *base* is upstream's version with every held path as it was last applied.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from etcsync.entries import METADATA_PATH, Entry, Kind, Tree, blob_oid
from etcsync.hub.hub import GitEntry
from etcsync.hub.importer import Change
from etcsync.hub.objects import DIRECTORY_MODE, EXECUTABLE_MODE
from etcsync.plan.model import Act, Action, Plan, base_after, result_tree
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.growth import growth
from etcsync.reconcile.messages import BaseRecord
from etcsync.reconcile.planning import held_after, lock_appears
from etcsync.reconcile.recorded import GitTree
from etcsync.reconcile.sides import git_mode
from etcsync.reconcile.snapshot import Snapshot
from etcsync.tree.account_lock import LOCK_ENTRY, LOCK_FILE
from etcsync.tree.beside import sorted_anew
from etcsync.tree.ignore import is_rules_file
from etcsync.tree.metadata_file import Beside

Changes = Mapping[str, Change]


@dataclass(frozen=True)
class Intent:
    """What will be recorded for a client if its plan is applied as it stands.

    Attributes:
        snapshot: Where the plan started.
        plan: The plan.
        captured: What the client changed since the last record.
        changed: What the plan changes, on top of that.
        record: The base record afterwards.
        base: The base afterwards, where it differs from the recorded one; else None.
        metadata: The tree's metadata file afterwards.
        moved: Whether the client gets to another upstream commit.
        added: What the captured changes add to the hub, in bytes.
        suspended: Whether the tree is left alone, apart from what the plan itself writes.
    """

    snapshot: Snapshot
    plan: Plan
    captured: Changes
    changed: Changes
    record: BaseRecord
    base: Mapping[str, Entry] | None
    metadata: bytes
    moved: bool
    added: int
    suspended: bool = False

    @property
    def decided(self) -> Mapping[str, str]:
        """What was decided by hand and is carried out: the reasons by path."""
        unmet = {path for path, _ in self.plan.unmet}
        choices = self.snapshot.sides.choices
        return {path: choices[path].reason for path in sorted(choices) if path not in unmet}

    @property
    def anything(self) -> bool:
        """Whether there is anything to record."""
        pending = self.snapshot.recorded.pending is not None and not self.suspended
        changes = self.captured or self.changed or self.decided
        return pending or bool(changes) or self.base is not None

    @property
    def writes_tree(self) -> bool:
        """Whether the tree itself will be touched, apart from its gitfile."""
        return bool(self.writes)

    @property
    def reached(self) -> Mapping[str, Entry] | None:
        """The base that a run which was cut off had reached, if this one sets out to write."""
        recorded, base = self.snapshot.recorded, self.snapshot.sides.base
        resuming = recorded.pending is not None and recorded.base_commit is not None
        moved = resuming and not self.suspended and self.writes_tree and base != recorded.base
        return base if moved else None

    @property
    def writes(self) -> tuple[Action, ...]:
        """All that is written into the tree, its metadata file last."""
        metadata = self.metadata_action
        return self.plan.writes if metadata is None else (*self.plan.writes, metadata)

    @property
    def metadata_oid(self) -> str:
        """The blob id of the tree's metadata file afterwards."""
        return blob_oid(self.metadata)

    @cached_property
    def metadata_action(self) -> Action | None:
        """What writes the tree's metadata file; None where it is right, or upstream uses none.

        In a suspended client's tree it may be wrong: it is written with something else, or not.
        """
        if self.suspended and not self.plan.writes:
            return None
        theirs = self.snapshot.sides.theirs.get(METADATA_PATH)
        before = self.snapshot.sides.ours.get(METADATA_PATH)
        after = None if theirs is None else theirs._replace(oid=self.metadata_oid)
        if after is None or after == before:
            return None
        return Action(
            METADATA_PATH, Act.WRITE, Strategy.UPSTREAM, "metadata changed", before, after
        )


def intend(
    cluster: Cluster, snapshot: Snapshot, planned: Plan, *, suspended: bool = False
) -> Intent:
    """Return what is to be recorded for a client whose plan is ``planned``.

    Args:
        cluster: The open cluster.
        snapshot: The client's snapshot.
        planned: What is to be done.
        suspended: The client's edits are captured, and nothing else happens: upstream's changes
            and what is held stay as they were recorded, and the tree is touched where the plan,
            which is restricted then, says so.

    Raises:
        TreeError: The client's edits would add more to the hub than the settings allow.
    """
    recorded, sides = snapshot.recorded, snapshot.sides
    record, base, moved = recorded.record, None, False
    if not suspended:
        record, base = _base_after(cluster, snapshot, planned)
        moved = recorded.record.upstream != cluster.upstream_commit
    captured = {} if snapshot.as_surveyed else changes_to(recorded.git, sides.ours)
    text_before = cluster.texts.of_tree(sides.ours, snapshot.scan.beside)
    text_after = text_before
    known_alike = base is None or base.keys() == sides.base.keys()
    lock = lock_appears(snapshot, planned)
    if captured or lock or not known_alike or _changes_beside(planned):
        entries_after = result_tree(sides.ours, planned)
        known_after = (cluster.theirs.entries, recorded.base if base is None else base)
        beside = _beside_after(cluster, snapshot, planned, entries_after, known_after)
        if beside != snapshot.scan.beside or not all(map(_keeps_shape, planned.writes)):
            text_after = cluster.texts.of_tree(entries_after, beside)
    metadata_before = recorded.metadata
    generated = GitEntry(EXECUTABLE_MODE, cluster.contents.put(text_before))
    metadata_now = generated
    if planned.writes or not suspended:
        metadata_now = _metadata_to_capture(
            cluster, snapshot, metadata_before, generated, text_after
        )
    if metadata_now != metadata_before and not (sides.creating and not captured):
        captured[METADATA_PATH] = metadata_now
    added = growth(cluster, sides.ours, captured)
    cluster.allowances.refuse(snapshot.client.name, added)
    metadata_then = GitEntry(EXECUTABLE_MODE, cluster.contents.put(text_after))
    if recorded.branch is None and not captured and not suspended:
        changed = changes_to(files_of(cluster.theirs.git), result_tree(sides.ours, planned))
        changed[METADATA_PATH] = metadata_then
    else:
        changed = _planned_changes(planned)
        if metadata_then != metadata_now:
            changed[METADATA_PATH] = metadata_then

    return Intent(
        snapshot=snapshot,
        plan=planned,
        captured=captured,
        changed=changed,
        record=record,
        base=base,
        metadata=text_after,
        moved=moved,
        added=added,
        suspended=suspended,
    )


def _base_after(
    cluster: Cluster, snapshot: Snapshot, planned: Plan
) -> tuple[BaseRecord, Mapping[str, Entry] | None]:
    """Return the base record and the base once ``planned`` is done; None: both are as recorded."""
    record = BaseRecord(cluster.upstream_commit, held_after(cluster, snapshot, planned))
    base = cluster.theirs.merged_entries
    if planned.holds:
        base = base_after(base, planned)
    recorded = snapshot.recorded
    unmoved = record == recorded.record and base == recorded.base
    return record, None if unmoved else base


def _changes_beside(planned: Plan) -> bool:
    """Whether a plan changes what the metadata file says, or which rules hide what."""
    return any(
        is_rules_file(action.path) or action.act is Act.MIRROR or not _keeps_shape(action)
        for action in planned.writes
    )


def _keeps_shape(action: Action) -> bool:
    """Whether an action leaves kind, mode and owner as they are, and so the metadata file too."""
    before, after = action.before, action.after
    if before is None or after is None:
        return False
    return before._replace(oid="") == after._replace(oid="")


def _planned_changes(planned: Plan) -> dict[str, Change]:
    """Return what a plan changes of what git records."""
    changes: dict[str, Change] = {}
    for action in planned.writes:
        before, after = recorded_as(action.before), recorded_as(action.after)
        if before != after and action.act is not Act.MIRROR:
            changes[action.path] = after
    return changes


def _metadata_to_capture(
    cluster: Cluster,
    snapshot: Snapshot,
    recorded: GitEntry | None,
    generated: GitEntry,
    text_after: bytes,
) -> GitEntry:
    """Return the metadata file as the capture records it: generated, or as the client wrote it.

    A metadata file that is neither generated nor known from earlier is the client's own doing: it
    goes into history as it is before it is written anew.
    """
    live = snapshot.sides.ours.get(METADATA_PATH)
    expected = {generated.oid, blob_oid(text_after), (recorded or generated).oid}
    if live is None or live.kind is not Kind.FILE or live.oid in expected:
        return generated
    if cluster.hub.has([live.oid]):
        return generated  # it was left as it was when other edits were captured
    return GitEntry(EXECUTABLE_MODE, live.oid)


def _beside_after(
    cluster: Cluster,
    snapshot: Snapshot,
    planned: Plan,
    entries_after: Tree,
    known: tuple[Tree, ...],
) -> Beside:
    """Return what stands beside the entries of a tree once ``planned`` is done.

    It is sorted by the rules and by what is known then: a plan may bring a ``.gitignore``, and
    upstream may no longer track what one of them names.

    Args:
        cluster: The open cluster.
        snapshot: Where the plan started.
        planned: What is done.
        entries_after: The tree's entries then.
        known: Upstream's version and the base, as they are then.
    """
    scanned = snapshot.scan.beside
    unmanaged, hidden = dict(scanned.unmanaged), dict(scanned.hidden)
    for action in planned.writes:
        if action.act is not Act.MIRROR:
            continue
        unmanaged.pop(action.path, None)
        hidden.pop(action.path, None)
        if action.after is not None:
            unmanaged[action.path] = action.after
    if lock_appears(snapshot, planned):
        unmanaged[LOCK_FILE] = LOCK_ENTRY

    def is_known(path: str) -> bool:
        entry = entries_after.get(path)
        is_recorded = entry is not None and entry.kind is not Kind.DIRECTORY
        return is_recorded or any(path in side for side in known)

    return sorted_anew(
        entries_after,
        replace(scanned, unmanaged=unmanaged, hidden=hidden),
        is_known,
        cluster.hides,
        cluster.merger.read,
    )


def recorded_as(entry: Entry | None) -> GitEntry | None:
    """Return what git records of an entry: nothing of a directory."""
    if entry is None or (entry.kind is not Kind.FILE and entry.kind is not Kind.SYMLINK):
        return None
    return GitEntry(git_mode(entry), entry.oid)


def changes_to(before: GitTree, after: Tree) -> dict[str, Change]:
    """Return what turns a git tree into that of ``after``, the metadata file left aside."""
    changes: dict[str, Change] = {}
    for path, entry in after.items():
        old = before.get(path)
        if old is not None and old.oid == entry.oid and old.mode == git_mode(entry):
            continue
        new = recorded_as(entry)
        if new is not None or old is not None:
            changes[path] = new
    changes.update((path, None) for path in before.keys() - after.keys())
    changes.pop(METADATA_PATH, None)
    return changes


def files_of(git: Mapping[str, GitEntry]) -> dict[str, GitEntry]:
    """Return the files and links of a git tree, without its directories."""
    return {path: entry for path, entry in git.items() if entry.mode != DIRECTORY_MODE}
