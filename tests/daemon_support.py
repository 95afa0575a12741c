"""The daemon as a program of its own, watched through its log and through what it does."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster import CLEAN_ENVIRONMENT, Cluster, git

SETTLE = 0.2
PATIENCE = 20.0
"""Seconds that a test waits for something that takes a fraction of one on an idle machine."""


def daemon_settings(interval: str = "1h", settle: float = SETTLE, listen: str = "") -> str:
    return f'[daemon]\ninterval = "{interval}"\nsettle = "{settle}"\nlisten = "{listen}"\n'


def eventually(holds: Callable[[], Any], within: float = PATIENCE) -> float:
    """Return after how many seconds ``holds`` came true."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < within, "it never came true"
        time.sleep(0.02)
    return time.monotonic() - started


class Daemon:
    """A running daemon."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log_path = log

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]

    def said(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Return the log's entries of an event that have these fields."""
        return [e for e in self.log if e["event"] == event and fields.items() <= e.items()]

    def passes(self, **fields: object) -> list[dict[str, Any]]:
        return self.said("pass made", **fields)

    def rests(self, seconds: float = 1.5) -> None:
        """Wait until no pass has been made for so long."""
        count = -1
        while count != (count := len(self.passes())):
            time.sleep(seconds)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Ask it to end, and return its exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def start(cluster: Cluster, *before: str, **environment: str) -> Daemon:
    """Start a daemon; ``before`` is a command that starts it."""
    log = cluster.place / f"daemon-{time.monotonic_ns()}.log"
    command = [*before, sys.executable, "-m", "etcsync", "--config", str(cluster.settings)]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "run", "-vv"],
            env=CLEAN_ENVIRONMENT | {"JOURNAL_STREAM": "1:1"} | environment,
            stderr=stream,
        )
    return Daemon(process, log)


@contextmanager
def running(cluster: Cluster, *before: str, **environment: str) -> Iterator[Daemon]:
    """Run a daemon for the length of the block; it has made its first pass."""
    daemon = start(cluster, *before, **environment)
    try:
        eventually(lambda: daemon.passes(why="start") or daemon.process.poll() is not None)
        assert daemon.process.poll() is None, daemon.log_path.read_text()
        yield daemon
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait()
    assert "Traceback" not in daemon.log_path.read_text()


def everywhere(cluster: Cluster, path: str, text: str, clients: int = 3) -> bool:
    """Whether all clients have this text."""
    places = [cluster.tree(number) / path for number in range(clients)]
    return all(place.is_file() and place.read_text() == text for place in places)


def recorded(cluster: Cluster, client: str, path: str) -> str | None:
    """Return what the history of a client has at a path."""
    hub = cluster.state / "hub.git"
    done = subprocess.run(
        ["git", "-C", str(hub), "show", f"refs/heads/{client}:{path}"],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else None


def author(cluster: Cluster, client: str) -> str:
    return git(cluster.state / "hub.git", "log", "-1", "--format=%an", client).strip()


def incidents(cluster: Cluster) -> list[Any]:
    """Return what `etcsync incidents` lists."""
    found: list[Any] = cluster.run("incidents", "--json", status=None).json["incidents"]
    return found
