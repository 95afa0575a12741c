"""Entries of one machine brought together, from whichever files they are. Pure.

An entry without a name is that of the machine with the same address. A hosts file gives a client
that another file names its address; a machine that stands in hosts files alone is a client only if
it was asked for, or if its address is in the clients' network.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from etcsync.config import Client, Server
from etcsync.host.inventory.model import Entry, Remark, Value

Key = Literal["address", "mac"]


@dataclass(slots=True)
class Machine:
    """What is said of one machine.

    Attributes:
        name: What it is called.
        entries: Where it is said.
        values: What came out of it.
        refused: Whether something of it was left out.
    """

    name: str
    entries: list[Entry] = field(default_factory=list)
    values: dict[Key, Value] = field(default_factory=dict)
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Which machines of the files are meant.

    Attributes:
        server: The server and the clients' network: who is in it is a client.
        match: The pattern of their names, as of files in the shell; empty: those that are clients.
    """

    server: Server
    match: str = ""

    def admits(self, name: str, entries: Sequence[Entry]) -> bool:
        """Return whether the machine of that name is meant."""
        if self.match:
            return fnmatchcase(name, self.match)
        return any(
            entry.is_client or any(self._is_near(value.text) for value in entry.addresses)
            for entry in entries
        )

    def _is_near(self, address: str) -> bool:
        if not self.server.network or address == self.server.address:
            return False
        return ipaddress.ip_address(address) in ipaddress.ip_network(self.server.network)


@dataclass(slots=True)
class Machines:
    """The machines that are meant, in the order of the files.

    Attributes:
        machines: They.
        remarks: The entries that are nobody's.
        passed_over: How many more machines the files speak of.
    """

    machines: list[Machine] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    passed_over: int = 0


def machines(
    entries: Sequence[Entry], known: Mapping[str, Client], selection: Selection
) -> Machines:
    """Return the machines of ``entries``; ``known`` are the clients of the settings by name."""
    result = Machines()
    groups: dict[str, Machine] = {}
    names = _Names(entries, known)
    for entry in entries:
        name = names.of(entry)
        if name is None:
            result.remarks.append(Remark(entry.place, "the entry has no name, so it is no client"))
            continue
        machine = groups.setdefault(name, Machine(name))
        machine.entries.append(entry)
        machine.refused = machine.refused or entry.refused
    for machine in groups.values():
        wanted = machine.name in known and not selection.match
        if wanted or selection.admits(machine.name, machine.entries):
            result.machines.append(machine)
        else:
            result.passed_over += 1
    return result


class _Names:
    """What the machine of an entry is called."""

    def __init__(self, entries: Sequence[Entry], known: Mapping[str, Client]) -> None:
        clients = [entry for entry in entries if entry.is_client]
        self._clients = {*known, *(entry.name.text for entry in clients if entry.name)}
        self._by_address = {client.address: client.name for client in known.values()}
        for entry in (*clients, *entries):
            for address in entry.addresses:
                if entry.name:
                    self._by_address.setdefault(address.text, entry.name.text)

    def of(self, entry: Entry) -> str | None:
        """Return the name of the entry's machine, or None.

        A line of a hosts file belongs to a client that it gives one of its names or its address.
        """
        by_address = next(
            (name for a in entry.addresses if (name := self._by_address.get(a.text))), None
        )
        if entry.name is None:
            return by_address
        if entry.is_client:
            return entry.name.text
        own = (entry.name.text, *entry.also)
        of_client = next((name for name in own if name in self._clients), None)
        return of_client or (by_address if by_address in self._clients else None) or own[0]
