"""The NFS server: whether it runs, where trees are exported from this machine."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity, alone, listed
from etcsync.host.exports import other_lines, read_exported

THREADS = "/proc/fs/nfsd/threads"
"""How many threads the kernel's NFS server runs; nfsd(7)."""

SOCKETS = ("/proc/net/tcp", "/proc/net/tcp6")
LISTENING = re.compile(r"^ *\d+: [0-9A-F]+:0801 [0-9A-F]+:0000 0A ", re.MULTILINE)
"""A socket that listens on port 2049 (hexadecimal 801), whichever server has it; proc_net(5)."""


def nfs_server(facts: Facts) -> Iterator[Finding]:
    """An NFS server runs, if anything is exported from here."""
    settings = facts.settings
    managed = settings.exports.command and os.path.lexists(settings.exports.file)
    exported = _exported(settings.exports.file)
    clients = [name for name, path in facts.tree_paths.items() if path in exported]
    if (managed or clients) and not _is_up():
        whose = (
            f"the trees of {listed(clients)}" if clients else f"what {settings.exports.file} lists"
        )
        yield Finding(
            Severity.WARNING,
            f"no NFS server runs here, so {whose} cannot be mounted, and no client boots",
            "`systemctl enable --now nfs-server`, then `exportfs -ra`.",
            client=alone(clients),
        )


def _is_up() -> bool:
    if any(count.strip() not in {"", "0"} for count in _texts([THREADS])):
        return True
    return any(LISTENING.search(text) for text in _texts(SOCKETS))


def _exported(own: str) -> set[str]:
    """Return the directories that are exported now, or that a file other than ``own`` exports."""
    others = (line.export for line in other_lines(own))
    return {export.path for export in (*(read_exported() or ()), *others)}


def _texts(places: Sequence[str]) -> Iterator[str]:
    for place in places:
        with suppress(FileNotFoundError), open(place, encoding="utf-8", errors="replace") as file:
            yield file.read()
