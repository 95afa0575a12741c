"""Promotions that are killed as they begin a chosen system call; strace(1)."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from cluster import CLEAN_ENVIRONMENT, Cluster

CALLS = "renameat2,rename,link,unlink,unlinkat,rmdir,vfork,sendfile,mkdir"
"""What changes names, starts git or copies the index."""

Point = tuple[str, int]
"""A system call's name, and how many of that name a promotion has made then, this one included."""


def traced(cluster: Cluster, *options: str) -> int:
    """Run ``promote client0`` under strace and return how it ended."""
    return subprocess.run(
        ["strace", "-qq", "-e", f"trace={CALLS}", *options, sys.executable, "-m", "etcsync",
         "--config", str(cluster.settings), "promote", "client0"],
        env=CLEAN_ENVIRONMENT, capture_output=True, check=False,
    ).returncode  # fmt: skip


def points(cluster: Cluster, log: Path) -> list[Point]:
    """Promote, and return the calls that were made from the promotion's first trace upstream on."""
    assert traced(cluster, "-o", str(log)) == 0
    found: list[Point] = []
    turns: Counter[str] = Counter()
    begun = False
    for line in log.read_text().splitlines():
        name = line.partition("(")[0]
        turns[name] += 1
        begun = begun or "/.git/etcsync" in line
        if begun and name.isidentifier():
            found.append((name, turns[name]))
    return found


def promote_killed_at(cluster: Cluster, point: Point) -> None:
    """Promote what client0 has, in a process that dies at ``point``, or ends before it gets there.

    How many calls there are differs a little from run to run.
    """
    call, turn = point
    kill = f"inject={call}:signal=KILL:when={turn}"
    assert traced(cluster, "-o", "/dev/null", "-e", kill) in {-signal.SIGKILL, 0}
