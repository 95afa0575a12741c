"""A whole cluster in a scratch directory, driven through the command line as users drive it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forked import run_forked

from etcsync.demo.sample_etc import write_sample_etc
from etcsync.reconcile import shards

IDENTITY = ("-c", "user.name=Admin", "-c", "user.email=admin@server")

CLEAN_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    "LC_ALL": "C.UTF-8",
}


def divide() -> None:
    """Have this process divide any fleet, in shards of two clients, among two workers."""
    shards.MANY = shards.MANY_MORE = 1
    shards.LARGEST, shards.processors = 2, lambda: 2


@dataclass(frozen=True)
class Answer:
    """What one call of etcsync answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def git(directory: Path, *arguments: str) -> str:
    """Run git as an administrator would, and return what it prints."""
    done = subprocess.run(
        ["git", "-C", str(directory), *IDENTITY, *arguments],
        env=CLEAN_ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode("utf-8", "surrogateescape")


class Cluster:
    """A shared root, its clients' trees and etcsync's state below one directory.

    Attributes:
        divided: Whether commands divide the fleet, however small it is.
    """

    divided = False

    def __init__(self, place: Path, root: Path | None = None) -> None:
        self.place = place
        self.root = root or place / "root"
        self.etc = self.root / "etc"
        self.state = place / "state"
        self.settings = place / "etcsync.toml"
        self.rules = place / "site.toml"

    def enter(self) -> None:
        """Go to the machine that this cluster's server is; called in a process of its own."""
        if self.divided:
            divide()

    def write_settings(self, extra: str = "", packs: str = '["base", "arch"]') -> None:
        self.rules.touch()
        self.settings.write_text(
            f'state_dir = "{self.state}"\n'
            f'[upstream]\nroot = "{self.root}"\n'
            f'[trees]\npath = "{self.place}/etc-{{client}}"\n'
            f'[exports]\nfile = "{self.place}/exports"\ncommand = []\n'
            f'[boot]\nfstab = "{self.place}/fstab"\nmount = "{self.place}/clientboot"\n'
            f'[policy]\npacks = {packs}\nfiles = ["{self.rules}"]\n{extra}'
        )

    def run(self, *arguments: str, status: int | None = 0, wait: float = 120) -> Answer:
        """Call etcsync and check its exit status; None takes any."""
        code, out, err = run_forked(
            ["--config", str(self.settings), *arguments], CLEAN_ENVIRONMENT, wait, self.enter
        )
        answer = Answer(
            code, out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape")
        )
        assert "Traceback" not in answer.err, answer.err
        if status is not None:
            assert answer.status == status, f"{arguments}: {answer}"
        return answer

    def sync(self, *arguments: str, status: int | None = 0) -> Any:
        return self.run("sync", "--json", *arguments, status=status).json

    def plan(self, *arguments: str) -> Any:
        return self.run("plan", "--json", *arguments, status=None).json

    def status(self) -> dict[str, Any]:
        document = self.run("status", "--json").json
        return {client["name"]: client for client in document["clients"]}

    def tree(self, number: int | str) -> Path:
        name = f"client{number}" if isinstance(number, int) else number
        return self.place / f"etc-{name}"

    def commit(self, message: str = "a change") -> str:
        """Commit everything upstream with plain git; return the commit's id."""
        git(self.etc, "add", "-A")
        git(self.etc, "commit", "-q", "-m", message)
        return git(self.etc, "rev-parse", "HEAD").strip()

    def write(self, path: str, text: str | bytes, message: str | None = None) -> None:
        """Write a file upstream, and commit it unless ``message`` is empty."""
        place = self.etc / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
        if message != "":
            self.commit(message or f"change {path}")


def sample_cluster(place: Path, clients: int = 3, extra: str = "") -> Cluster:
    """Build a cluster on the sample /etc under plain git, its trees made by ``init``."""
    cluster = Cluster(place)
    cluster.etc.mkdir(parents=True)
    write_sample_etc(str(cluster.etc))
    cluster.write_settings(extra)
    git(cluster.etc, "init", "-q")
    cluster.commit("first")
    cluster.run("init", "--root", str(cluster.root), "--clients", f"client{{0..{clients - 1}}}")
    return cluster


def fingerprint(*places: Path) -> dict[str, tuple[int, ...]]:
    """Return inode, size, mode, owner, mtime and ctime of everything below ``places``.

    The cache in the state directory is left out: whoever had to look at more than was remembered
    renews it.
    """
    found = {}
    for place in places:
        for directory, names, files in os.walk(place):
            if "hub.git" in names:
                names[:] = [name for name in names if name != "cache"]
            for name in (*names, *files, "."):
                path = os.path.join(directory, name)
                state = os.lstat(path)
                found[path] = (
                    state.st_ino,
                    state.st_size,
                    state.st_mode,
                    state.st_uid,
                    state.st_gid,
                    state.st_mtime_ns,
                    state.st_ctime_ns,
                )
    return found
