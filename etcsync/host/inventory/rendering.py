"""The clients as fragments of other programs' files. Pure.

What a fragment says of a client, an import of it reads again. A client that lacks what a format
needs, or has what it cannot say, appears in a comment.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence

from etcsync.config import Client
from etcsync.host.inventory.dnsmasq import Field, field_kind
from etcsync.host.inventory.draft import is_meant_as_ip

TAG = "diskless"
"""The tag that dnsmasq gives the clients, to which ``dhcp-boot=tag:diskless,…`` refers."""


def render_dnsmasq(clients: Sequence[Client]) -> str:
    """Return a ``dhcp-host`` for each client, dnsmasq(8)."""
    return _fragment(clients, _dhcp_host)


def render_dhcpd(clients: Sequence[Client]) -> str:
    """Return a ``host`` block for each client, dhcpd.conf(5)."""
    return _fragment(clients, _host_block)


def render_hosts(clients: Sequence[Client]) -> str:
    """Return a line for each client, hosts(5)."""
    return _fragment(clients, lambda client: f"{_ip(client)}\t{client.name}")


def render_ethers(clients: Sequence[Client]) -> str:
    """Return a line for each client, ethers(5)."""
    return _fragment(clients, _ethers_line)


def render_ansible(clients: Sequence[Client]) -> str:
    """Return an inventory in YAML in which each label is a group.

    A group's name may have letters, digits and underscores; other characters of a label become
    underscores. A name and an address are strings in JSON, which YAML reads alike.
    """
    hosts = [(client.name, _ansible_address(client)) for client in clients]
    groups: dict[str, list[str]] = {}
    for client in clients:
        for label in client.labels:
            groups.setdefault(_group(label), []).append(client.name)
    lines = ["all:", "  hosts:" if hosts else "  hosts: {}"]
    for name, address in hosts:
        lines.append(f"    {json.dumps(name)}:" if address else f"    {json.dumps(name)}: {{}}")
        lines += [f"      ansible_host: {json.dumps(address)}"] if address else []
    lines += ["  children:"] if groups else []
    for group, names in groups.items():
        lines += [f"    {json.dumps(group)}:", "      hosts:"]
        lines += [f"        {json.dumps(name)}: {{}}" for name in dict.fromkeys(names)]
    return "\n".join([*lines, ""])


RENDERERS: Mapping[str, Callable[[Sequence[Client]], str]] = {
    "dnsmasq": render_dnsmasq,
    "dhcpd": render_dhcpd,
    "hosts": render_hosts,
    "ethers": render_ethers,
    "ansible": render_ansible,
}
"""What writes a format."""


class _UnsaidError(Exception):
    """Why a client cannot be in a fragment; continues a sentence that begins with its name."""


def _fragment(clients: Sequence[Client], render: Callable[[Client], str]) -> str:
    """Return what ``render`` says of each client, or a comment that says why it cannot."""
    pieces = []
    for client in clients:
        try:
            pieces.append(render(client))
        except _UnsaidError as error:
            pieces.append(f"# {client.name} {error}")
    return "".join(f"{piece}\n" for piece in pieces)


def _dhcp_host(client: Client) -> str:
    if field_kind(client.name) is not Field.NAME:
        raise _UnsaidError("has a name that dnsmasq takes for something else")
    address = [_bracketed(_ip(client))] if client.address else []
    return "dhcp-host=" + ",".join([_mac(client), client.name, *address, f"set:{TAG}"])


def _host_block(client: Client) -> str:
    lines = [f"host {client.name} {{", f"  hardware ethernet {_mac(client)};"]
    if client.address:
        address = client.address if _is_host_name(client.address) else _ip(client)
        keyword = "fixed-address6" if ":" in address else "fixed-address"
        lines.append(f"  {keyword} {address};")
    return "\n".join([*lines, f'  option host-name "{client.name}";', "}"])


def _ethers_line(client: Client) -> str:
    if is_meant_as_ip(client.name):
        raise _UnsaidError("has a name that looks like an address")
    return f"{_mac(client)} {client.name}"


def _mac(client: Client) -> str:
    if not client.mac:
        raise _UnsaidError("has no MAC address")
    return client.mac


def _ip(client: Client) -> str:
    if not client.address:
        raise _UnsaidError("has no address")
    try:
        return str(ipaddress.ip_address(client.address))
    except ValueError as error:
        raise _UnsaidError(f"has no IP address, but {client.address}") from error


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _is_host_name(address: str) -> bool:
    return "/" not in address and not is_meant_as_ip(address)


def _ansible_address(client: Client) -> str:
    return "" if "/" in client.address else client.address


def _group(label: str) -> str:
    return re.sub(r"\A(?=\d)|\W", "_", label, flags=re.ASCII)
