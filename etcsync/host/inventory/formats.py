"""Which format an inventory file has, and what reads it. Pure."""

import re
from collections.abc import Callable, Mapping

from etcsync.host.inventory.dhcpd import read_dhcpd
from etcsync.host.inventory.dnsmasq import read_dhcp_hosts, read_dnsmasq
from etcsync.host.inventory.model import Format, Reading
from etcsync.host.inventory.tables import read_ethers, read_hosts

READERS: Mapping[Format, Callable[[str, str], Reading]] = {
    Format.DNSMASQ: read_dnsmasq,
    Format.DNSMASQ_HOSTS: read_dhcp_hosts,
    Format.DHCPD: read_dhcpd,
    Format.HOSTS: read_hosts,
    Format.ETHERS: read_ethers,
}
"""What reads a file's text; the second argument is what the file is called in remarks."""

_MAC = r"[0-9A-Fa-fxX]{1,2}(?::[0-9A-Fa-fxX]{1,2}){5}"
_SIGNS: tuple[tuple[Format, re.Pattern[str]], ...] = (
    (Format.DNSMASQ, re.compile(r"-*(dhcp|conf|domain|server|address|interface|tftp)[\w-]*\s*=")),
    (Format.DHCPD, re.compile(r"(host|subnet|group|pool|class|shared-network)\b[^=]*\{")),
    (Format.DHCPD, re.compile(r"(hardware|fixed-address|option|include|allow)\s.*;")),
    (Format.DNSMASQ_HOSTS, re.compile(rf"({_MAC}|id:[^,\s]+),")),
    (Format.ETHERS, re.compile(rf"{_MAC}\s+\S+$")),
    (Format.HOSTS, re.compile(r"([0-9]{1,3}\.[0-9]{1,3}\.|[0-9A-Fa-f]*:[0-9A-Fa-f:]*)\S*\s+\S")),
)
"""Lines that one format has and the others have not."""


def guess_format(file: str, text: str) -> Format | None:
    """Return the format of a file with this name and text, or None if nothing tells.

    The first line counts that is typical of a format; a file without one goes by its name.
    """
    for line in text.split("\n"):
        bare = line.strip()[:1000]
        if not bare or bare.startswith("#"):
            continue
        for format_, sign in _SIGNS:
            if sign.match(bare):
                return format_
    name = file.rpartition("/")[2].lower()
    for format_ in (Format.DNSMASQ, Format.DHCPD, Format.ETHERS, Format.HOSTS):
        if format_.value in name:
            return format_
    return None
