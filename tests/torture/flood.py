"""A client that fills its tree with a million names: it alone fails, in bounded time and memory."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from cluster import CLEAN_ENVIRONMENT, Cluster, sample_cluster
from torture.checker import BrokenPromiseError
from torture.machine import CLIENTS, MEMORY

NAMES = 1_000_000
FILES = 50
"""Files that the names are links to; ext4 allows 65,000 to each."""

SECONDS = 60.0
MEBIBYTES = 512.0


class Cost(NamedTuple):
    """What a run took: processor time in seconds, and at most so much memory."""

    seconds: float
    mebibytes: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.mebibytes:.0f} MiB"


def flood(directories: int) -> str:
    """Spread a million names over ``directories`` of one tree, sync, and take them away again.

    Returns:
        What a sync took before, and with them.

    Raises:
        BrokenPromiseError: It cost too much, or another client had to suffer.
    """
    in_memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="etcsync-flood-", dir=in_memory) as base:
        cluster = sample_cluster(Path(base))
        cluster.write("motd", "before\n")
        plain = _sync(cluster, 0)
        _pour(cluster.tree(0) / "flood", directories)
        cluster.write("motd", "meanwhile\n")
        flooded = _sync(cluster, 3)
        _expect(cluster, "meanwhile\n", CLIENTS[1:])
        if flooded.seconds > SECONDS or flooded.mebibytes > MEBIBYTES:
            raise BrokenPromiseError(f"{directories} directories of names cost {flooded}")
        subprocess.run(["rm", "-rf", cluster.tree(0) / "flood"], check=True)
        _sync(cluster, 0)
        _expect(cluster, "meanwhile\n", CLIENTS)
        return f"{plain}; with {NAMES} names in {directories} directories {flooded}"


def _pour(place: Path, directories: int) -> None:
    for number in range(FILES):
        place.with_name(f"source{number}").touch()
    for number in range(directories):
        directory = place / str(number)
        directory.mkdir(parents=True)
        for name in range(NAMES // directories):
            os.link(place.with_name(f"source{name % FILES}"), directory / str(name))


def _sync(cluster: Cluster, status: int) -> Cost:
    """Sync in a process of its own, as users start it, and return what it took."""
    process = subprocess.Popen(
        [sys.executable, "-m", "etcsync", "--config", str(cluster.settings), "sync"],
        env=CLEAN_ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    said = process.stderr.read().decode(errors="replace")
    _, ended, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(ended)
    if process.returncode != status or (status == 3 and "names" not in said):
        raise BrokenPromiseError(f"sync ended with {process.returncode}: {said[-1000:]}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _expect(cluster: Cluster, text: str, clients: tuple[str, ...]) -> None:
    for name in clients:
        found = (cluster.tree(name) / "motd").read_text()
        if found != text:
            raise BrokenPromiseError(f"{name} has {found!r} where upstream has {text!r}")
