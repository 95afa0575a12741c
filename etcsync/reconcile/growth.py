"""What recording a client's edits adds to the hub."""

from collections.abc import Iterable

from etcsync.entries import ROOT, Tree, ancestors, parent
from etcsync.hub.importer import Change
from etcsync.reconcile.cluster import Cluster

TREE_ENTRY = 28
"""Bytes of an entry of a git tree, but for the name."""


def growth(cluster: Cluster, tree: Tree, captured: dict[str, Change]) -> int:
    """Return the bytes that a capture adds: contents that the hub lacks, and git's trees.

    They are counted as they are before git compresses them. A directory is written anew, with all
    its names, when one thing in it has changed.

    Args:
        cluster: The open cluster.
        tree: What the client has.
        captured: Where that differs from what was recorded last, and what git records there.
    """
    if not captured:
        return 0
    changes = (change for change in captured.values() if change is not None)
    new = {oid for _, oid in changes if cluster.contents.is_new(oid)}
    if new:
        new -= cluster.hub.has(new)
    return sum(map(cluster.contents.size, new)) + _trees(tree, captured)


def _trees(paths: Iterable[str], changed: Iterable[str]) -> int:
    written = {above for path in changed for above in (ROOT, *ancestors(path))}
    return sum(
        len(path.rpartition("/")[2]) + TREE_ENTRY for path in paths if parent(path) in written
    )
