"""What clients' trees hold that tells of something wrong on the client."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from etcsync.doctor.commit import commit_command
from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity, alone, listed
from etcsync.errors import TreeError
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree, open_tree
from etcsync.tree.small_files import read_small

AHEAD = 300.0
"""Seconds by which a client's clock may be ahead without a finding."""

TIMER = "etckeeper.timer"
TIMER_LINKS = tuple(
    f"systemd/system/{target}.target.wants/{TIMER}" for target in ("multi-user", "timers")
)
"""What enabling the timer creates: the former with etckeeper 1.18.20, the latter with others."""

CRON_JOB = "cron.daily/etckeeper"
CONFIGURATION = "etckeeper/etckeeper.conf"
SWITCHED_OFF = re.compile(rb"^\s*AVOID_DAILY_AUTOCOMMITS=[\"']?1", re.MULTILINE)
"""The line of `CONFIGURATION` that makes the cron job do nothing."""


def client_clocks(facts: Facts) -> Iterator[Finding]:
    """Nothing directly in a tree was changed at a time that is yet to come."""
    for client, tree in _trees(facts):
        newest, path = _newest(tree)
        if newest > facts.now + AHEAD:
            then = datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%d %H:%M")
            yield Finding(
                Severity.WARNING,
                f"{path} was changed at {then} UTC, which is yet to come: the client's clock is "
                "ahead, and its logs, certificates and builds go wrong",
                f"On {client}: `timedatectl set-ntp true`; where the clock is right, "
                f"`touch /etc/{path}`.",
                client,
                path,
            )


def daily_commits(facts: Facts) -> Iterator[Finding]:
    """No client has etckeeper commit its own /etc every day."""
    timers, jobs = [], []
    for client, tree in _trees(facts):
        if any(_stands(tree, link) for link in TIMER_LINKS):
            timers.append(client)
        if _stands(tree, CRON_JOB) and not SWITCHED_OFF.search(
            read_small(tree, CONFIGURATION) or b""
        ):
            jobs.append(client)
    root = facts.settings.upstream.root
    off = f"`echo AVOID_DAILY_AUTOCOMMITS=1 >> {root}/etc/{CONFIGURATION}`"
    disable = f"`chroot {root} systemctl disable {TIMER}`"
    for clients, what, how in ((timers, TIMER, disable), (jobs, CRON_JOB, off)):
        if clients:
            yield Finding(
                Severity.NOTE,
                f"{what} is switched on in the trees of {listed(clients)}: it does nothing while "
                ".git there is a file, and commits every day where a client has a repository of "
                "its own, as after `etcsync client release`",
                f"{how}, then {commit_command(facts)}, then `etcsync sync`.",
                client=alone(clients),
            )


def _trees(facts: Facts) -> Iterator[tuple[str, OpenTree]]:
    for client, path in facts.tree_paths.items():
        with suppress(TreeError), open_tree(path) as tree:  # the check of trees says so
            yield client, tree


def _stands(tree: OpenTree, path: str) -> bool:
    """Whether anything stands at ``path``."""
    with suppress(OSError), tree.pinned(path):
        return True
    return False


def _newest(tree: OpenTree) -> tuple[float, str]:
    """Return when something directly in a tree was last changed, and what."""
    with tree.directory(".") as directory:
        entries = beneath.list_directory(directory)
    return max(((status.st_mtime, name) for name, status in entries), default=(0.0, ""))
