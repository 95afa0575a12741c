"""The line for /boot in the fstab of the client that may write it, and in no other's.

It is brought to a tree as an administrator's decision is: a choice for one path, which walks the
road like any other change.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from etcsync.config import Settings
from etcsync.entries import Entry, Kind
from etcsync.errors import TreeError
from etcsync.host.fstab import (
    FstabError,
    FstabLine,
    has_block,
    has_line,
    mounts,
    with_block,
    without_block,
)
from etcsync.plan.model import Choice
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.intervention import Choices, Intervention
from etcsync.reconcile.model import Cause
from etcsync.reconcile.validating import Planned
from etcsync.tree.beneath import open_tree
from etcsync.tree.reading import read_file

FSTAB = "fstab"
BOOT = "/boot"
NEW = Entry(Kind.FILE, "", 0o644, 0, 0)

_NOT_CLIENTS = {
    Strategy.IGNORE: "policy ignores it",
    Strategy.UPSTREAM: "policy gives it to upstream",
    Strategy.MIRROR: "policy mirrors it",
}


def client_line(settings: Settings) -> FstabLine | None:
    """Return the line that a client mounts /boot by; None where the server has no address."""
    address = settings.server.address
    if not address:
        return None
    host = f"[{address}]" if ":" in address else address
    return FstabLine(f"{host}:{settings.boot.mount}", BOOT, "nfs", "rw")


def with_line(settings: Settings, name: str, content: bytes) -> bytes:
    """Return the fstab ``content`` of the client ``name`` as the settings want it.

    A line without marks that mounts the same with other options is the administrator's, and stays.

    Raises:
        FstabError: The marks in it do not stand as etcsync sets them.
    """
    if name != settings.boot.writer:
        return without_block(content)
    line = client_line(settings)
    if line is None:
        return content
    own_way = mounts(content, line) and not has_line(content, line)
    return content if own_way and not has_block(content) else with_block(content, line)


def live_fstab(settings: Settings, name: str) -> bytes:
    """Return the fstab in a client's tree as it is now; empty where there is none.

    Raises:
        TreeError: It is no regular file, is too large, or cannot be read.
    """
    with open_tree(settings.tree_path(name)) as tree:
        try:
            with tree.place(FSTAB) as place:
                content = read_file(tree, place, settings.limits.max_file_size).content
        except FileNotFoundError:
            return b""
        except OSError as error:
            said = os.strerror(error.errno or 0)
            raise TreeError(f"the fstab of {name} cannot be read: {said}") from error
    if content is None:
        raise TreeError(f"the fstab of {name} is larger than limits.max_file_size")
    return content


@dataclass
class BootLines:
    """Decides the fstab of each client that does not have what the settings want.

    Attributes:
        settings: The settings.
        in_use: Whether any client may have, or has to have, a line; else nothing is looked at.
        warnings: Why it cannot be as it should, by client.
    """

    settings: Settings
    in_use: bool = True
    warnings: dict[str, str] = field(default_factory=dict)
    _marked: dict[str, bool] = field(default_factory=dict)

    def intervention(self, cause: Cause) -> Intervention:
        """Return the part in a run that brings the lines."""
        return Intervention(cause, self._choices)

    def _choices(self, cluster: Cluster, planned: Mapping[str, Planned]) -> Mapping[str, Choices]:
        found = {}
        for name, each in planned.items() if self.in_use else ():
            self.warnings.pop(name, None)
            choice = None if name in cluster.suspensions else self._choice(cluster, name, each)
            if choice is not None:
                found[name] = {FSTAB: choice}
        return found

    def _choice(self, cluster: Cluster, name: str, planned: Planned) -> Choice | None:
        """Return what the client's fstab is to be, where it will be something else otherwise."""
        entry = _planned_entry(planned)
        obstacle = _unreachable(planned, entry)
        is_writer = name == self.settings.boot.writer
        if not is_writer and (obstacle or entry is None or not self._is_marked(cluster, entry)):
            return None
        content = cluster.merger.read(entry.oid) if entry and not obstacle else b""
        try:
            wanted = with_line(self.settings, name, content)
        except FstabError as error:
            wanted, obstacle = b"", str(error)
        obstacle = obstacle or (_held(planned) if wanted != content else None)
        if obstacle:
            self.warnings[name] = f"{FSTAB} of {name} is not put right for {BOOT}: {obstacle}"
            return None
        if wanted == content:
            return None
        after = (entry or NEW)._replace(oid=cluster.contents.put(wanted))
        return Choice(after, f"{BOOT} is {'its' if is_writer else 'no longer its'} to write")

    def _is_marked(self, cluster: Cluster, entry: Entry) -> bool:
        if entry.oid not in self._marked:
            self._marked[entry.oid] = has_block(cluster.merger.read(entry.oid))
        return self._marked[entry.oid]


def _planned_entry(planned: Planned) -> Entry | None:
    """Return what the tree will have as its fstab if nothing is chosen."""
    actions = (action.after for action in planned.plan.actions if action.path == FSTAB)
    return next(actions, planned.snapshot.sides.recorded(FSTAB))


def _unreachable(planned: Planned, entry: Entry | None) -> str | None:
    """Return why etcsync does not decide the fstab, or cannot read it; None where it can."""
    strategy = planned.snapshot.policy.treatment(FSTAB).strategy
    if strategy in _NOT_CLIENTS:
        return _NOT_CLIENTS[strategy]
    if entry is not None and entry.kind is not Kind.FILE:
        return "it is no regular file, or is not recorded"
    return None


def _held(planned: Planned) -> str | None:
    ids = [hold.id for hold in planned.plan.holds if hold.path == FSTAB]
    return f"it is held: etcsync resolve {ids[0]}" if ids else None
