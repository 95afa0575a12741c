"""Upstream's version where no etckeeper is: a commit, with modes and owners of the live tree.

Only commits count, so the live tree is asked about nothing but metadata, and only where it has what
the commit has. A file that somebody has just removed or replaced keeps what it had.
"""

from collections.abc import Iterator, Mapping

from etcsync.entries import Entry, Kind
from etcsync.hub.hub import GitEntry, Hub
from etcsync.hub.objects import DIRECTORY_MODE, EXECUTABLE_MODE, SYMLINK_MODE
from etcsync.hub.refs import BASE_PREFIX
from etcsync.reconcile.sides import Side, Sides
from etcsync.tree.live import PathMetadata

Metadata = tuple[int, int, int]


def live_side(hub: Hub, sides: Sides, tree: str, live: Mapping[str, PathMetadata]) -> Side:
    """Return the version that the git tree ``tree`` is, with metadata of the ``live`` /etc.

    Where nothing of that kind stands there, it has the metadata that some client's base recorded;
    what none knows is root's alone.

    Raises:
        HubError: The hub is damaged.
    """
    git = hub.tree(tree)
    found: dict[str, Metadata] = {}
    missing: dict[str, Kind] = {}
    for path, entry in git.items():
        kind = Kind.DIRECTORY if entry.mode == DIRECTORY_MODE else Kind.FILE
        standing = live.get(path)
        if standing is not None and standing.kind is kind:
            found[path] = (standing.mode, standing.uid, standing.gid)
        elif entry.mode != SYMLINK_MODE:
            missing[path] = kind
    if missing:
        found |= _remembered(hub, sides, git, missing)
    top = live["."]
    return sides.side(tree, {".": (top.mode, top.uid, top.gid), **found})


def _remembered(
    hub: Hub, sides: Sides, git: Mapping[str, GitEntry], missing: Mapping[str, Kind]
) -> dict[str, Metadata]:
    bases = list(_bases(hub, sides))
    found: dict[str, Metadata] = {}
    for path, kind in missing.items():
        known = (base[path] for base in bases if path in base and base[path].kind is kind)
        entry = next(known, None)
        closed = 0o700 if git[path].mode in {DIRECTORY_MODE, EXECUTABLE_MODE} else 0o600
        found[path] = (entry.mode, entry.uid, entry.gid) if entry else (closed, 0, 0)
    return found


def _bases(hub: Hub, sides: Sides) -> Iterator[Mapping[str, Entry]]:
    commits = {oid for ref, oid in hub.refs().items() if ref.startswith(BASE_PREFIX)}
    for commit in hub.commits(sorted(commits)).values():
        yield sides.side(commit.tree).merged_entries
