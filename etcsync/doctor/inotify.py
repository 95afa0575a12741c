"""The kernel's limits on watching directories, against what `etcsync run` has to watch."""

from collections.abc import Iterator
from contextlib import suppress

from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity
from etcsync.hub.hub import base_ref

LIMITS = "/proc/sys/fs/inotify"
"""Where the limits are, each of one user; inotify(7), proc_sys_fs(5)."""

OTHER_WATCHES = 1_024
"""Directories watched besides those of the trees, upstream's .git among them, by whatever of the
same user."""

INSTANCES = 32
"""Instances that leave some to what else runs as the same user."""

EVENTS_PER_TREE = 32
"""Events that one change of upstream may cause in each tree before they are read."""

SETTINGS_FILE = "/etc/sysctl.d/60-etcsync.conf"


def inotify(facts: Facts) -> Iterator[Finding]:
    """The kernel lets all directories of the trees be watched."""
    trees = sum(base_ref(name) in facts.refs for name in facts.tree_paths)
    directories = _directories(facts) * trees
    yield from _short(
        "max_user_watches",
        directories + OTHER_WATCHES,
        Severity.WARNING,
        f"the trees have about {directories} directories, and those beyond the limit are only "
        "looked at from time to time (daemon.interval)",
    )
    yield from _short(
        "max_user_instances",
        INSTANCES,
        Severity.WARNING,
        "what runs as the same user may leave none, and all trees are only looked at from time to "
        "time (daemon.interval)",
    )
    yield from _short(
        "max_queued_events",
        EVENTS_PER_TREE * trees,
        Severity.NOTE,
        f"a change in all {trees} trees may overflow the queue, and all of them are looked at anew",
    )


def _short(name: str, needed: int, severity: Severity, why: str) -> Iterator[Finding]:
    limit = None
    with suppress(FileNotFoundError), open(f"{LIMITS}/{name}", encoding="ascii") as file:
        limit = int(file.read())
    if limit is not None and limit < needed:
        line = f"fs.inotify.{name} = {1 << needed.bit_length()}"
        yield Finding(
            severity,
            f"fs.inotify.{name} is {limit}: {why}",
            f"`echo '{line}' >> {SETTINGS_FILE} && sysctl -p {SETTINGS_FILE}`",
        )


def _directories(facts: Facts) -> int:
    """Return how many directories upstream has, its top among them; each tree has about as many."""
    found = {""}
    for path in facts.upstream_paths:
        folder = path
        while (folder := folder.rpartition("/")[0]) not in found:
            found.add(folder)
    return len(found)
