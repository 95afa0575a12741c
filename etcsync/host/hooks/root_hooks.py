"""The hooks of the root's package managers, which announce that a transaction has ended."""

import os

from etcsync.host.announcement import ANNOUNCE
from etcsync.host.hooks.hook_file import HookFile, template
from etcsync.host.programs import program_in_root
from etcsync.host.rootfs import path_in_root

ETCKEEPER_SCRIPTS = "etc/etckeeper/post-install.d"
"""Run by etckeeper, in the order of their names, after the transactions that it is told of. A name
has letters, digits and hyphens only, or is passed over; etckeeper(8)."""

OTHER_MANAGERS = ("apk", "dnf", "dnf5", "yum", "zypper")
"""Package managers that have no hook here but that through etckeeper."""


def all_root_hooks(root: str) -> tuple[HookFile, ...]:
    """Return the hooks that a root may have, whatever it is. Their names sort after etckeeper's."""
    alpm = "usr/share/libalpm/hooks/zzz-etcsync.hook"
    apt = "etc/apt/apt.conf.d/99etcsync"
    script = f"{ETCKEEPER_SCRIPTS}/99etcsync"
    return (
        HookFile("alpm", root, alpm, _announcing("root/alpm.hook")),
        HookFile("apt", root, apt, _announcing("root/apt.conf")),
        HookFile("etckeeper", root, script, _announcing("root/etckeeper.sh"), 0o755),
    )


def root_hooks(root: str) -> tuple[HookFile, ...]:
    """Return the hooks that suit the package managers of ``root``; none where none is known.

    Raises:
        UpstreamError: Symbolic links of the root turn in a circle.
    """
    wanted = set()
    if program_in_root(root, "pacman"):
        wanted.add("alpm")
    if program_in_root(root, "apt-get"):
        wanted.add("apt")
    others = any(program_in_root(root, name) for name in OTHER_MANAGERS)
    if (others or not wanted) and os.path.isdir(path_in_root(root, ETCKEEPER_SCRIPTS)):
        wanted.add("etckeeper")
    return tuple(hook for hook in all_root_hooks(root) if hook.name in wanted)


def _announcing(path: str) -> bytes:
    return template(path).replace("@ANNOUNCE@", ANNOUNCE).encode()
