"""From what files say to what the settings lack. Pure.

One principle decides: where two entries contradict each other, nobody can tell which one is right,
so the value is left out; the rest of both still counts. What the settings say already is right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from etcsync.config import Client
from etcsync.host.inventory.machines import Key, Machine, Selection, machines
from etcsync.host.inventory.model import Place, Reading, Remark
from etcsync.host.inventory.settling import KEYS, part, settle


class Act(StrEnum):
    """What an import does with a client."""

    ADD = "add"
    COMPLETE = "complete"
    KNOWN = "known"
    """Nothing: the settings have all of it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A client that files speak of.

    Attributes:
        client: Its name, and the values that the settings lack.
        act: What is to be done with it.
        places: The entries that speak of it.
    """

    client: Client
    act: Act
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What files have for the settings.

    Attributes:
        found: The clients, in the order of the files.
        remarks: What was left out, and why.
        passed_over: How many machines were not asked for.
    """

    found: tuple[Found, ...]
    remarks: tuple[Remark, ...]
    passed_over: int


def gather(readings: Iterable[Reading], known: Sequence[Client], selection: Selection) -> Gathered:
    """Return what ``readings`` have for settings in which the clients ``known`` are."""
    readings = list(readings)
    remarks = [remark for reading in readings for remark in reading.remarks]
    entries = [entry for reading in readings for entry in reading.entries]
    by_name = {client.name: client for client in known}
    grouped = machines(entries, by_name, selection)
    remarks += grouped.remarks
    for machine in grouped.machines:
        remarks += settle(machine, by_name.get(machine.name))
    remarks += part(grouped.machines, known)
    found = []
    for machine in grouped.machines:
        if machine.refused and not machine.values and machine.name not in by_name:
            what = f"{machine.name} is left out: nothing that is said of it can be used"
            remarks.append(Remark(machine.entries[0].place, what))
        else:
            found.append(_found(machine, by_name))
    return Gathered(tuple(found), _in_order(remarks), grouped.passed_over)


def _in_order(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """Return the remarks, each once, as their places follow each other in each file."""
    once = list(dict.fromkeys(remarks))
    files = {file: number for number, file in enumerate(dict.fromkeys(r.place.file for r in once))}
    return tuple(sorted(once, key=lambda remark: (files[remark.place.file], remark.place.line)))


def _found(machine: Machine, known: Mapping[str, Client]) -> Found:
    client = known.get(machine.name)
    gained: dict[Key, str] = {
        key: value.text
        for key in KEYS
        if (value := machine.values.get(key)) and not (client and getattr(client, key))
    }
    act = Act.ADD if client is None else Act.COMPLETE if gained else Act.KNOWN
    places = tuple(dict.fromkeys(entry.place for entry in machine.entries))
    return Found(Client.model_validate({"name": machine.name, **gained}), act, places)
