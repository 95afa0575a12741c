"""What is taken from the root's own live /etc, because upstream's commits do not have it.

Upstream's /etc is trusted more than a client's, but a link in it leads out of the root just the
same: the walk goes through the gate that leads to any tree.
"""

import os
import re
from collections.abc import Callable, Container, Mapping
from typing import NamedTuple

from etcsync.entries import GIT_PATH, ROOT, Entry, Kind
from etcsync.errors import TreeError
from etcsync.names import is_safe_name
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree, open_tree
from etcsync.tree.reading import kind_of, mirror_entry
from etcsync.tree.scanned import Limits

States = Mapping[str, os.stat_result]
"""The ``lstat`` of everything by path, the top included."""

_LEFT_OVER = re.compile(
    r"\.(pacnew|pacorig|pacsave[^/]*|dpkg-[^/]+|ucf-[^/]+|rpmnew|rpmsave|rpmorig)\Z"
    r"|(\A|/)\._cfg[^/]{4}_[^/]+\Z"
)
"""What package managers leave beside a configuration file instead of overwriting it.

Sources: pacman(8), section "Handling Config Files"; dpkg(1) and ucf(1) on conffiles; rpm(8);
etc-update(1).
"""


class PathMetadata(NamedTuple):
    """Mode, owner and group of one path, and what stands there."""

    mode: int
    uid: int
    gid: int
    kind: Kind


def walk_live(etc: str) -> States:
    """Return what stands in the root's /etc, but for git's own and for names that git refuses.

    What cannot be entered, or lies on another file system, is there by its own name alone.

    Args:
        etc: The root's /etc, a path of the server.

    Raises:
        TreeError: The directory cannot be read, or holds too many names.
    """
    with open_tree(etc) as tree:
        states = {ROOT: os.fstat(tree.descriptor)}
        pending = [ROOT]
        while pending:
            directory = pending.pop()
            prefix = "" if directory == ROOT else f"{directory}/"
            for name, status in _names_in(tree, directory, Limits().entries - len(states)):
                path = prefix + name
                if path == GIT_PATH or not is_safe_name(name):
                    continue
                states[path] = status
                if kind_of(status) is Kind.DIRECTORY and status.st_dev == tree.device:
                    pending.append(path)
        return states


def _names_in(tree: OpenTree, directory: str, most: int) -> list[tuple[str, os.stat_result]]:
    try:
        with tree.directory(directory) as descriptor:
            found = beneath.list_directory(descriptor, most)
    except OSError as error:
        if directory != ROOT:
            return []
        raise TreeError(f"{tree.path} cannot be read: {error.strerror}.") from error
    if len(found) > most:
        raise TreeError(
            f"{tree.path} holds more than {Limits().entries} names.",
            hint="Find what fills it and move it elsewhere.",
        )
    return found


def mirror_entries(
    etc: str,
    states: States,
    mirrors: Callable[[str], bool],
    tracked: Container[str],
    *,
    ownership: bool = True,
) -> dict[str, Entry]:
    """Return what stands in the root's /etc at the paths of strategy mirror.

    Args:
        etc: The root's /etc, a path of the server.
        states: What `walk_live` found there.
        mirrors: Whether that is the strategy of a path.
        tracked: Paths that upstream's commit has; they go the way of commits.
        ownership: False, where not running as root: owner and group count as root's.

    Returns:
        Files, links and directories as `etcsync.tree.reading.mirror_entry` gives them, comparable
        with `etcsync.tree.scanned.Scan.mirrored`. What has vanished since is left out.

    Raises:
        TreeError: The directory cannot be opened any more.
    """
    wanted = [path for path in states if path != ROOT and path not in tracked and mirrors(path)]
    found = {}
    with open_tree(etc) as tree:
        for path in wanted:
            entry = _mirror_entry(tree, path, ownership=ownership)
            if entry is not None and entry.kind is not Kind.OTHER:
                found[path] = entry
    return found


def _mirror_entry(tree: OpenTree, path: str, *, ownership: bool) -> Entry | None:
    try:
        with tree.place(path) as place:
            status = beneath.lstat(place)
            link = kind_of(status) is Kind.SYMLINK
            target = beneath.readlink(place) if link else b""
    except OSError:
        return None
    return mirror_entry(status, target, ownership=ownership)


def metadata_of(states: States, *, ownership: bool = True) -> dict[str, PathMetadata]:
    """Return mode, owner and group of every file and directory that `walk_live` found."""
    found = {}
    for path, status in states.items():
        owner = (status.st_uid, status.st_gid) if ownership else (0, 0)
        kind = kind_of(status)
        if kind is not Kind.SYMLINK:
            found[path] = PathMetadata(status.st_mode & 0o7777, *owner, kind)
    return found


def left_overs(states: States) -> tuple[str, ...]:
    """Return the paths that `walk_live` found and that wait for an administrator to merge them."""
    return tuple(
        path
        for path, status in sorted(states.items())
        if _LEFT_OVER.search(path) and kind_of(status) is not Kind.DIRECTORY
    )
