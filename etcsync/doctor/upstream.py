"""Upstream: the git repository of the root's /etc."""

import os
import shlex
from collections.abc import Iterator

from etcsync.doctor.access import open_to_others
from etcsync.doctor.commit import commit_command
from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity, listed
from etcsync.entries import METADATA_PATH
from etcsync.host.rootfs import os_release
from etcsync.host.transactions import lock_since, transaction_in_progress
from etcsync.hub.upstream import refuse_shallow, uncommitted
from etcsync.hub.upstream_commit import etckeeper_vcs, has_etckeeper
from etcsync.hub.upstream_head import read_head, require_commit
from etcsync.policy.packs import pack_for_os_release
from etcsync.tree.live import left_overs as find_left_overs
from etcsync.tree.live import walk_live

LONG = 3600.0
"""Seconds after which a lock is likely to be left over."""

MERGE_TOOLS = {
    "arch": "`chroot {root} pacdiff` (package pacman-contrib)",
    "rhel": "`chroot {root} rpmconf -a` (package rpmconf)",
    "suse": "`chroot {root} rpmconfigcheck` lists all; merge {path} by hand",
    "debian": "Merge it by hand (`diff -u {original} {path}`), for dpkg and ucf ask only while "
    "they install",
}
"""How a left-over is merged, by the pack that suits the root."""

BY_HAND = "Merge it by hand (`diff -u {original} {path}`)"


def repository(facts: Facts) -> Iterator[Finding]:
    """Upstream is a repository that can be followed, and only root can look into it."""
    etc = facts.settings.upstream.etc
    head = read_head(etc)
    yield from open_to_others(head.common_directory, "it holds every version of /etc/shadow")
    require_commit(head, etc)
    refuse_shallow(etc, head.common_directory)


def left_overs(facts: Facts) -> Iterator[Finding]:
    """No package manager left a file that waits to be merged."""
    upstream = facts.settings.upstream
    read_head(upstream.etc)
    tool = _merge_tool(upstream.root)
    for path in find_left_overs(walk_live(upstream.etc)):
        place = os.path.join(upstream.etc, path)
        left, original = shlex.quote(place), shlex.quote(os.path.splitext(place)[0])
        how = tool.format(root=upstream.root, path=left, original=original)
        yield Finding(
            Severity.WARNING,
            f"the package manager left {path}: it waits to be merged, and no client gets it",
            f"{how}, remove the left-over, then {commit_command(facts)}.",
            path=path,
        )


def edits(facts: Facts) -> Iterator[Finding]:
    """All of upstream is committed; or will be, where the settings say so."""
    upstream = facts.settings.upstream
    if upstream.auto_commit:
        return
    require_commit(read_head(upstream.etc), upstream.etc)
    waiting = find_left_overs(walk_live(upstream.etc))
    paths = sorted(set(uncommitted(upstream.etc)).difference(waiting))
    if paths:
        yield Finding(
            Severity.NOTE,
            f"not committed, so no client gets it: {listed(paths)}",
            f"{commit_command(facts)}, or set upstream.auto_commit = true in the settings.",
            path=paths[0] if len(paths) == 1 else None,
        )


def transactions(facts: Facts) -> Iterator[Finding]:
    """No package manager and no git is at work on the root; or only since a moment ago."""
    root, etc = facts.settings.upstream.root, facts.settings.upstream.etc
    if (busy := transaction_in_progress(root, etc)) is None:
        return
    since = lock_since(root, etc)
    if since is None or facts.now - since < LONG:
        what = f"nothing can be synced now: {busy}"
        yield Finding(Severity.NOTE, what, "Run `etcsync sync` when that is over.")
    else:
        hours = int((facts.now - since) // LONG)
        yield Finding(
            Severity.WARNING,
            f"nothing can be synced since {hours} h: {busy}",
            "See with `ps -e` whether it still runs; if not, remove that file.",
        )


def etckeeper(facts: Facts) -> Iterator[Finding]:
    """Modes and owners are recorded by etckeeper exactly where it is installed."""
    root, etc = facts.settings.upstream.root, facts.settings.upstream.etc
    recorded = METADATA_PATH in facts.upstream_paths
    if not has_etckeeper(root, etc):
        if recorded:
            yield Finding(
                Severity.WARNING,
                f"upstream has {METADATA_PATH}, but {root} has no etckeeper: modes and owners "
                "that change do not reach the clients",
                f"Install etckeeper in {root}; or give it up: `git -C {etc} rm {METADATA_PATH}` "
                f"and `git -C {etc} commit -m 'Give up etckeeper'`.",
                path=METADATA_PATH,
            )
        return
    if (vcs := etckeeper_vcs(root)) not in {"", "git"}:
        yield Finding(
            Severity.WARNING,
            f"etckeeper in {root} is set up for {vcs}, not for git",
            f'Write VCS="git" into {root}/etc/etckeeper/etckeeper.conf.',
            path="etckeeper/etckeeper.conf",
        )
    elif not recorded:
        yield Finding(
            Severity.WARNING,
            f"etckeeper is installed in {root}, but its /etc is kept by plain git: its history "
            "has no modes and owners",
            f"`chroot {root} etckeeper init`, then "
            f"`chroot {root} etckeeper commit -m 'Record modes and owners'`",
            path=METADATA_PATH,
        )


def _merge_tool(root: str) -> str:
    packs = pack_for_os_release(os_release(root))
    return next((MERGE_TOOLS[name] for name in packs if name in MERGE_TOOLS), BY_HAND)
