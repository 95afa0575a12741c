"""One address and one MAC address for each machine, and none for two. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from etcsync.config import Client
from etcsync.host.inventory.machines import Key, Machine
from etcsync.host.inventory.model import Entry, Remark, Value

KEYS: tuple[Key, ...] = ("address", "mac")
"""What a client has one of, and no other client has."""

_WORDS: Mapping[Key, str] = {"address": "address", "mac": "MAC address"}
_SHOWN = 3
"""Other machines named in a remark."""


def settle(machine: Machine, known: Client | None) -> list[Remark]:
    """Choose the machine's values; return what is left out.

    Args:
        machine: What files say; its values are set here.
        known: What the settings say of it.
    """
    remarks: list[Remark] = []
    for key in KEYS:
        lists = [values for entry in machine.entries if (values := _values(entry, key))]
        if lists:
            chosen, left_out = _choose(machine.name, key, lists, getattr(known, key, ""))
            remarks += left_out
            machine.refused = machine.refused or bool(left_out)
            if chosen:
                machine.values[key] = chosen
    return remarks


def part(machines: Sequence[Machine], known: Iterable[Client]) -> list[Remark]:
    """Take values from machines that have them in common; return what is left out."""
    remarks: list[Remark] = []
    known = list(known)
    for key in KEYS:
        owners = {getattr(client, key): client.name for client in known}
        claims: dict[str, list[Machine]] = {}
        for machine in machines:
            if value := machine.values.get(key):
                claims.setdefault(value.text, []).append(machine)
        for text, claimants in claims.items():
            remarks += _part(key, claimants, owners.get(text))
    return remarks


def _values(entry: Entry, key: Key) -> tuple[Value, ...]:
    return entry.addresses if key == "address" else entry.macs


def _choose(
    name: str, key: Key, lists: Sequence[Sequence[Value]], known: str
) -> tuple[Value | None, list[Remark]]:
    """Return the one value of a machine, or None, and remarks on the others.

    Args:
        name: The machine's name.
        key: Which value.
        lists: What each entry offers, the one to prefer first; none is empty.
        known: What the settings have; empty: nothing.
    """
    first: dict[str, Value] = {}
    for value in (value for values in lists for value in values):
        first.setdefault(value.text, value)
    common = set.intersection(*({value.text for value in values} for values in lists))
    agreed = {known} & first.keys() if known else common
    chosen = next((value for text, value in first.items() if text in agreed), None)
    if chosen:
        why = f"a client has one {_WORDS[key]}, and this one has {chosen.text}"
    elif known:
        why = f"the {_WORDS[key]} in the settings is {known}"
    else:
        why = f"other entries give it another {_WORDS[key]}"
    return chosen, [
        Remark(value.place, f"{name}: {value.text} is left out: {why}")
        for value in first.values()
        if value is not chosen
    ]


def _part(key: Key, claimants: Sequence[Machine], owner: str | None) -> Iterator[Remark]:
    """Leave a value to the client that has it in the settings, or else to nobody."""
    if owner is None and len(claimants) == 1:
        return
    claims = [(machine.name, machine.values[key]) for machine in claimants]
    for machine in claimants:
        if machine.name == owner:
            continue
        value = machine.values.pop(key)
        machine.refused = True
        others = [f"{name} ({claim.place})" for name, claim in claims if name != machine.name]
        whose = f"{owner} in the settings" if owner else ", ".join(others[:_SHOWN])
        what = f"the {_WORDS[key]} {value.text} is left out: it is also that of {whose}"
        yield Remark(value.place, f"{machine.name}: {what}")
