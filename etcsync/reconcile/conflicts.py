"""What is held: the list, and one conflict with its three versions."""

from collections.abc import Sequence
from dataclasses import dataclass

from etcsync.config import Settings
from etcsync.entries import Entry, Kind
from etcsync.plan.text import is_binary
from etcsync.reconcile.cluster import Cluster, open_cluster, selected_clients
from etcsync.reconcile.model import HeldPath
from etcsync.reconcile.recorded import read_refs
from etcsync.reconcile.records import base_records, find_held
from etcsync.reconcile.snapshot import Snapshot, take_snapshot
from etcsync.report.secrets import is_secret, looks_secret

TEXT_LIMIT = 1024 * 1024
"""Bytes of a version that are shown; longer ones are shown without their text."""

Versions = tuple[Entry | None, Entry | None, Entry | None]
"""Base, ours and theirs of one path; None for nothing."""


@dataclass(frozen=True, slots=True)
class Version:
    """One side's version of a path, ready to be shown.

    Attributes:
        entry: Kind and metadata.
        owner: The owner's name in the root, or the number.
        group: The group's name in the root, or the number.
        size: Bytes of the content; None where it is not recorded.
        text: The content as text with surrogate escapes; None for binary and secret content.
    """

    entry: Entry
    owner: str
    group: str
    size: int | None
    text: str | None


@dataclass(frozen=True, slots=True)
class ConflictDetails:
    """One held path with its three versions; None where the path does not exist."""

    client: str
    held: HeldPath
    secret: bool
    base: Version | None
    ours: Version | None
    theirs: Version | None


def held_paths(settings: Settings, names: Sequence[str]) -> dict[str, tuple[HeldPath, ...]]:
    """Return what is held on each of the clients called ``names``, or on all.

    Raises:
        UsageError: A name is unknown.
        HubError: The hub is missing or damaged.
    """
    clients = selected_clients(settings, names)
    records = base_records(settings, clients)
    return {c.name: records[c.name].holds if c.name in records else () for c in clients}


def conflict_details(settings: Settings, conflict_id: str) -> ConflictDetails:
    """Return the conflict called ``conflict_id``.

    Raises:
        UsageError: Nothing that is held has this id.
    """
    client, held = find_held(settings, conflict_id)
    with open_cluster(settings) as cluster:
        snapshot = take_snapshot(cluster, client, read_refs(cluster, [client]))
        return details_of(cluster, snapshot, held)


def details_of(cluster: Cluster, snapshot: Snapshot, held: HeldPath) -> ConflictDetails:
    """Return the three versions of a path that is held in ``snapshot``."""
    versions = held_versions(cluster, snapshot, held)
    secret = is_secret(snapshot.policy.treatment(held.path), *versions)
    return describe_conflict(cluster, snapshot.client.name, held, versions, secret=secret)


def held_versions(cluster: Cluster, snapshot: Snapshot, held: HeldPath) -> Versions:
    """Return base, ours and theirs of a path that is held in ``snapshot``, without contents."""
    hub = cluster.hub
    theirs_side = cluster.theirs
    if held.upstream_commit != cluster.upstream_commit and hub.has([held.upstream_commit]):
        theirs_side = cluster.sides.side(hub.commit(held.upstream_commit).tree)
    return (
        snapshot.recorded.base.get(held.path),
        snapshot.sides.ours.get(held.path) or snapshot.scan.unmanaged.get(held.path),
        theirs_side.entries.get(held.path),
    )


def describe_conflict(
    cluster: Cluster,
    client: str,
    held: HeldPath,
    versions: Versions,
    *,
    secret: bool,
    text_limit: int = TEXT_LIMIT,
) -> ConflictDetails:
    """Return a held path with what may be shown of its versions.

    Args:
        cluster: The open cluster.
        client: The client.
        held: What is held.
        versions: Base, ours and theirs.
        secret: Whether rule or mode make the path secret.
        text_limit: Bytes of a version that are shown; longer ones are shown without their text.
    """
    contents = [_content(cluster, entry) for entry in versions]
    secret = secret or any(content is not None and looks_secret(content) for content in contents)
    texts = [None if secret else _text(content, text_limit) for content in contents]
    base, ours, theirs = (
        None if entry is None else _version(cluster, entry, content, text)
        for entry, content, text in zip(versions, contents, texts, strict=True)
    )
    return ConflictDetails(client, held, secret, base, ours, theirs)


def _content(cluster: Cluster, entry: Entry | None) -> bytes | None:
    if entry is None or entry.kind not in {Kind.FILE, Kind.SYMLINK} or not entry.oid:
        return None
    return cluster.contents.read(entry.oid)


def _text(content: bytes | None, limit: int) -> str | None:
    if content is None or len(content) > limit or is_binary(content):
        return None
    return content.decode("utf-8", "surrogateescape")


def _version(cluster: Cluster, entry: Entry, content: bytes | None, text: str | None) -> Version:
    names = cluster.root_accounts
    return Version(
        entry,
        names.user_names.get(entry.uid, str(entry.uid)),
        names.group_names.get(entry.gid, str(entry.gid)),
        None if content is None else len(content),
        text,
    )
