"""The kinds of values that stand in the settings file, each read into one usual form.

Every check raises `ValueError` with a sentence that names the value and shows how to write it;
pydantic gathers them. Relative paths need the validation context ``{"folder": …}``.
"""

import ipaddress
import os
import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt, ValidationInfo

from etcsync.quantities import Duration

CLIENT = "{client}"
"""Stands for the client's name in ``trees.path``."""

RESERVED_NAMES = frozenset({"upstream"})
"""Names that no client may have: the hub's branches of that name are etcsync's own."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_HOST = re.compile(r"(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*"
                   r"(?!\d+$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")  # fmt: skip


class IncidentKind(StrEnum):
    """What the daemon keeps as an incident while it lasts."""

    CONFLICT = "conflict"
    """A path is held."""
    ERROR = "error"
    """A client could not be reconciled, or none could."""
    HEAL = "heal"
    """A client's change of a path was put back."""
    SUSPENSION = "suspension"
    """A client's tree is not written to."""


def _absolute(path: str, info: ValidationInfo) -> str:
    """Return ``path`` without ``.`` and ``..``; a relative one starts at the settings' folder."""
    if not path or "\0" in path:
        raise ValueError("is not a path")
    joined = os.path.join((info.context or {}).get("folder", "/"), path)
    return "/" + os.path.normpath(joined).lstrip("/")


def _client_name(name: str) -> str:
    """Return ``name`` if it can name a host and a git branch (git-check-ref-format(1))."""
    if not _NAME.fullmatch(name) or len(name) > 63 or ".." in name or name.endswith(".lock"):
        raise ValueError(
            f"{name!r} cannot name a client; use up to 63 letters, digits, '.', '_' and '-', with "
            "a letter or digit at both ends, no '..' and no '.lock' at the end"
        )
    if name in RESERVED_NAMES:
        raise ValueError(f"{name!r} is reserved: the hub's branch of that name is upstream's")
    return name


def _ip_address(address: str) -> str:
    """Return the address of one host in its usual form; empty stays empty."""
    return str(ipaddress.ip_address(address)) if address else ""


def _network(network: str) -> str:
    """Return ``network`` as address and prefix length, host bits cleared; empty stays empty."""
    return str(ipaddress.ip_network(network, strict=False)) if network else ""


def _client_address(address: str) -> str:
    """Return an address, a network or a host name (RFC 1123) in its usual form."""
    for parse in (_ip_address, _network):
        try:
            return parse(address)
        except ValueError:
            continue
    if not _HOST.fullmatch(address):
        raise ValueError(f"{address!r} is neither an IP address, nor a network, nor a host name")
    return address.lower()


def _mac(mac: str) -> str:
    """Return a MAC address as six pairs of lower-case hexadecimal digits with colons."""
    pairs = r"([0-9a-f]{2}[:-]){5}[0-9a-f]{2}|([0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{12}"
    if mac and not re.fullmatch(pairs, mac, re.IGNORECASE):
        raise ValueError(f"{mac!r} is not a MAC address; write it like '00:e0:66:59:89:84'")
    digits = re.sub("[^0-9a-f]", "", mac.lower())
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))


def _label(label: str) -> str:
    """Return ``label`` if a rule's ``label:…`` selector can name it."""
    if not _NAME.fullmatch(label):
        raise ValueError(f"{label!r} cannot be a label; use letters, digits, '.', '_' and '-'")
    return label


def _options(options: str) -> str:
    """Return export options, which stand in parentheses in the exports file (exports(5))."""
    if not re.fullmatch(r"[^\s()#\\\"]+", options):
        raise ValueError(f"{options!r} are not export options; write them like 'ro,subtree_check'")
    return options


def _listen(listen: str) -> str:
    """Return ``host:port``, an IPv6 address in brackets; empty stays empty."""
    host, _, port = listen.rpartition(":")
    valid = port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536
    if listen and not (valid and re.fullmatch(r"\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+", host)):
        raise ValueError(f"{listen!r} is not host:port; write it like '127.0.0.1:9418'")
    return listen


def _interval(seconds: float) -> float:
    """Return ``seconds`` if something can happen every so many seconds."""
    if seconds <= 0:
        raise ValueError("must be longer than 0")
    return seconds


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return a program with its arguments; empty stays empty."""
    if words and (not words[0] or "\0" in "".join(words)):
        raise ValueError("names no program; write it like ['/usr/local/bin/tell', '--urgent']")
    return words


def _tree_template(path: str) -> str:
    """Return ``path`` if it leads to a directory of its own for each client."""
    if CLIENT not in path:
        raise ValueError(f"{path!r} must contain {CLIENT}, which stands for the client's name")
    return path


Path = Annotated[str, AfterValidator(_absolute)]
TreeTemplate = Annotated[Path, AfterValidator(_tree_template)]
IpAddress = Annotated[str, AfterValidator(_ip_address)]
Network = Annotated[str, AfterValidator(_network)]
ExportOptions = Annotated[str, AfterValidator(_options)]
ListenAddress = Annotated[str, AfterValidator(_listen)]
Interval = Annotated[Duration, AfterValidator(_interval)]
Command = Annotated[tuple[str, ...], AfterValidator(_command)]
Percent = Annotated[StrictInt, Field(ge=0, le=100)]
ClientName = Annotated[str, AfterValidator(_client_name)]
ClientAddress = Annotated[str, AfterValidator(_client_address)]
MacAddress = Annotated[str, AfterValidator(_mac)]
Label = Annotated[str, AfterValidator(_label)]
