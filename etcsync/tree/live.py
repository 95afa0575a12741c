"""What is taken from the root's own live /etc, because upstream's commits do not have it.

The walk is that of any tree: upstream's /etc is trusted more than a client's, but a link in it
leads out of the root just the same.
"""

import re
from collections.abc import Callable, Container
from typing import NamedTuple

from etcsync.entries import Entry, Kind
from etcsync.policy.treatment import Strategy, Treatment
from etcsync.tree.beneath import open_tree
from etcsync.tree.ignore import Hides
from etcsync.tree.scan import scan
from etcsync.tree.scanned import Known, Scan

_LEFT_OVER = re.compile(
    r"\.(pacnew|pacorig|pacsave[^/]*|dpkg-[^/]+|ucf-[^/]+|rpmnew|rpmsave|rpmorig)\Z"
    r"|(\A|/)\._cfg[^/]{4}_[^/]+\Z"
)
"""What package managers leave beside a configuration file instead of overwriting it.

Sources: pacman(8), section "Handling Config Files"; dpkg(1) and ucf(1) on conffiles; rpm(8);
etc-update(1).
"""

_IGNORED = Treatment(Strategy.IGNORE)


class PathMetadata(NamedTuple):
    """Mode, owner and group of one path, and what stands there."""

    mode: int
    uid: int
    gid: int
    kind: Kind


def scan_mirror_source(
    etc: str,
    treatment: Callable[[str], Treatment],
    tracked: Container[str],
    *,
    ownership: bool = True,
) -> dict[str, Entry]:
    """Return what stands in the root's /etc at the paths of strategy mirror.

    Args:
        etc: The root's /etc, a path of the server.
        treatment: The policy for a path.
        tracked: Paths that upstream's commit has; they go the way of commits.
        ownership: False, where not running as root: owner and group count as root's.

    Returns:
        Files, links and directories as `etcsync.tree.reading.mirror_entry` gives them, comparable
        with `Scan.mirrored`.

    Raises:
        TreeError: The directory cannot be read.
    """

    def mirrors_only(path: str) -> Treatment:
        given = treatment(path)
        mirrored = given.strategy is Strategy.MIRROR and path not in tracked
        return given if mirrored else _IGNORED

    found = _walk(etc, mirrors_only, ownership=ownership).mirrored
    return {path: entry for path, entry in found.items() if entry.kind is not Kind.OTHER}


def live_metadata(etc: str, *, ownership: bool = True) -> dict[str, PathMetadata]:
    """Return mode, owner and group of every file and directory in the root's live /etc.

    Raises:
        TreeError: The directory cannot be read.
    """
    found = _walk(etc, lambda _: _IGNORED, ownership=ownership)
    everything = found.entries | found.unmanaged | found.hidden
    return {
        path: PathMetadata(entry.mode, entry.uid, entry.gid, entry.kind)
        for path, entry in everything.items()
        if entry.kind is not Kind.SYMLINK
    }


def left_overs(etc: str) -> tuple[str, ...]:
    """Return the paths in the root's live /etc that wait for an administrator to merge them.

    Raises:
        TreeError: The directory cannot be read.
    """
    found = _walk(etc, lambda _: _IGNORED, ownership=False)
    everything = found.entries | found.unmanaged | found.hidden
    return tuple(
        path
        for path, entry in sorted(everything.items())
        if entry.kind is not Kind.DIRECTORY and _LEFT_OVER.search(path)
    )


def _walk(etc: str, treatment: Callable[[str], Treatment], *, ownership: bool) -> Scan:
    with open_tree(etc) as tree:
        return scan(tree, Known(), treatment, Hides(), lambda _: "", ownership=ownership)
