"""Writing to the trees: everything of all clients is staged, synced once, swapped in, looked at.

Before that, what a killed run had taken out of a tree is brought into history; and a tree's
``.git`` file that does not lead to the hub is put right.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from etcsync.config import Client
from etcsync.entries import Entry, Kind, StatKey
from etcsync.errors import TreeError
from etcsync.logs import get_logger
from etcsync.plan.model import Action
from etcsync.privileges import WRITING, limited_to
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.gitfile import restore_gitfile
from etcsync.reconcile.intent import Intent
from etcsync.reconcile.options import Advance, SyncOptions
from etcsync.reconcile.planning import lock_appears, writes_accounts
from etcsync.reconcile.rescue import record_leftovers
from etcsync.reconcile.rounds import Round
from etcsync.tree.account_lock import AccountsBusyError, account_lock
from etcsync.tree.apply import Applied, Change, Staged, settle, stage, sync
from etcsync.tree.beneath import OpenTree, open_tree
from etcsync.tree.preparing import kept_attributes
from etcsync.tree.reading import is_mirrored
from etcsync.tree.recovery import recover
from etcsync.tree.staging import Staging
from etcsync.tree.undoing import take_back_half_groups

LOCK_PAUSE = 0.1

log = get_logger()

Stats = Mapping[str, StatKey]


def recover_all(
    cluster: Cluster, clients: Sequence[Client], current: Round, options: SyncOptions
) -> None:
    """Bring into history what a killed run took out of the trees and did not get to record.

    Groups that it did not get through are taken back first.

    Raises:
        HubError: The hub could not be written; everything stays where it is.
    """
    staging = Staging(cluster.settings.trees.staging)
    limit = cluster.settings.limits.max_file_size
    until = time.monotonic() + options.account_patience
    for client in clients:
        if options.stop():
            return
        try:
            tree_path = cluster.settings.tree_path(client.name)
            with open_tree(tree_path, writable=True) as tree:
                unfinished = staging.unfinished(client.name, tree)
                if not unfinished:
                    continue
                ownership = cluster.ownership
                with account_lock(tree, until - time.monotonic()):
                    take_back_half_groups(
                        staging, client.name, tree, limit=limit, ownership=ownership
                    )
                found = recover(staging, client.name, tree, limit=limit, ownership=ownership)
                record_leftovers(cluster, client.name, found)
                for inside in unfinished:
                    staging.discard(client.name, tree, inside=inside)
        except (TreeError, OSError) as error:
            current.fail(client.name, error)


def apply_all(
    cluster: Cluster,
    current: Round,
    staged: Mapping[str, Staged],
    options: SyncOptions,
    advance: Advance,
) -> dict[str, Stats]:
    """Put what is staged into the trees; one client's failure is its own.

    When the run is to end, a client whose swaps have begun is finished, and no other begun.

    Returns:
        By client, the states of the files that were put in place.

    Raises:
        HubError: What could not stay in a tree could not be recorded.
    """
    if not staged:
        return {}
    staged = _synced(current, staged)
    _swap_all(current, staged, options, advance)
    staged = {name: each for name, each in staged.items() if name not in current.left}
    staged = _synced(current, staged)
    settle()
    finished = {}
    with limited_to(WRITING):
        for name, each in staged.items():
            with _failing_alone(current, name), current.looking(name):
                finished[name] = each.finish()
    stats = {}
    for name, applied in finished.items():
        with _failing_alone(current, name):
            stats[name] = _conclude(cluster, current, name, staged[name], applied)
    return stats


def restore_gitfiles(cluster: Cluster, current: Round) -> None:
    """Make every tree's ``.git`` lead to the hub; one client's failure is its own.

    Raises:
        StateError: What is set aside could not be noted.
    """
    for name, intent in current.going_on():
        if not intent.snapshot.gitfile_intact and not intent.suspended:
            with _failing_alone(current, name):
                restore_gitfile(cluster, name)


def discard_all(staged: Mapping[str, Staged]) -> None:
    """Clear the benches of what is not put in place after all; what cannot be is left for later."""
    for each in staged.values():
        with suppress(TreeError, OSError):
            each.discard()


def stage_all(cluster: Cluster, current: Round, options: SyncOptions) -> dict[str, Staged]:
    """Stage what every client's plan writes, beside its tree; one client's failure is its own.

    Raises:
        HubError: A content cannot be read.
    """
    staging = Staging(cluster.settings.trees.staging)
    staged = {}
    with open_tree(cluster.settings.upstream.etc) as source, limited_to(WRITING):
        attributes = _Attributes(cluster, source)
        for name, intent in current.going_on():
            if options.stop():
                current.left.add(name)
                continue
            with _failing_alone(current, name):
                treatment = intent.snapshot.policy.treatment
                changes = [
                    Change(
                        action.path,
                        action.before,
                        action.after,
                        attributes.of(action),
                        treatment(action.path).group,
                    )
                    for action in intent.writes
                ]
                if changes:
                    staged[name] = stage(
                        intent.snapshot.tree_path,
                        name,
                        staging,
                        changes,
                        cluster.contents.read,
                        source=source,
                        limit=_limit(cluster, intent, changes),
                        ownership=cluster.ownership,
                    )
    return staged


def _limit(cluster: Cluster, intent: Intent, changes: Sequence[Change]) -> int:
    """Return the bytes of the longest file that may come out of a client's tree as planned."""
    limit = cluster.settings.limits.max_file_size
    stats = intent.snapshot.scan.stats
    long = {
        change.before.oid
        for change in changes
        if change.before is not None
        and change.before.kind is Kind.FILE
        and not is_mirrored(change.before)
        and (change.path not in stats or stats[change.path].size > limit)
    }
    new = {oid for oid in long if cluster.contents.is_new(oid)}
    sizes = [cluster.contents.size(oid) for oid in new]
    return max([limit, *sizes, *cluster.hub.sizes(long - new).values()])


def _synced(current: Round, staged: Mapping[str, Staged]) -> dict[str, Staged]:
    """Bring everything to disk and return it, but for trees that are gone: those fail alone.

    Raises:
        OSError: The disk reported an error, which may concern any of them.
    """
    there = {}
    synced: set[int] = set()
    for name, each in staged.items():
        try:
            if each.device not in synced:
                sync([each])
                synced.add(each.device)
            there[name] = each
        except TreeError as error:
            current.fail(name, error)
    return there


def _swap_all(
    current: Round, staged: Mapping[str, Staged], options: SyncOptions, advance: Advance
) -> None:
    """Swap in what is staged; a client that is changing its accounts itself comes last."""
    until = time.monotonic() + options.account_patience
    waiting = list(staged)
    with limited_to(WRITING):
        while waiting:
            busy: list[str] = []
            for done, name in enumerate(waiting, len(staged) - len(waiting)):
                advance("write", done - len(busy), len(staged))
                with _failing_alone(current, name):
                    if options.stop():
                        current.left.add(name)
                        staged[name].discard()
                        continue
                    try:
                        _swap(current.intents[name], staged[name])
                    except AccountsBusyError:
                        if time.monotonic() > until:
                            raise
                        busy.append(name)
            if busy:
                time.sleep(LOCK_PAUSE)
            waiting = busy
    advance("write", len(staged), len(staged))


def _swap(intent: Intent, staged: Staged) -> None:
    """Swap in one client's files; none while a program on it rewrites the account files."""
    if intent.snapshot.sides.creating or not writes_accounts(intent.plan):
        staged.swap()
        return
    create = lock_appears(intent.snapshot, intent.plan)
    with (
        open_tree(staged.tree_path, writable=True) as tree,
        account_lock(tree, 0, create=create),
    ):
        staged.swap()


@contextmanager
def _failing_alone(current: Round, name: str) -> Iterator[None]:
    """Let an error of this client end its own part of the round only."""
    try:
        yield
    except (TreeError, OSError) as error:
        current.fail(name, error)


def _conclude(
    cluster: Cluster, current: Round, name: str, staged: Staged, applied: Applied
) -> Stats:
    """Record what could not stay in a tree, and note what is to be told of a client."""
    if applied.stranded:
        record_leftovers(cluster, name, applied.stranded)
        staged.discard()
    if applied.failed:
        path, error = next(iter(applied.failed.items()))
        error.filename = path
        current.fail(name, error)
    elif applied.raced or applied.kept or applied.stranded:
        log.info("tree changed meanwhile", client=name, paths=len(applied.raced))
        current.raced.add(name)
    current.unsettled[name] = applied.unsettled
    return applied.stats


class _Attributes:
    """Extended attributes that new files take from the root's own, read once for all clients."""

    def __init__(self, cluster: Cluster, source: OpenTree) -> None:
        self._source = source if cluster.ownership else None
        self._known: dict[str, Mapping[str, bytes]] = {}

    def of(self, action: Action) -> Mapping[str, bytes]:
        """Return the attributes for a file that appears; one that is replaced keeps its own."""
        if self._source is None or not _appears(action.before, action.after):
            return {}
        if action.path not in self._known:
            self._known[action.path] = kept_attributes(self._source, action.path)
        return self._known[action.path]


def _appears(before: Entry | None, after: Entry | None) -> bool:
    return before is None and after is not None and after.kind is Kind.FILE
