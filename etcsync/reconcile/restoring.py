"""``restore``: a version from a client's history comes back."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from etcsync.config import Settings
from etcsync.entries import METADATA_PATH, ROOT, Entry, Kind
from etcsync.errors import UsageError
from etcsync.hub.hub import Commit
from etcsync.plan.model import Choice, LeftOut
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.history import find_commit
from etcsync.reconcile.intervening import PathsRun, intervene, paths_run
from etcsync.reconcile.intervention import Choices, Intervention
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.model import Cause
from etcsync.reconcile.options import SyncOptions
from etcsync.reconcile.paths import covered, named_path
from etcsync.reconcile.snapshot import Snapshot
from etcsync.reconcile.suspensions import Suspension, suspending
from etcsync.reconcile.validating import Planned
from etcsync.report.escape import printable
from etcsync.tree.metadata_file import parse

_OUT_OF_HISTORY = {Strategy.IGNORE, Strategy.MIRROR}


def restore(
    settings: Settings,
    name: str,
    revision: str,
    paths: Sequence[str],
    suspension: Suspension,
    options: SyncOptions,
) -> PathsRun:
    """Bring back what a client had at ``revision``: content, kind, mode and owner.

    What it replaces is captured first. What is held is left out: it is to be decided, not covered
    up. With the whole tree the client is suspended first, so that the next run leaves it as it is
    then; what is held stays so.

    Args:
        settings: The settings.
        name: The client.
        revision: A commit of the client's history; see `etcsync.reconcile.history.find_commit`.
        paths: Where; what lies beneath them is meant too. None: the whole tree.
        suspension: Suspends the client, if it is not suspended already.
        options: How far the run may go.

    Raises:
        UsageError: The client, the commit or a path is unknown.
        TreeError: The client was never reconciled, or its tree cannot be written; it is suspended
            if it was before.
        LockError: Another writer did not end in time.
    """
    client = settings.client(name)
    places = [named_path(path) for path in paths] or [ROOT]
    version = _Version(name, revision, places)
    intervention = Intervention(Cause.RESTORE, version.choices)
    with ExitStack() as stack:
        stack.enter_context(writer_lock(settings.lock_path, wait=options.wait))
        if ROOT in places:
            stack.enter_context(suspending(settings, name, suspension))
        (run,) = intervene(settings, [client], intervention, options)
        return paths_run(run, version.left_out)


@dataclass
class _Version:
    """A version that is to come back, read once the hub is open."""

    name: str
    revision: str
    places: Sequence[str]
    left_out: list[LeftOut] = field(default_factory=list)

    def choices(self, cluster: Cluster, planned: Mapping[str, Planned]) -> Mapping[str, Choices]:
        return {name: self._of(cluster, each) for name, each in planned.items()}

    def _of(self, cluster: Cluster, planned: Planned) -> dict[str, Choice]:
        snapshot = planned.snapshot
        commit = find_commit(cluster.hub, self.name, self.revision)
        wanted = _entries(cluster, commit, snapshot)
        present = snapshot.sides.ours
        for place in self.places:
            if not covered((*wanted, *present), [place]):
                raise UsageError(
                    f"there is no {printable(place)}, neither in {self.revision} nor in the tree",
                    hint=f"`etcsync git {self.name} -- ls-tree -r {self.revision}` lists it.",
                )
        held = {each.path: each.id for each in planned.plan.holds}
        reason = f"restored from {commit.oid[:12]}"
        choices = {}
        self.left_out = []
        for path in covered(sorted(wanted.keys() | present.keys()), self.places):
            entry = wanted.get(path)
            if entry == present.get(path) or not _in_history(snapshot, path):
                continue
            if path in held:
                why = f"it is held, so decide it first: etcsync resolve {held[path]}"
                self.left_out.append(LeftOut(path, why))
            elif entry is not None or path != ROOT:
                choices[path] = Choice(entry, reason)
        return choices


def _in_history(snapshot: Snapshot, path: str) -> bool:
    strategy = snapshot.policy.treatment(path).strategy
    return path != METADATA_PATH and strategy not in _OUT_OF_HISTORY


def _entries(cluster: Cluster, commit: Commit, snapshot: Snapshot) -> dict[str, Entry]:
    """Return what the tree had at ``commit``.

    Where that commit does not tell a path's mode and owner, as one from an adopted clone may not,
    they are those of today; without a today, nobody but root gets at it.
    """
    side = cluster.sides.side(commit.tree)
    told = side.git.get(METADATA_PATH)
    recorded = parse(cluster.hub.blob(told.oid)).modes if told else {}
    present = snapshot.sides.ours
    return {
        path: entry
        if path in recorded or entry.kind is Kind.SYMLINK
        else _with_metadata(entry, present.get(path))
        for path, entry in side.merged_entries.items()
    }


def _with_metadata(entry: Entry, present: Entry | None) -> Entry:
    if present is not None and present.kind is entry.kind:
        return entry._replace(mode=present.mode, uid=present.uid, gid=present.gid)
    return entry._replace(mode=entry.mode & 0o700, uid=0, gid=0)
