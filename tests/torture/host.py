"""The machine on which the sweeps of ``boot`` take place: exports and mounts, put back at will."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster import Cluster
from nfs_server import ENVIRONMENT, Server
from torture.checker import BrokenPromiseError, survey

KEPT = ("etc/fstab", "etc/exports.d", "nfs")
"""What etcsync changes on a server, below the directory of its files."""


class Host:
    """A server whose exports and mounts can be put back to what they once were."""

    def __init__(self, server: Server, kept: Path) -> None:
        self.server = server
        self._kept = kept
        self._was_mounted: dict[str, bool] = {}

    @classmethod
    @contextmanager
    def of(cls, cluster: Cluster, place: Path) -> Iterator["Host | None"]:
        """Give ``cluster`` a machine; None where nobody may, or the programs are not installed."""
        if os.geteuid() != 0 or shutil.which("exportfs", path=ENVIRONMENT["PATH"]) is None:
            yield None
            return
        with Server.of(cluster, place) as server:
            host = cls(server, place / "kept")
            host.keep("nothing")
            yield host

    @property
    def point(self) -> Path:
        return self.server.cluster.place / "clientboot"

    def keep(self, name: str) -> None:
        """Remember how things are as ``name``."""
        for each in KEPT:
            copy = self._kept / name / each
            copy.parent.mkdir(parents=True, exist_ok=True)
            if (self.server.place / each).exists():
                subprocess.run(["cp", "-a", self.server.place / each, copy], check=True)
        self._was_mounted[name] = self.server.mounted(self.point)

    def clear(self) -> None:
        """Take the mount away, if there is one."""
        if self.point.exists():
            self.server.call("umount", "-q", self.point)

    def put_back(self, name: str) -> None:
        """Have files and mounts be as they were when ``name`` was remembered."""
        shutil.rmtree(self.server.place / "etc/exports.d", ignore_errors=True)
        for each in KEPT:
            copy = self._kept / name / each
            if copy.exists():
                here = (self.server.place / each).parent
                subprocess.run(["cp", "-a", copy, here], check=True)
        if self._was_mounted[name]:
            self.server.output("mount", "--bind", self.server.cluster.root / "boot", self.point)

    def outcome(self) -> dict[bytes, object]:
        """Return what is exported and mounted, and what the files say that are read.

        Raises:
            BrokenPromiseError: More than one client is exported /boot.
        """
        exported = self.server.etab
        if sum(each.startswith(f"{self.point} ") for each in exported) > 1:
            raise BrokenPromiseError(f"two may write /boot: {exported}")
        return {
            b"exported": exported,
            b"mounted": self.server.mounted(self.point),
            b"fstab": (self.server.place / "etc/fstab").read_bytes(),
            **{
                path: thing
                for path, thing in survey(self.server.place / "etc/exports.d").items()
                if path.endswith(b".exports")
            },
        }


class ServedCluster(Cluster):
    """A cluster whose server is a machine of its own."""

    def __init__(self, place: Path, host: Host) -> None:
        super().__init__(place)
        self.host = host

    def enter(self) -> None:
        self.host.server.enter()
