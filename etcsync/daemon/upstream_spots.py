"""The files that tell when upstream has changed, or is being changed."""

import os
from contextlib import suppress
from typing import NamedTuple

from etcsync.errors import UpstreamError
from etcsync.host.announcement import MARK
from etcsync.host.rootfs import path_in_root
from etcsync.host.transactions import GIT_LOCK, PACMAN_LOCK
from etcsync.hub.upstream_head import read_head


class UpstreamSpots(NamedTuple):
    """Paths of the server.

    Attributes:
        refs: Change with each commit, and when another branch is taken.
        locks: Are there while git works.
        transactions: Are there while a package transaction goes on.
        announcement: Changes when one has ended.
    """

    refs: tuple[str, ...]
    locks: tuple[str, ...]
    transactions: tuple[str, ...]
    announcement: str


def upstream_spots(root: str, etc_path: str) -> UpstreamSpots:
    """Return the files to be watched, as upstream's repository is now; starts no process."""
    git_directory = common = os.path.join(etc_path, ".git")
    branch = None
    # Where that fails, a pass tells what is wrong, and HEAD shows when it is mended.
    with suppress(UpstreamError):
        git_directory, common, branch, _ = read_head(etc_path)
    refs = [os.path.join(git_directory, name) for name in ("HEAD", "logs/HEAD")]
    refs.append(os.path.join(common, "packed-refs"))
    if branch is not None:
        refs.append(os.path.join(common, branch))
    return UpstreamSpots(
        tuple(refs),
        (os.path.join(etc_path, GIT_LOCK),),
        (_in_root(root, PACMAN_LOCK),),
        _in_root(root, MARK),
    )


def _in_root(root: str, path: str) -> str:
    try:
        return path_in_root(root, path)
    except UpstreamError:
        return os.path.join(root, path)
