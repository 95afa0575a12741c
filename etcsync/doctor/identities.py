"""What must differ from machine to machine: ids and host keys, as the trees have them.

Of keys only the public half is read. No value goes into a finding.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fnmatch import fnmatchcase
from typing import NamedTuple

from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity, alone, listed
from etcsync.errors import TreeError
from etcsync.hub.hub import base_ref
from etcsync.tree.beneath import OpenTree, open_tree
from etcsync.tree.small_files import names_in, read_small

MACHINE_ID = "machine-id"
ROOT_NAME = "the root"

NO_ID = frozenset({b"", b"uninitialized"})
"""What a machine-id file holds that has none yet; machine-id(5)."""


class Identity(NamedTuple):
    """One kind of identity.

    Attributes:
        what: What it is called.
        directory: Where its files lie, relative to /etc.
        pattern: The files' names.
        value: Returns what must differ, from a file's content; empty for nothing.
        renew: How a machine gets its own, run on that machine.
    """

    what: str
    directory: str
    pattern: str
    value: Callable[[bytes], bytes]
    renew: str


def _public_key(content: bytes) -> bytes:
    """Return type and key of a public key file, without the comment; sshd(8)."""
    return b" ".join(content.split()[:2])


def _initiator_name(content: bytes) -> bytes:
    """Return the name that open-iscsi's ``initiatorname.iscsi`` sets; comments do not count."""
    lines = (line.strip() for line in content.splitlines())
    names = (line.partition(b"=")[2].strip() for line in lines if line.startswith(b"Initiator"))
    return next(names, b"")


def _machine_id(content: bytes) -> bytes:
    return b"" if content.strip() in NO_ID else content.strip()


IDENTITIES = (
    Identity(
        "machine id", ".", MACHINE_ID, _machine_id,
        "`systemd-id128 new > /etc/machine-id`, and reboot",
    ),
    Identity("host id", ".", "hostid", bytes, "`zgenhostid -f`, or remove /etc/hostid, and reboot"),
    Identity(
        "SSH host key", "ssh", "ssh_host_*_key.pub", _public_key,
        "`rm /etc/ssh/ssh_host_*_key*; ssh-keygen -A`, and restart sshd",
    ),
    Identity(
        "iSCSI initiator name", "iscsi", "initiatorname.iscsi", _initiator_name,
        "`echo InitiatorName=$(iscsi-iname) > /etc/iscsi/initiatorname.iscsi`, and restart iscsid",
    ),
    Identity(
        "NVMe host NQN", "nvme", "hostnqn", bytes.strip, "`nvme gen-hostnqn > /etc/nvme/hostnqn`"
    ),
    Identity("NVMe host id", "nvme", "hostid", bytes.strip, "`uuidgen > /etc/nvme/hostid`"),
)  # fmt: skip


def identities(facts: Facts) -> Iterator[Finding]:
    """Each client has a machine id, and shares no identity with another client or the root."""
    owners: dict[tuple[Identity, str, bytes], list[str]] = {}
    without = []
    managed = {name for name in facts.tree_paths if base_ref(name) in facts.refs}
    for name, path in {ROOT_NAME: facts.settings.upstream.etc, **facts.tree_paths}.items():
        with ExitStack() as stack:
            try:
                tree = stack.enter_context(open_tree(path))
            except TreeError:
                continue  # the check of trees says so
            found = list(_read(tree))
        for key in found:
            owners.setdefault(key, []).append(name)
        if name in managed and all(path != MACHINE_ID for _, path, _ in found):
            without.append(name)
    yield from _shared(owners)
    if without:
        yield Finding(
            Severity.WARNING,
            f"{listed(without)}: no machine id, so that each boot is a first one",
            "On each of them: `systemd-machine-id-setup`.",
            client=alone(without),
            path=MACHINE_ID,
        )


def _read(tree: OpenTree) -> Iterator[tuple[Identity, str, bytes]]:
    """Yield the identities in a tree, each with its path and value."""
    names: dict[str, list[str]] = {}
    for identity in IDENTITIES:
        folder = identity.directory
        if folder not in names:
            names[folder] = names_in(tree, folder)
        for name in names[folder]:
            if fnmatchcase(name, identity.pattern):
                path = name if folder == "." else f"{folder}/{name}"
                if value := identity.value(read_small(tree, path) or b""):
                    yield identity, path, value


def _shared(owners: dict[tuple[Identity, str, bytes], list[str]]) -> Iterator[Finding]:
    """Yield one finding for each set of machines that share values of one kind."""
    groups: dict[tuple[Identity, tuple[str, ...]], list[str]] = {}
    for (identity, path, _), names in owners.items():
        if len(names) > 1:
            groups.setdefault((identity, tuple(names)), []).append(path)
    for (identity, sharing), paths in groups.items():
        clients = [name for name in sharing if name != ROOT_NAME]
        whom = "On each client" if ROOT_NAME in sharing else "On all of them but one"
        yield Finding(
            Severity.WARNING,
            f"{listed(sharing)} have the same {identity.what} ({listed(sorted(paths))})",
            f"{whom}: {identity.renew}.",
            client=alone(clients),
            path=min(paths),
        )
