"""An entry in the making: values are checked as they are found, and refused with a remark."""

import re
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from etcsync.host.inventory.model import Entry, Place, Remark, Value
from etcsync.setting_types import ClientAddress, ClientName, IpAddress, MacAddress

_NAME: TypeAdapter[str] = TypeAdapter(ClientName)
_MAC: TypeAdapter[str] = TypeAdapter(MacAddress)
_IP: TypeAdapter[str] = TypeAdapter(IpAddress)
_ADDRESS: TypeAdapter[str] = TypeAdapter(ClientAddress)

_SHORT_MAC = re.compile(r"[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{1,2}){5}")
_MEANT_AS_IP = re.compile(r"\[|\d{1,3}\.\d{1,3}\.")
_SHOWABLE = re.compile(r"[\w:.*/%\[\]-]{1,63}", re.ASCII)
SHOWN = 63
"""Characters of a word of the file that are shown."""


def is_meant_as_ip(text: str) -> bool:
    """Return whether ``text`` is, or was meant to be, an IP address and not a host name."""
    return ":" in text or _MEANT_AS_IP.match(text) is not None


@dataclass(slots=True)
class Draft:
    """What was found of one machine so far; `entry` and `remarks` give it in the end."""

    place: Place
    name: Value | None = None
    macs: list[Value] = field(default_factory=list)
    addresses: list[Value] = field(default_factory=list)
    refusals: list[Remark] = field(default_factory=list)
    not_a_client: Remark | None = None
    """Why it is none, where the entry says so."""

    def refuse(self, place: Place, what: str) -> None:
        """Remark that a value is left out, and why."""
        self.refusals.append(Remark(place, what))

    def add_name(self, text: str, place: Place) -> None:
        """Take ``text`` for the machine's name; a later one replaces it, as the last one holds."""
        if name := self._checked(_NAME, text, place):
            self.name = Value(name, place)

    def add_mac(self, text: str, place: Place) -> None:
        """Take ``text`` for one of its MAC addresses; leading zeros may be missing."""
        if _SHORT_MAC.fullmatch(text):
            text = ":".join(pair.zfill(2) for pair in text.split(":"))
        if mac := self._checked(_MAC, text, place):
            self.macs.append(Value(mac, place))

    def add_address(self, text: str, place: Place, *, or_name: bool = False) -> None:
        """Take ``text`` for one of its IP addresses, or where ``or_name`` says so a host name."""
        by_name = or_name and "/" not in text and not is_meant_as_ip(text)
        kind, what = (_ADDRESS, "") if by_name else (_IP, f"{text!r} is not an IP address")
        if address := self._checked(kind, text, place, what):
            self.addresses.append(Value(address, place))

    def entry(self) -> Entry | None:
        """Return the entry, or None where it is told to be none."""
        if self.not_a_client:
            return None
        return Entry(
            self.place,
            self.name,
            tuple(dict.fromkeys(self.macs)),
            tuple(dict.fromkeys(self.addresses)),
            refused=bool(self.refusals),
        )

    def remarks(self) -> list[Remark]:
        """Return what was left out."""
        if self.not_a_client:
            return [self.not_a_client]
        whose = f"{self.name.text}: " if self.name else ""
        return [Remark(place, whose + what) for place, what in self.refusals]

    def _checked(self, kind: TypeAdapter[str], text: str, place: Place, what: str = "") -> str:
        """Return ``text`` in its usual form; empty, with a remark, where it is no such thing.

        ``what`` is the remark; empty: what the check says. Text unlike any value is not shown: a
        file that was included by mistake may hold secrets.
        """
        if not _SHOWABLE.fullmatch(text):
            self.refuse(place, "what stands here is no value that can be used")
            return ""
        try:
            return kind.validate_python(text)
        except ValidationError as error:
            self.refuse(place, what or error.errors()[0]["msg"].removeprefix("Value error, "))
            return ""
