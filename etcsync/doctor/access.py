"""Who besides root may write or look where only root should."""

import os
import stat
from collections.abc import Iterator

from etcsync.doctor.finding import Finding, Severity


def writers(status: os.stat_result) -> str | None:
    """Return who besides root, and the user who runs this, may write there; None for nobody.

    A directory from which only owners may remove counts as written to by its owner alone.
    """
    if status.st_uid not in {0, os.geteuid()}:
        return f"its owner (uid {status.st_uid})"
    if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX:
        return None
    if status.st_mode & stat.S_IWOTH:
        return "everyone"
    if status.st_mode & stat.S_IWGRP and status.st_gid not in {0, os.getegid()}:
        return f"its group (gid {status.st_gid})"
    return None


def writable_by_others(path: str, why: str) -> Iterator[Finding]:
    """Yield a finding where somebody else can write ``path``, or replace it from above.

    Args:
        path: A path of the server; what is not there is not looked at.
        why: What that leads to, to end the sentence with.
    """
    place = os.path.realpath(path)
    while True:
        try:
            who = writers(os.lstat(place))
        except FileNotFoundError:
            who = None
        if who:
            remedy = f"`chown root:root {place} && chmod go-w {place}`"
            yield Finding(
                Severity.SERIOUS, f"{place} can be written by {who}; {why}", remedy, path=place
            )
        if place == (above := os.path.dirname(place)):
            return
        place = above


def open_to_others(path: str, why: str) -> Iterator[Finding]:
    """Yield a finding where anybody but root, or the user who runs this, can look into ``path``.

    Args:
        path: A directory of the server.
        why: What lies there, to end the sentence with.
    """
    status = os.lstat(path)
    if status.st_uid not in {0, os.geteuid()}:
        what = f"{path} belongs to another user (uid {status.st_uid}); {why}"
        yield Finding(Severity.SERIOUS, what, f"`chown root:root {path}`", path=path)
    if status.st_mode & 0o077:
        what = f"{path} is open to others (mode {status.st_mode & 0o7777:04o}); {why}"
        yield Finding(Severity.SERIOUS, what, f"`chmod 700 {path}`", path=path)
