"""The settings and rule files: what they say is done as root."""

import os
from collections.abc import Iterator

from etcsync.doctor.access import writable_by_others
from etcsync.doctor.facts import Facts, nearest_directory
from etcsync.doctor.finding import Finding, Severity
from etcsync.host.mounts import mount_of

NETWORK_FILE_SYSTEMS = frozenset({"9p", "afs", "ceph", "cifs", "nfs", "nfs4", "smb3"})
"""Whose locks and syncs depend on another machine."""


def settings_files(facts: Facts) -> Iterator[Finding]:
    """Nobody but root may write the settings, the rule files, or a directory above them."""
    settings = facts.settings
    known: set[str | None] = set()
    for path in (settings.source, *settings.policy.files):
        for finding in writable_by_others(path, "what etcsync does as root is read from there"):
            if finding.path not in known:
                known.add(finding.path)
                yield finding


def state_directory(facts: Facts) -> Iterator[Finding]:
    """The state lies on a file system of this machine."""
    path = facts.settings.state_dir
    mount = mount_of(os.path.realpath(nearest_directory(path)), facts.mounts)
    if mount and mount.kind in NETWORK_FILE_SYSTEMS:
        yield Finding(
            Severity.WARNING,
            f"{path} lies on a network file system ({mount.kind} at {mount.point}), where locks "
            "and syncs depend on another machine",
            f"Move {path} to a local disk with `cp -a` while no etcsync runs, and name its new "
            "place as state_dir in the settings.",
            path=path,
        )
