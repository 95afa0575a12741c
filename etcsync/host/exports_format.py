"""The exports file: who may mount what from this server, and with which options; exports(5). Pure.

exportfs(8) writes what it exports in the same form, with every option spelled out, into
``/var/lib/nfs/etab``.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from etcsync.host.export_options import Meaning, meaning

WORLD = "*"
"""Every machine."""

HEADER = """\
# Written by etcsync from its settings: what is changed here is overwritten.
# `etcsync exports show` prints it, `etcsync exports apply` writes it and exports it.
"""

_SPECIAL = re.compile(r"(?![A-Za-z0-9_./@%+=:,~^-])[\x00-\x7f]")
_ESCAPE = re.compile(r"\\([0-7]{3})")
_TOKEN = re.compile(r'(?:"[^"\n]*"?|[^\s"])+')
_CONTINUED = re.compile(r"\\\n")
_CLIENT = re.compile(r"([^()]*)(?:\(([^()]*)\))?")


class Export(NamedTuple):
    """One directory for one client.

    Attributes:
        path: The directory.
        client: An address, a network, a host name, or `WORLD`.
        options: The options, as they stand in parentheses.
    """

    path: str
    client: str
    options: str

    @property
    def key(self) -> tuple[str, str]:
        """What tells whether two exports are of the same directory to the same client."""
        return self.path, usual_client(self.client)

    @property
    def meaning(self) -> Meaning:
        """What the options amount to."""
        return meaning(self.options)


class ExportLine(NamedTuple):
    """An export, and the line of a file that it begins in, counted from 1."""

    number: int
    export: Export


def render_exports(exports: Iterable[Export]) -> str:
    """Return the text of an exports file with these exports, sorted, one a line."""
    lines = (f"{_quoted(e.path)} {e.client}({e.options})\n" for e in sorted(exports))
    return HEADER + "".join(lines)


def parse_exports(text: str) -> Iterator[ExportLine]:
    """Yield the exports in the text of an exports file, or of etab; what is wrong is left out."""
    number = 1
    for line in _CONTINUED.sub("\0", text).split("\n"):
        words = list(_words(line.replace("\0", " ")))
        if words:
            path, *clients = words
            for export in _line_exports(_unquoted(path), clients):
                yield ExportLine(number, export)
        number += 1 + line.count("\0")


def can_be_exported(path: str) -> bool:
    """Whether exportfs can keep apart from others a directory of this name.

    It writes a line feed into etab as it is.
    """
    return path.isprintable()


@lru_cache(maxsize=8192)
def usual_client(client: str) -> str:
    """Return a client in the form that all ways to write it share."""
    try:
        network = ipaddress.ip_network(client, strict=False)
    except ValueError:
        return client.lower()
    alone = network.prefixlen == network.max_prefixlen
    return str(network.network_address if alone else network)


def is_network(client: str) -> bool:
    """Whether a client, as the settings have it, stands for more than one machine."""
    return "/" in usual_client(client)


@lru_cache(maxsize=8192)
def is_name(client: str) -> bool:
    """Whether a client is a name that has to be looked up."""
    try:
        ipaddress.ip_network(client, strict=False)
    except ValueError:
        return True
    return False


def _line_exports(path: str, clients: list[str]) -> Iterator[Export]:
    defaults = ""
    if not clients:
        yield Export(path, WORLD, "")
    for word in clients:
        if word.startswith("-"):
            defaults = word[1:]
            continue
        found = _CLIENT.fullmatch(word)
        if found:
            options = ",".join(filter(None, (defaults, found[2])))
            yield Export(path, found[1] or WORLD, options)


def _words(line: str) -> Iterator[str]:
    for found in _TOKEN.finditer(line):
        if found[0].startswith("#"):
            return
        yield found[0]


def _quoted(path: str) -> str:
    return _SPECIAL.sub(lambda found: f"\\{ord(found[0]):03o}", path)


def _unquoted(word: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), word.replace('"', ""))
