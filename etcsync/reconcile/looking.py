"""The look at one client's tree: whole, or at what differs from what was found before."""

import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from etcsync.config import Client
from etcsync.entries import ROOT, Entry, FileRecord, Tree, parent
from etcsync.hub.hub import GitEntry
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.recorded import Recorded
from etcsync.tree.beneath import OpenTree, open_tree
from etcsync.tree.ignore import is_rules_file
from etcsync.tree.imprint import differences
from etcsync.tree.scan import scan
from etcsync.tree.scanned import Known, Limits, Remembered, Scan

Versions = Sequence[Mapping[str, Entry | GitEntry | FileRecord]]


def look(cluster: Cluster, client: Client, recorded: Recorded, *, quiet: bool = False) -> Scan:
    """Return what stands in a client's tree.

    Args:
        cluster: The open cluster.
        client: The client.
        recorded: What the hub says of it.
        quiet: See `differences`.

    Raises:
        TreeError: The tree is missing or cannot be read.
    """
    to_be_written = _to_be_written(cluster, recorded)
    with open_tree(cluster.settings.tree_path(client.name)) as tree:
        remembered = None
        earlier = recorded.surveyed if _can_be_compared(cluster, recorded) else None
        if earlier is not None:
            seconds = cluster.settings.limits.max_look_time
            differing = differences(
                tree, earlier.imprints, to_be_written, Limits().entries, seconds, quiet=quiet
            )
            if differing is not None and not differing.directories:
                return replace(earlier, listings=dict(differing.listings))
            if differing is not None:
                remembered = Remembered(earlier, differing, cluster.contents.read)
        versions = (recorded.base, recorded.git)
        return _scan(cluster, client, tree, recorded.records, versions, to_be_written, remembered)


def _can_be_compared(cluster: Cluster, recorded: Recorded) -> bool:
    """Whether a look may begin with what is remembered of the tree.

    Not where paths that are known now make a difference to what was found: what a ``.gitignore``
    hides, or policy mirrors, is treated otherwise once it is known.
    """
    survey = recorded.survey
    if survey is None:
        return False
    known: tuple[Tree, Tree] = (cluster.theirs.entries, recorded.base)
    if any(path in tree for path in survey.unknown for tree in known):
        return False
    return all(any(path in tree for tree in known) for path in survey.shadowed)


def look_anew(cluster: Cluster, client: Client) -> Scan:
    """Return what stands in the tree of a client of which nothing is recorded.

    Raises:
        TreeError: The tree is missing or cannot be read.
    """
    with open_tree(cluster.settings.tree_path(client.name)) as tree:
        return _scan(cluster, client, tree, {}, (), frozenset())


def _scan(
    cluster: Cluster,
    client: Client,
    tree: OpenTree,
    records: Mapping[str, FileRecord],
    versions: Versions,
    to_be_written: AbstractSet[str],
    remembered: Remembered | None = None,
) -> Scan:
    """Walk a client's tree.

    Args:
        cluster: The open cluster.
        client: The client.
        tree: Its open tree.
        records: What was recorded last: contents in the same state are not read again.
        versions: Versions, besides upstream's: no ``.gitignore`` hides their paths, and what is
            as long as one of them is not too long.
        to_be_written: Directories in which something may be written.
        remembered: As for `scan`.
    """
    sides = (cluster.theirs.entries, *versions)

    def longest(path: str) -> int:
        oids = {side[path].oid for side in sides if path in side}
        return max(cluster.hub.sizes(oids - {""}).values(), default=0)

    given = cluster.settings.limits
    paths = frozenset[str]().union(*sides)
    return scan(
        tree,
        Known(paths, records, cluster.theirs.oids, longest, to_be_written),
        cluster.policy(client).treatment,
        cluster.hides,
        cluster.allowances.bounded(client.name, cluster.contents.put, cluster.hub.has),
        limits=Limits(given.max_file_size, until=time.monotonic() + given.max_look_time),
        ownership=cluster.ownership,
        remembered=remembered,
    )


def _to_be_written(cluster: Cluster, recorded: Recorded) -> AbstractSet[str]:
    """Return the directories in which upstream's changes lie, and the metadata file."""
    return {ROOT, *map(parent, cluster.upstream_changes(recorded.base))}


def can_be_remembered(found: Scan) -> bool:
    """Whether a later look may begin with what was found: nothing in it is out of the ordinary."""
    beyond = (*found.unmanaged, *found.hidden, *found.mirrored)
    return not (
        found.warnings
        or found.git_obstructed
        or found.beside.occupied
        or any(map(is_rules_file, beyond))
    )
