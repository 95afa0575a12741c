"""``log``: what happened to a client's tree, newest first, and what caused it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from etcsync.config import Settings
from etcsync.entries import METADATA_PATH, ROOT, Entry
from etcsync.errors import HubError, UsageError
from etcsync.host.rootfs import account_files
from etcsync.hub.hub import UPSTREAM_REF, Commit, Hub, branch_ref, open_hub
from etcsync.plan.model import Change, changed_paths, difference
from etcsync.reconcile.messages import (
    CAUSE_TRAILER,
    HEALED,
    UPSTREAM_TRAILER,
    notes_of,
    trailer,
)
from etcsync.reconcile.model import Cause
from etcsync.reconcile.paths import covered
from etcsync.reconcile.sides import Sides
from etcsync.tree.accounts import parse_accounts
from etcsync.words import time_text

FOREIGN = "commit"
"""The cause of a commit that etcsync did not make: of an adopted clone."""

_UPSTREAMS = frozenset(Cause)
"""The causes of commits that also carry what upstream changed."""

_RELATIVE = re.compile(r"(?:HEAD|@)((?:[~^][0-9]*)*)")
_ABBREVIATED = re.compile(r"[0-9a-fA-F]{4,40}")


@dataclass(frozen=True, slots=True)
class PathChange:
    """What one entry of the log did to one path.

    Attributes:
        path: The path.
        change: How it differs from before.
        cause: ``capture``, ``upstream``, ``heal``, ``resolve``, ``discard``, ``restore``,
            ``promote``, ``rescue``, or ``commit`` in an adopted clone.
        note: What more is known, such as how a conflict was resolved; ``""`` for nothing.
    """

    path: str
    change: Change | None
    cause: str
    note: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One commit of a client's history.

    Attributes:
        commit: Its id.
        time: When, RFC 3339 UTC.
        cause: Why it was made, as its trailer says; ``commit`` for one that etcsync did not make.
        author: Who changed something, as ``name <email>``: untrusted text.
        subject: The first line of its message: untrusted text.
        upstream_commit: The upstream commit that the tree was reconciled with, if it was.
        upstream_subject: The first line of that commit's message.
        changes: What it did, in path order; with a change of None where a path was decided as it
            was.
    """

    commit: str
    time: str
    cause: str
    author: str
    subject: str
    upstream_commit: str | None
    upstream_subject: str
    changes: tuple[PathChange, ...]


def client_log(settings: Settings, name: str, path: str | None, limit: int) -> list[LogEntry]:
    """Return the newest entries of a client's history that did something.

    It goes back to where the client's history left upstream's.

    Args:
        settings: The settings.
        name: The client.
        path: Only what was done there and beneath; None for everywhere.
        limit: So many entries at most; 0 for all.

    Raises:
        UsageError: The client is unknown.
        HubError: The hub is missing or damaged, or has nothing of the client.
    """
    settings.client(name)
    with open_hub(settings.hub_path) as hub:
        read = _reader(settings, hub)
        entries = []
        for commit in _commits(hub, name, path):
            entry = _entry(hub, commit, path or ROOT, read)
            if entry.changes:
                entries.append(entry)
            if len(entries) == limit:
                break
        return entries


def find_commit(hub: Hub, name: str, revision: str) -> Commit:
    """Return the commit of a client's history that ``revision`` names.

    Args:
        hub: The open hub.
        name: The client.
        revision: An id, whole or abbreviated, or ``HEAD~2`` and the like; ``HEAD`` is the newest.

    Raises:
        UsageError: There is no such commit in the client's history.
    """
    hint = f"`etcsync log {name}` lists its history."
    branch = branch_ref(name)
    relative = _RELATIVE.fullmatch(revision)
    if not relative and not _ABBREVIATED.fullmatch(revision):
        raise UsageError(f"{revision!a} names no commit", hint=hint)
    wanted = branch + relative[1] if relative else revision
    try:
        oid = hub.git("rev-parse", "--verify", "--quiet", f"{wanted}^{{commit}}").decode().strip()
    except HubError as error:
        raise UsageError(f"{name} has no commit {revision}", hint=hint) from error
    if not hub.is_ancestor(oid, hub.refs()[branch]):
        raise UsageError(f"{revision} is not part of the history of {name}", hint=hint)
    return hub.commit(oid)


def _commits(hub: Hub, name: str, path: str | None) -> Iterator[Commit]:
    """Yield the commits that may have touched the path, newest first."""
    refs = hub.refs()
    if branch_ref(name) not in refs:
        raise HubError(
            f"nothing is recorded of {name} yet", hint=f"Run `etcsync sync {name}` first."
        )
    places = ["--", path, METADATA_PATH] if path and path != ROOT else []
    since = [f"^{UPSTREAM_REF}"] if UPSTREAM_REF in refs else []
    listing = hub.git("rev-list", "--first-parent", branch_ref(name), *since, *places)
    for oid in listing.decode("ascii").split():
        yield hub.commit(oid)


Read = Callable[[str], Mapping[str, Entry]]
"""Returns the entries of a tree by the id of its git tree."""


def _reader(settings: Settings, hub: Hub) -> Read:
    accounts = parse_accounts(*account_files(settings.upstream.root))

    @lru_cache(maxsize=4)
    def read(tree: str) -> Mapping[str, Entry]:
        return Sides(hub, accounts, ownership=True).side(tree).merged_entries

    return read


def _entry(hub: Hub, commit: Commit, place: str, read: Read) -> LogEntry:
    upstream = trailer(commit.message, UPSTREAM_TRAILER)
    cause = trailer(commit.message, CAUSE_TRAILER) or FOREIGN
    before = read(hub.commit(commit.parents[0]).tree) if commit.parents else {}
    known = upstream is not None and hub.has([upstream])
    return LogEntry(
        commit=commit.oid,
        time=time_text(commit.time),
        cause=cause,
        author=f"{commit.author.name} <{commit.author.email}>",
        subject=_subject(commit),
        upstream_commit=upstream,
        upstream_subject=_subject(hub.commit(upstream)) if known and upstream else "",
        changes=tuple(_changes(commit, cause, before, read(commit.tree), place)),
    )


def _changes(
    commit: Commit, cause: str, before: Mapping[str, Entry], after: Mapping[str, Entry], place: str
) -> Iterator[PathChange]:
    notes = notes_of(commit.message)
    for path in covered(sorted(changed_paths(before, after) | notes.keys()), [place]):
        note = notes.get(path, "")
        change = difference(after.get(path), before.get(path))
        if note == HEALED:
            yield PathChange(path, change, "heal", "")
        elif cause in _UPSTREAMS and not note:
            yield PathChange(path, change, "upstream", "")
        else:
            yield PathChange(path, change, cause, note)


def _subject(commit: Commit) -> str:
    return commit.message.partition("\n")[0]
