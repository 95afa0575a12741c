"""Boot loader configurations: whether they lead each client to its own /etc.

``etc=SERVER:PATH`` is a parameter of the initramfs hook ``etc`` (package mkinitcpio-etc of Arch
Linux), which puts the client's name in the place of ``HOSTNAME``. Other systems mount /etc by other
means, so that a configuration without it says nothing about them.
"""

import os
import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from etcsync.config import Client, Settings
from etcsync.doctor.boot_files import Configuration, boot_configurations
from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity, alone, listed
from etcsync.host.kernel_lines import KernelLine, kernel_lines, readers
from etcsync.host.rootfs import os_release
from etcsync.policy.packs import pack_for_os_release

HOSTNAME = "HOSTNAME"
"""What the hook replaces by the client's name."""

_NAME_VARIABLE = re.compile(r"\$\w*hostname\b|\$\{[\w:/.-]*hostname\}", re.IGNORECASE)
"""A variable of GRUB or iPXE that holds the client's name."""


def boot(facts: Facts) -> Iterator[Finding]:
    """Each kernel with an NFS root is told the client's own /etc, on this server."""
    settings = facts.settings
    found = [
        (configuration, line)
        for configuration in boot_configurations(settings.upstream.root, settings.boot.source)
        for line in kernel_lines(configuration.text, configuration.loader)
        if line.has_nfs_root or line.etc is not None
    ]
    is_arch = "arch" in pack_for_os_release(os_release(settings.upstream.root))
    if is_arch or any(line.etc is not None for _, line in found):
        for configuration, line in found:
            yield from _line(settings, configuration, line)


def _line(settings: Settings, configuration: Configuration, line: KernelLine) -> Iterator[Finding]:
    """Yield what is wrong with one kernel's parameters."""
    expected = f"etc={settings.server.address or 'SERVER'}:{settings.tree_path(HOSTNAME)}"
    place = os.path.join(settings.boot.source, configuration.path)
    where = f"{configuration.path}, line {line.number}"
    if line.etc is None:
        yield Finding(
            Severity.WARNING,
            f"{where}: the root is mounted over NFS, but no etc= names the client's own /etc: who "
            "boots so has the root's, and cannot keep what it changes",
            f"Append `{expected}` to that line of {place}.",
            path=place,
        )
        return
    server, _, path = _NAME_VARIABLE.sub(HOSTNAME, line.etc).partition(":/")
    clients = readers(configuration.path, configuration.loader, settings.clients)
    remedy = f"Write `{expected}` in that line of {place}."
    if _is_other_server(server, settings.server.address):
        what = f"{where}: etc= names the server {server}, but the trees are on this one, "
        what += f"{settings.server.address}: who boots so gets another /etc, or none"
        yield Finding(Severity.WARNING, what, remedy, path=place)
    if "$" not in path and (astray := _astray(settings, f"/{path}", clients)):
        yield Finding(
            Severity.WARNING,
            f"{where}: {listed(astray)} would mount {line.etc} as /etc, which is not the client's "
            "tree",
            remedy,
            client=alone(astray),
            path=place,
        )


def _is_other_server(named: str, own: str) -> bool:
    """Whether two servers are known to differ; names and variables are not looked up."""
    try:
        return bool(own) and ip_address(named.strip("[]")) != ip_address(own)
    except ValueError:
        return False


def _astray(settings: Settings, path: str, clients: Sequence[Client] | None) -> list[str]:
    """Return who would get another directory than its tree, as names for a sentence."""
    path = os.path.normpath(path)
    if clients is None:
        trees = {settings.tree_path(client.name) for client in settings.clients}
        known = path in trees or path == settings.tree_path(HOSTNAME)
        return [] if known else ["a machine that is no client"]
    return [
        client.name
        for client in clients
        if path.replace(HOSTNAME, client.name) != settings.tree_path(client.name)
    ]
