"""What an inventory file says: entries, remarks, and the further files that it names."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple


class Format(StrEnum):
    """How a file names hosts."""

    DNSMASQ = "dnsmasq"
    """dnsmasq.conf: ``dhcp-host=`` among other options, dnsmasq(8)."""
    DNSMASQ_HOSTS = "dnsmasq-hosts"
    """What ``dhcp-hostsfile=`` names: the values of ``dhcp-host``, one a line."""
    DHCPD = "dhcpd"
    """ISC dhcpd.conf(5): ``host`` blocks."""
    HOSTS = "hosts"
    """hosts(5)."""
    ETHERS = "ethers"
    """ethers(5)."""


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Value(NamedTuple):
    """A value in its usual form, and where it stands."""

    text: str
    place: Place


class Remark(NamedTuple):
    """Why something in a file was left out, a sentence without its full stop."""

    place: Place
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file says of one machine; every value could stand in the settings.

    Attributes:
        place: Where the entry begins.
        name: What it is called, or None.
        macs: Its MAC addresses; a client can have one.
        addresses: Its addresses; a client can have one.
        also: Further names of the same machine.
        refused: Whether a value was left out.
        is_client: Whether the entry as such makes the machine a client; a line of hosts(5), which
            may be any machine's, does not.
    """

    place: Place
    name: Value | None = None
    macs: tuple[Value, ...] = ()
    addresses: tuple[Value, ...] = ()
    also: tuple[str, ...] = ()
    refused: bool = False
    is_client: bool = True


@dataclass(frozen=True, slots=True)
class Include:
    """A further file that a file names.

    Attributes:
        place: Where it does.
        path: As it stands there.
        format: What the further file is.
        kind: What the path may be.
        only: How names of files in the directory must end; empty: as they like.
        without: How names of files in the directory must not end.
    """

    place: Place
    path: str
    format: Format
    kind: Literal["file", "directory", "either"] = "file"
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file says."""

    entries: tuple[Entry, ...] = ()
    remarks: tuple[Remark, ...] = ()
    includes: tuple[Include, ...] = ()
