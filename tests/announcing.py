"""When a root's hooks announced a transaction for the last time, as the daemon gets to see it."""

import os

from etcsync.host.announcement import MARK


def announced_at(root: str) -> float | None:
    """Return the time of the mark, in seconds since the epoch, or None where there is none."""
    place = os.path.join(root, MARK)
    return os.lstat(place).st_mtime if os.path.lexists(place) else None
