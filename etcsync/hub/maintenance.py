"""Keeping the hub tidy: what killed processes left behind, and many packs made one."""

import os
import time
from contextlib import suppress

from etcsync.hub.hub import Hub
from etcsync.hub.importer import remove_crash_reports
from etcsync.hub.refs import await_locks

MOST_RUNS = 32
"""Each run that writes makes a pack, or some; git looks for an object in one after the other."""

MOST_LOOSE = 8
"""Loose objects in one of git's 256 directories for them, which stands for all."""

GRACE = "2.weeks.ago"
"""Objects that no ref leads to are kept so long, for an administrator who misses something."""

ALL_EVERY = 7 * 24 * 60 * 60.0
"""Seconds between two packings that make one pack of all and let go of what is past its grace."""

TEMPORARY_FOR = 24 * 60 * 60.0
"""Seconds after which an unfinished pack is taken for a left-over."""


def clean_up(hub: Hub) -> None:
    """Remove what a killed run or git left in the hub.

    For the start of a run that will write, under etcsync's lock. Waits some seconds if git's own
    locks are there and young, for they may be an administrator's.
    """
    await_locks(hub.path)
    remove_crash_reports(hub.path)
    packs = os.path.join(hub.path, "objects", "pack")
    for name in os.listdir(packs):
        if name.startswith(("tmp_", ".tmp-")):
            path = os.path.join(packs, name)
            if _is_older(path, TEMPORARY_FOR):
                with suppress(FileNotFoundError):
                    os.unlink(path)


def pack_if_needed(hub: Hub, packs_per_run: int = 1) -> bool:
    """Pack the hub if it has many packs or loose objects; return whether it did.

    For the end of a run that wrote, under etcsync's lock. Young packs are joined each time, all of
    them once a week. Everything that a ref, a worktree's HEAD or index leads to is kept, the rest
    for two weeks (git-repack(1), --cruft).

    Args:
        hub: The hub.
        packs_per_run: How many packs a run like this one makes.
    """
    packs = sum(name.endswith(".pack") for name in os.listdir(_objects(hub, "pack")))
    if packs <= MOST_RUNS * packs_per_run and _count_loose(hub) <= MOST_LOOSE:
        return False
    stamp = os.path.join(hub.path, "etcsync-packed")
    if hub.version() < (2, 37):
        # It could only keep the rest as one file each: rather in the pack, for good.
        hub.git("repack", "-d", "--quiet", "-a", "--keep-unreachable")
    elif _is_older(stamp, ALL_EVERY):
        hub.git("repack", "-d", "--quiet", "--cruft", f"--cruft-expiration={GRACE}")
        with open(stamp, "wb"):
            os.utime(stamp)
    else:
        hub.git("repack", "-d", "--quiet", "--geometric=2")
    return True


def _count_loose(hub: Hub) -> int:
    with suppress(FileNotFoundError):
        return len(os.listdir(_objects(hub, "17")))
    return 0


def _objects(hub: Hub, name: str) -> str:
    return os.path.join(hub.path, "objects", name)


def _is_older(path: str, seconds: float) -> bool:
    """Whether the file is that old, or not there."""
    try:
        return time.time() - os.stat(path).st_mtime > seconds
    except FileNotFoundError:
        return True
