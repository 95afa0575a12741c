"""Reading hosts(5) and ethers(5). Pure.

In a hosts file stand all machines that somebody wanted to name. Whether one of them is a client,
the caller decides; addresses that no client can be reached at are passed over here.
"""

import ipaddress
from collections.abc import Iterator

from etcsync.host.inventory.draft import Draft, is_meant_as_ip
from etcsync.host.inventory.model import Entry, Place, Reading, Remark


def read_hosts(text: str, file: str) -> Reading:
    """Return what the hosts file ``text`` says; lines with one name are one entry."""
    drafts: dict[str, Draft] = {}
    aliases: dict[str, tuple[str, ...]] = {}
    remarks: list[Remark] = []
    for place, (address, *names) in _rows(text, file):
        if not names:
            remarks.append(Remark(place, "the line has an address and no name"))
        elif not _is_everywhere(address):
            name = _short_name(names)
            draft = drafts.setdefault(name, Draft(place))
            draft.add_name(name, draft.place)
            draft.add_address(address, place)
            aliases[name] = aliases.get(name, ()) + tuple(names)
    entries = [_entry(draft, aliases[name]) for name, draft in drafts.items()]
    remarks += [remark for draft in drafts.values() for remark in draft.remarks()]
    return Reading(tuple(entry for entry in entries if entry), tuple(remarks))


def read_ethers(text: str, file: str) -> Reading:
    """Return what the ethers file ``text`` says."""
    drafts: list[Draft] = []
    remarks: list[Remark] = []
    for place, row in _rows(text, file):
        if len(row) != 2:
            remarks.append(Remark(place, "a line is a MAC address and a name or an address"))
            continue
        mac, machine = row
        draft = Draft(place)
        draft.add_mac(mac, place)
        if is_meant_as_ip(machine):
            draft.add_address(machine, place)
        else:
            draft.add_name(machine, place)
        drafts.append(draft)
    remarks += [remark for draft in drafts for remark in draft.remarks()]
    return Reading(tuple(e for draft in drafts if (e := draft.entry())), tuple(remarks))


def _rows(text: str, file: str) -> Iterator[tuple[Place, list[str]]]:
    """Yield the words of every line that has any, without its comment."""
    for number, line in enumerate(text.split("\n"), start=1):
        if words := line.partition("#")[0].split():
            yield Place(file, number), words


def _is_everywhere(address: str) -> bool:
    """Return whether every machine has this address, or none has it as its own."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (
        parsed.is_loopback or parsed.is_multicast or parsed.is_unspecified or parsed.is_link_local
    )


def _short_name(names: list[str]) -> str:
    """Return the canonical name, or its first label where that is a name of the machine too."""
    label = names[0].partition(".")[0]
    return label if label in names else names[0]


def _entry(draft: Draft, names: tuple[str, ...]) -> Entry | None:
    if not draft.name or not draft.addresses:
        return None
    return Entry(
        draft.place,
        draft.name,
        addresses=tuple(dict.fromkeys(draft.addresses)),
        also=tuple(name for name in dict.fromkeys(names) if name != draft.name.text),
        refused=bool(draft.refusals),
        is_client=False,
    )
