"""What the statements of one ``host`` block say, after dhcpd.conf(5) and dhcp-options(5). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from etcsync.host.inventory.draft import SHOWN, Draft
from etcsync.host.inventory.model import Place, Remark, Value

_MISSING = "a ';' seems to be missing before or after it"


@dataclass(slots=True)
class Host(Draft):
    """A host block, and what its host is told to call itself."""

    host_name: Value | None = None

    def add_host_name(self, text: str, place: Place) -> None:
        """Take ``text`` for what the host is told to call itself."""
        declared, self.name = self.name, None
        self.add_name(text, place)
        self.host_name, self.name = self.name, declared


def read_statement(host: Host, texts: list[str], place: Place) -> None:
    """Take what one statement of a host block says of the host.

    Args:
        host: The host.
        texts: The statement's words and signs, without the semicolon; one at least.
        place: Where it begins.
    """
    keyword, values = texts[0].lower(), texts[1:]
    if keyword == "hardware":
        _read_hardware(host, values, place)
    elif keyword in {"fixed-address", "fixed-address6"}:
        _read_addresses(host, values, place)
    elif keyword == "option" and values[:1] == ["host-name"]:
        _read_host_name(host, [value for value in values[1:] if value != "="], place)
    elif keyword == "deleted":
        host.not_a_client = Remark(place, "this host is marked as deleted, so it is no client")
    elif keyword in {"deny", "ignore"} and values == ["booting"]:
        host.not_a_client = Remark(place, "this host is not to boot, so it is no client")


def _read_hardware(host: Host, values: list[str], place: Place) -> None:
    kind = values[0].lower() if values else ""
    if kind != "ethernet":
        host.refuse(place, f"hardware {kind[:SHOWN]!r} is no Ethernet")
        return
    for mac in values[1:2]:
        host.add_mac(mac, place)
    if len(values) != 2:
        host.refuse(place, f"'hardware ethernet' takes one address; {_MISSING}")


def _read_addresses(host: Host, values: list[str], place: Place) -> None:
    """Take addresses between commas; what follows one without a comma is something else."""
    for position, value in enumerate(values):
        if value != "," and (position == 0 or values[position - 1] == ","):
            host.add_address(value, place, or_name=True)
    commas = [value == "," for value in values]
    if not values or commas != [position % 2 == 1 for position in range(len(values))]:
        host.refuse(place, f"'fixed-address' takes addresses between commas; {_MISSING}")


def _read_host_name(host: Host, values: list[str], place: Place) -> None:
    for name in values[:1]:
        host.add_host_name(name, place)
    if len(values) != 1:
        host.refuse(place, f"'option host-name' takes one name; {_MISSING}")


def name_hosts(hosts: Iterable[Host]) -> None:
    """Let each host go by what it is told to call itself, where that tells it from the others."""
    called: dict[str, list[Host]] = {}
    for host in hosts:
        if host.host_name:
            called.setdefault(host.host_name.text, []).append(host)
    for name, same in called.items():
        blocks = dict.fromkeys(host.name.text for host in same if host.name)
        for host in same:
            others = [block for block in blocks if host.name and block != host.name.text]
            if not others:
                host.name = host.host_name
            elif host.host_name:
                what = f"the host name {name!r} is left out: {', '.join(others[:3])} has it too"
                host.refuse(host.host_name.place, what)
