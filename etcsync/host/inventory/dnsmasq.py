"""Reading dnsmasq.conf, after dnsmasq(8): ``dhcp-host`` and the files that hold more of them. Pure.

Of a ``dhcp-host`` the hardware addresses, the IP addresses and the name matter. Client identifiers,
tags and lease times are what dnsmasq does with the machine, and are passed over.
"""

import ipaddress
import re
from collections.abc import Iterator
from enum import Enum, auto

from etcsync.host.inventory.draft import SHOWN, Draft, is_meant_as_ip
from etcsync.host.inventory.model import Format, Include, Place, Reading, Remark

_OPTION = re.compile(r"\s*(-*)([a-z0-9-]+)\s*=(.*)", re.DOTALL)
_PIECE = re.compile(r'"((?:\\.|[^"\\])*)("?)|(,)|(?<!\S)(#).*|([^",])', re.DOTALL)
_LEASE = re.compile(r"[0-9 ]*[0-9][0-9 ]*[smhdw]?|infinite", re.IGNORECASE)
_TYPED_MAC = re.compile(r"([0-9A-Fa-f]{1,2})-(.*:.*)")
_ETHERNET = 1
_HOST_PART = ipaddress.IPv6Network("::/64")
_INCLUDES = {
    "conf-file": (Format.DNSMASQ, "file"),
    "conf-dir": (Format.DNSMASQ, "directory"),
    "dhcp-hostsfile": (Format.DNSMASQ_HOSTS, "either"),
    "dhcp-hostsdir": (Format.DNSMASQ_HOSTS, "directory"),
}


class Field(Enum):
    """What a part of a ``dhcp-host`` is, told from its form as dnsmasq does."""

    MAC = auto()
    ADDRESS = auto()
    NAME = auto()
    IGNORE = auto()
    OTHER = auto()


def field_kind(text: str) -> Field:
    """Return what the part ``text`` of a ``dhcp-host`` is."""
    if text.startswith(("id:", "set:", "tag:", "net:")) or _LEASE.fullmatch(text):
        return Field.OTHER
    if text.startswith("["):
        return Field.ADDRESS
    if ":" in text:
        return Field.MAC
    if is_meant_as_ip(text):
        return Field.ADDRESS
    return Field.IGNORE if text == "ignore" else Field.NAME


def read_dnsmasq(text: str, file: str) -> Reading:
    """Return what the dnsmasq.conf ``text`` says."""
    drafts: list[Draft] = []
    remarks: list[Remark] = []
    includes: list[Include] = []
    for place, line in _lines(text, file):
        if not (match := _OPTION.fullmatch(line)):
            continue
        dashes, option, value = match.groups()
        if dashes and (option == "dhcp-host" or option in _INCLUDES):
            what = f"{dashes}{option} is for the command line; in a file it is written {option}"
            remarks.append(Remark(place, what))
        elif option == "dhcp-host":
            drafts.append(_draft(value, place))
        elif option in _INCLUDES:
            includes += _include(option, value, place)
    return _reading(drafts, remarks, includes)


def read_dhcp_hosts(text: str, file: str) -> Reading:
    """Return what ``text`` says, the content of a file that ``dhcp-hostsfile`` names."""
    return _reading([_draft(line, place) for place, line in _lines(text, file)], [], [])


def _reading(drafts: list[Draft], remarks: list[Remark], includes: list[Include]) -> Reading:
    entries = [entry for draft in drafts if (entry := draft.entry())]
    found = [remark for draft in drafts for remark in draft.remarks()]
    return Reading(tuple(entries), tuple(remarks + found), tuple(includes))


def _lines(text: str, file: str) -> Iterator[tuple[Place, str]]:
    """Yield the lines that are neither empty nor a comment."""
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield Place(file, number), stripped


def _fields(value: str) -> tuple[list[str], bool]:
    """Return the parts between commas, and whether a quote is left open.

    In quotes a comma is no end, and a backslash takes the next character as it is.
    """
    fields, is_open = [""], False
    for piece in _PIECE.finditer(value):
        quoted, closed, comma, comment, plain = piece.groups()
        if comment:
            break
        if comma:
            fields.append("")
        elif quoted is not None:
            fields[-1] += re.sub(r"\\(.)", r"\1", quoted)
            is_open = not closed
        else:
            fields[-1] += plain or ""
    return [field.strip() for field in fields], is_open


def _draft(value: str, place: Place) -> Draft:
    """Return what one ``dhcp-host`` says."""
    draft = Draft(place)
    fields, is_open = _fields(value)
    if is_open:
        draft.refuse(place, "a quote is not closed")
    for field in filter(None, fields):
        kind = field_kind(field)
        if kind is Field.MAC:
            _add_mac(draft, field, place)
        elif kind is Field.ADDRESS:
            _add_address(draft, field, place)
        elif kind is Field.NAME:
            draft.add_name(field, place)
        elif kind is Field.IGNORE:
            what = "dnsmasq is told to ignore this machine, so it is no client"
            draft.not_a_client = Remark(place, what)
    return draft


def _add_mac(draft: Draft, field: str, place: Place) -> None:
    if typed := _TYPED_MAC.fullmatch(field):
        if int(typed[1], 16) != _ETHERNET:
            draft.refuse(
                place, f"{field[:SHOWN]!r} is a hardware address of another kind than Ethernet"
            )
            return
        field = typed[2]
    if "*" in field:
        draft.refuse(
            place, f"{field[:SHOWN]!r} stands for many machines, so it is nobody's MAC address"
        )
    else:
        draft.add_mac(field, place)


def _add_address(draft: Draft, field: str, place: Place) -> None:
    inner = field[1:-1] if field.startswith("[") and field.endswith("]") else field
    if inner != field and "/" in inner:
        draft.refuse(place, f"{field[:SHOWN]!r} is a range, not one address")
        return
    before = len(draft.addresses)
    draft.add_address(inner, place)
    if draft.addresses[before:] and inner != field:
        address = ipaddress.ip_address(draft.addresses[-1].text)
        if address in _HOST_PART:
            draft.addresses.pop()
            draft.refuse(place, f"{field!r} is the end of an address, and its network is not told")


def _include(option: str, value: str, place: Place) -> Iterator[Include]:
    (path, *endings), _ = _fields(value)
    format_, kind = _INCLUDES[option]
    if not path:
        return
    yield Include(
        place,
        path,
        format_,
        "directory" if kind == "directory" else "either" if kind == "either" else "file",
        only=tuple(ending[1:] for ending in endings if ending.startswith("*")),
        without=tuple(ending for ending in endings if ending and not ending.startswith("*")),
    )
