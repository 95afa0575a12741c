"""Which machines this server's DHCP knows, by the words in its files.

No format is parsed here: a machine is known where its hardware address, name or address stands in a
lease or in a configuration, as in dnsmasq(8), dhcpd.conf(5), dhcpd.leases(5) and ethers(5) alike.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from glob import glob

LEASES = (
    "/var/lib/misc/dnsmasq.leases",
    "/var/lib/dnsmasq/dnsmasq.leases",
    "/var/lib/dhcp/dhcpd.leases",
    "/var/lib/dhcp/db/dhcpd.leases",
    "/var/lib/dhcpd/dhcpd.leases",
)
"""Where distributions have their DHCP servers keep leases."""

RESERVATIONS = (
    "/etc/dnsmasq.conf", "/etc/dnsmasq.d/*", "/etc/dhcp/dhcpd.conf", "/etc/dhcp/*.conf",
    "/etc/dhcpd.conf", "/etc/dhcpd.conf.d/*", "/etc/ethers",
)  # fmt: skip
"""Where addresses are given to machines for good."""

SIZE_LIMIT = 16 << 20
"""Bytes read of one file."""

_COMMENT = re.compile(r"#.*")
_WORD = re.compile(r"[^\s,;=\"'{}\[\]]+")


def lease_files() -> list[str]:
    """Return the files of leases that this machine has."""
    return [path for path in LEASES if os.path.isfile(path)]


def known_words(leases: Sequence[str]) -> set[str]:
    """Return all words of ``leases`` and of the reservations, in lower case, without comments."""
    paths = [*leases, *(path for pattern in RESERVATIONS for path in glob(pattern))]
    return {word for path in paths for word in _words(path)}


def _words(path: str) -> Iterator[str]:
    with suppress(FileNotFoundError, IsADirectoryError):
        with open(path, encoding="utf-8", errors="replace") as file:
            text = _COMMENT.sub("", file.read(SIZE_LIMIT))
        yield from _WORD.findall(text.lower())
