"""The last step of a round: what is known of the trees now is kept for the next look at them."""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace

from etcsync.entries import METADATA_PATH, ROOT, Entry, Kind, StatKey, parent
from etcsync.plan.model import Action, result_tree
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.intent import Intent
from etcsync.reconcile.looking import can_be_remembered
from etcsync.reconcile.planning import lock_appears
from etcsync.reconcile.record import Commits
from etcsync.reconcile.recording import StatsAfter
from etcsync.reconcile.rounds import Round
from etcsync.reconcile.surveys import survey_of
from etcsync.tree.ignore import is_rules_file
from etcsync.tree.imprint import UNSETTLED, imprint_after
from etcsync.tree.scanned import Scan

_FORMATS = {Kind.FILE: stat.S_IFREG, Kind.SYMLINK: stat.S_IFLNK}
"""What the kernel's mode says of the kinds whose states are told when they are put in place."""


def remember(cluster: Cluster, current: Round, written: Mapping[str, StatsAfter]) -> None:
    """Keep surveys of the trees of which everything is recorded.

    Args:
        cluster: The open cluster.
        current: The round, at its end.
        written: By client, the states of what was put in place.
    """
    for name, intent in current.going_on():
        commits = current.commits.get(name)
        snapshot = intent.snapshot
        recorded, found = snapshot.recorded, snapshot.scan
        if commits is None and snapshot.as_surveyed:
            continue
        branch = (commits.head if commits else None) or recorded.branch
        base_commit = (commits.base if commits else None) or recorded.base_commit
        usable = (
            snapshot.gitfile_intact
            and can_be_remembered(found)
            and not any(is_rules_file(action.path) for action in intent.plan.writes)
        )
        if branch is None or base_commit is None or not usable:
            continue
        survey = survey_of(
            _found_after(intent, written.get(name, {})),
            recorded.base if intent.base is None else intent.base,
            branch=branch,
            base_commit=base_commit,
            terms=cluster.surveys.terms(snapshot.client),
            metadata=_metadata_after(intent, commits),
        )
        cluster.surveys.put(name, survey)


def _found_after(intent: Intent, stats: StatsAfter) -> Scan:
    """Return what a look would find now."""
    found = intent.snapshot.scan
    if not intent.writes_tree:
        return found
    by_directory: dict[str, list[Action]] = {}
    for action in intent.writes:
        by_directory.setdefault(parent(action.path), []).append(action)
    imprints = found.imprints | {
        directory: _imprint_after(found.listings.get(directory), within, stats)
        for directory, within in by_directory.items()
        if directory in found.imprints
    }
    if lock_appears(intent.snapshot, intent.plan):
        imprints[ROOT] = UNSETTLED
    return replace(found, entries=_entries_after(intent), imprints=imprints)


def _imprint_after(listing: bytes | None, actions: Sequence[Action], stats: StatsAfter) -> str:
    """Return the imprint of a directory in which ``actions`` were carried out."""
    rows: dict[str, tuple[int, StatKey] | None] = {}
    for action in actions:
        name, after = action.path.rpartition("/")[2], action.after
        kind = _FORMATS.get(after.kind) if after is not None else None
        if after is None:
            rows[name] = None
        elif kind is not None and action.path in stats:
            rows[name] = (kind | after.mode, stats[action.path])
        else:
            return UNSETTLED
    return UNSETTLED if listing is None else imprint_after(listing, rows)


def _entries_after(intent: Intent) -> dict[str, Entry]:
    entries = result_tree(intent.snapshot.sides.ours, intent.plan)
    action = intent.metadata_action
    if action is not None and action.after is not None:
        entries[METADATA_PATH] = action.after
    return entries


def _metadata_after(intent: Intent, commits: Commits | None) -> tuple[int, str] | None:
    """Return how the metadata file is recorded."""
    if commits is not None:
        for changes in (intent.changed, intent.captured):
            if METADATA_PATH in changes:
                return changes[METADATA_PATH]
    return intent.snapshot.recorded.metadata
