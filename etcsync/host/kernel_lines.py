"""Boot loader configurations as text: where kernels' parameters stand in them, and for whom. Pure.

The formats are those of PXELINUX (``doc/syslinux.txt`` and ``doc/pxelinux.txt`` of Syslinux), of
GRUB (its manual, "The GRUB command-line", ``linux``, and "Network", for names of files) and of iPXE
(its reference of commands, ``kernel`` and ``imgargs``).
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from etcsync.config import Client

PXELINUX_FOLDER = "pxelinux.cfg"
GRUB_FILE = "grub.cfg"
IPXE_SUFFIX = ".ipxe"


class Loader(StrEnum):
    """A boot loader that reads its configuration over the network."""

    PXELINUX = "pxelinux"
    GRUB = "grub"
    IPXE = "ipxe"


COMMANDS = {
    Loader.PXELINUX: frozenset({"append"}),
    Loader.GRUB: frozenset({"linux", "linux16", "linuxefi"}),
    Loader.IPXE: frozenset({"kernel", "imgargs", "boot", "imgexec"}),
}
"""The commands that are followed by a kernel's parameters, with its name before them or not."""

NFS_ROOT = re.compile(r"nfsroot=.|root=(/dev/nfs$|nfs4?:)")
"""A parameter that has the root mounted over NFS; the kernel's
``Documentation/admin-guide/nfs/nfsroot.rst``, dracut.cmdline(7)."""

ETC = "etc="

_MAC = re.compile(r"(?:01[-:])?((?:[0-9a-f]{2}[-:]?){5}[0-9a-f]{2})")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX_ADDRESS = re.compile(r"[0-9a-f]{8}")
_PREFIX = re.compile(r"^(mac|ip|uuid|host|hostname)-")


class KernelLine(NamedTuple):
    """One line that gives a kernel its parameters.

    Attributes:
        number: Where it begins; the first line is 1.
        parameters: The words of the line.
    """

    number: int
    parameters: Sequence[str]

    @property
    def has_nfs_root(self) -> bool:
        """Whether the root is mounted over NFS."""
        return any(map(NFS_ROOT.match, self.parameters))

    @property
    def etc(self) -> str | None:
        """What ``etc=`` says, the last one if there are several; None where there is none."""
        values = (word.removeprefix(ETC) for word in self.parameters if word.startswith(ETC))
        return next(iter(list(values)[::-1]), None)


def loader_of(path: str) -> Loader | None:
    """Return whose configuration the file ``path`` is, by its name."""
    folder, _, name = path.rpartition("/")
    if folder.rpartition("/")[2] == PXELINUX_FOLDER:
        return Loader.PXELINUX
    if name == GRUB_FILE or name.startswith(f"{GRUB_FILE}-"):
        return Loader.GRUB
    return Loader.IPXE if name.endswith(IPXE_SUFFIX) else None


def kernel_lines(text: str, loader: Loader) -> Iterator[KernelLine]:
    """Yield the lines of a configuration that give a kernel its parameters."""
    start, line = 1, ""
    for number, piece in enumerate(text.splitlines(), 1):
        start = start if line else number
        if piece.endswith("\\"):
            line += f"{piece[:-1]} "
            continue
        command, *words = f"{line}{piece}".split() or [""]
        line = ""
        if command.lower() in COMMANDS[loader]:
            yield KernelLine(start, tuple(word.strip("\"'") for word in words))


def readers(path: str, loader: Loader, clients: Sequence[Client]) -> Sequence[Client] | None:
    """Return the clients that read the configuration ``path``, as its name tells.

    A name tells of one machine by its MAC address, its IP address in hexadecimal, its UUID or its
    name; any other configuration is read by all.

    Returns:
        The clients; None for a machine that no client is known to be.
    """
    name = path.rpartition("/")[2].lower()
    match loader:
        case Loader.GRUB:
            name = name.removeprefix(GRUB_FILE).removeprefix("-")
        case Loader.IPXE:
            name = name.removesuffix(IPXE_SUFFIX)
    name = _PREFIX.sub("", name)
    own = [client for client in clients if name in _names(client)]
    if own:
        return own
    if any(each.fullmatch(name) for each in (_MAC, _UUID, _HEX_ADDRESS)):
        return None
    return clients


def _names(client: Client) -> set[str]:
    """Return what a client's own configuration may be called, in lower case."""
    names = {client.name.lower()}
    if client.mac:
        pairs = client.mac.split(":")
        names |= {f"{kind}{by.join(pairs)}" for by in ("-", ":", "") for kind in ("", f"01{by}")}
    if client.address:
        names.add(client.address.lower())
        if re.fullmatch(r"\d+(\.\d+){3}", client.address):
            names.add("".join(f"{int(part):02x}" for part in client.address.split(".")))
    return names
