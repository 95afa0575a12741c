"""The clients' addresses: known here, and given out by the DHCP server."""

import os
from collections.abc import Iterator

from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity, alone, listed
from etcsync.host.leases import known_words, lease_files


def addresses(facts: Facts) -> Iterator[Finding]:
    """Each client has an address, where exports are made of them."""
    settings = facts.settings
    without = [client.name for client in settings.clients if not client.address]
    used = os.path.lexists(settings.exports.file)
    if without and (used or len(without) < len(settings.clients)):
        yield Finding(
            Severity.WARNING if used else Severity.NOTE,
            f"{listed(without)}: no address in the settings, so the tree is exported to nobody",
            f"`etcsync client add {without[0]} --address ADDRESS` completes it.",
            client=alone(without),
        )


def leases(facts: Facts) -> Iterator[Finding]:
    """The DHCP server of this machine, where it has one, knows each client."""
    files = lease_files()
    if not files:
        return
    known = known_words(files)
    unknown = [
        client.name
        for client in facts.settings.clients
        if known.isdisjoint(map(str.lower, filter(None, (client.mac, client.address, client.name))))
    ]
    if unknown:
        yield Finding(
            Severity.NOTE,
            f"{listed(unknown)}: no lease and no reservation is known in {listed(files)} or the "
            "DHCP server's configuration: it may get another address than its tree is exported to, "
            "or none",
            "Reserve one: `dhcp-host=MAC,NAME,ADDRESS` in /etc/dnsmasq.conf, or a host block in "
            "dhcpd.conf; or remove the client with `etcsync client remove`.",
            client=alone(unknown),
        )
