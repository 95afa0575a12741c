"""A machine whose exports and mounts are a test's own, in a mount namespace that ends with it."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster import CLEAN_ENVIRONMENT, Answer, Cluster

PREPARE = """
set -eu
mount --make-rprivate /
mount --bind "$0/etc" /etc
mount --bind "$0/nfs" /var/lib/nfs
echo ready
exec sleep infinity
"""

SERVER = """
[server]
address = "192.168.78.1"
network = "192.168.78.0/24"
"""

ENVIRONMENT = {**CLEAN_ENVIRONMENT, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


@dataclass
class Server:
    """A cluster on a machine of its own: what is mounted and exported there is nowhere else."""

    cluster: Cluster
    keeper: subprocess.Popen[bytes]
    place: Path

    @classmethod
    @contextmanager
    def of(cls, cluster: Cluster, place: Path) -> Iterator["Server"]:
        """Give ``cluster`` a machine whose files lie below ``place``."""
        if shutil.which("exportfs", path=ENVIRONMENT["PATH"]) is None:
            pytest.skip("needs exportfs (Debian: nfs-kernel-server)")
        (place / "nfs").mkdir(parents=True)
        for name in ("etab", "rmtab"):
            (place / "nfs" / name).touch()
        subprocess.run(["cp", "-a", "/etc", place / "etc"], check=True)
        shutil.rmtree(place / "etc/exports.d", ignore_errors=True)
        (place / "etc/exports").write_text("")
        keeper = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", PREPARE, place], stdout=subprocess.PIPE
        )
        try:
            assert keeper.stdout is not None
            assert keeper.stdout.readline() == b"ready\n"
            server = cls(cluster, keeper, place)
            server.manage()
            yield server
        finally:
            keeper.kill()
            keeper.communicate()

    def manage(self) -> None:
        """Have the cluster's settings name that machine's own exports and mounts."""
        text = self.cluster.settings.read_text()
        text = text.replace("command = []\n", "")
        text = text.replace(f'file = "{self.cluster.place}/exports"\n', "")
        text = text.replace(f'fstab = "{self.cluster.place}/fstab"\n', "")
        self.cluster.settings.write_text(f"{text}{SERVER}")

    def enter(self) -> None:
        """Have the process that calls this see that machine's mounts; setns(2)."""
        library = ctypes.CDLL(None, use_errno=True)
        here = os.open(f"/proc/{self.keeper.pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        if library.setns(here, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(here)

    def give_addresses(self, clients: int) -> None:
        """Give the first clients addresses: 192.168.78.50 and so on."""
        text = self.cluster.settings.read_text()
        for number in range(clients):
            name = f'name = "client{number}"\n'
            text = text.replace(name, f'{name}address = "192.168.78.{50 + number}"\n')
        self.cluster.settings.write_text(text)

    def set(self, table: str, line: str) -> None:
        """Put a line into a table of the settings, in place of the one with that key."""
        key = line.partition("=")[0]
        text = self.cluster.settings.read_text()
        text = "".join(each for each in text.splitlines(True) if not each.startswith(key))
        self.cluster.settings.write_text(text.replace(f"[{table}]\n", f"[{table}]\n{line}\n"))

    @staticmethod
    def exported(path: Path, client: str) -> str:
        """Return how `etab` tells an export."""
        return f"{str(path).replace(' ', chr(92) + '040')} {client}"

    def _inside(self, place: Path) -> list[str]:
        return ["nsenter", f"--mount=/proc/{self.keeper.pid}/ns/mnt", f"--wdns={place}", "--"]

    def call(self, *command: str | Path) -> subprocess.CompletedProcess[bytes]:
        """Run a program on that machine."""
        arguments = [*self._inside(self.place), *command]
        return subprocess.run(
            arguments, env=ENVIRONMENT, capture_output=True, check=False, timeout=120
        )

    def start(self, *command: str, cwd: Path) -> subprocess.Popen[bytes]:
        """Leave a program running on that machine."""
        return subprocess.Popen([*self._inside(cwd), *command], env=ENVIRONMENT)

    def output(self, *command: str | Path) -> str:
        done = self.call(*command)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def etcsync(self, *arguments: str, status: int | None = 0) -> Answer:
        done = self.call(*self.command(*arguments))
        answer = Answer(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in answer.err, answer.err
        if status is not None:
            assert answer.status == status, f"{arguments}: {answer}"
        return answer

    def command(self, *arguments: str) -> list[str]:
        config = str(self.cluster.settings)
        return [sys.executable, "-m", "etcsync", "--config", config, *arguments]

    @property
    def etab(self) -> list[str]:
        """What is exported now: directory, a blank, client; sorted."""
        lines = (self.place / "nfs/etab").read_text().splitlines()
        return sorted(line.partition("(")[0].replace("\t", " ") for line in lines)

    def mounted(self, point: Path) -> bool:
        return self.call("mountpoint", "-q", point).returncode == 0
