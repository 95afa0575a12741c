"""The cluster's state, what is held and what drifted, in one reading of every tree."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from etcsync.config import Settings
from etcsync.entries import Entry, Kind
from etcsync.hub.upstream import read_upstream
from etcsync.plan.alike import DriftGroup, drift_groups
from etcsync.reconcile.cluster import Cluster, open_cluster, selected_clients
from etcsync.reconcile.conflicts import (
    ConflictDetails,
    Versions,
    describe_conflict,
    held_versions,
)
from etcsync.reconcile.differences import difference_lines
from etcsync.reconcile.model import ClientStatus, ClusterStatus, HeldPath
from etcsync.reconcile.snapshot import Snapshot
from etcsync.reconcile.status import client_statuses, whole_status
from etcsync.report.secrets import is_secret
from etcsync.tree.live import left_overs
from etcsync.words import time_text

CONFLICTS_SHOWN = 50
"""Conflicts whose versions are read; of further ones the report has no more than `status` has."""

DIFFS_SHOWN = 100
"""Differences from upstream that are read; of further ones it is only told that they are there."""

SIZE_LIMIT = 64 * 1024
"""Bytes of a version that are shown or compared."""


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """One conflict, and every client on which the same versions of the path are held.

    Attributes:
        holds: What is held, by client, in the settings' order; never empty.
        details: The versions, as the first client has them; None beyond `CONFLICTS_SHOWN`.
    """

    holds: dict[str, HeldPath]
    details: ConflictDetails | None

    @property
    def first(self) -> HeldPath:
        """What is held on the first of the clients."""
        return next(iter(self.holds.values()))


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference from upstream, and every client that has it.

    Attributes:
        group: The difference and the clients.
        secret: Whether rule, mode or, where it was read, content make it secret; for one of the
            clients, for all.
        lines: A unified diff without header, upstream's version against theirs: untrusted text.
            None beyond `DIFFS_SHOWN`.
    """

    group: DriftGroup
    secret: bool
    lines: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """All that a report tells.

    Attributes:
        time: When the cluster was read, RFC 3339 UTC.
        status: The state of upstream and of the clients.
        held: What is held, the conflicts of most clients first.
        drift: Differences from upstream that are neither held nor explained, those of most clients
            first.
    """

    time: str
    status: ClusterStatus
    held: Sequence[HeldGroup]
    drift: Sequence[Drift]

    @property
    def exit_status(self) -> int:
        """Return 3 when a client could not be read, 1 when something is held, else 0."""
        if any(client.error for client in self.status.clients):
            return 3
        return 1 if self.held else 0


def cluster_report(settings: Settings, names: Sequence[str] = ()) -> ClusterReport:
    """Read the state of the clients called ``names``, or of all; write nothing.

    Raises:
        UsageError: A name is unknown.
        UpstreamError: Upstream cannot be read.
        HubError: The hub is missing or damaged.
    """
    clients = selected_clients(settings, names)
    upstream = read_upstream(settings.upstream.etc, settings.upstream.root)
    with open_cluster(settings) as cluster:
        seen = _Seen(cluster)
        states = client_statuses(cluster, clients, seen.visit)
        status = whole_status(settings, upstream, left_overs(cluster.live), states)
        return ClusterReport(
            time=time_text(cluster.now),
            status=status,
            held=seen.held_groups(),
            drift=seen.drift(status),
        )


@dataclass
class _Conflict:
    """The same versions of a path, as they are met on one client after the other."""

    versions: Versions
    holds: dict[str, HeldPath] = field(default_factory=dict)
    secret: bool = False


@dataclass
class _Seen:
    """What is kept of each client: not its snapshot, which is large, and no contents."""

    cluster: Cluster
    conflicts: dict[tuple[object, ...], _Conflict] = field(default_factory=dict)
    secrets: set[tuple[str, Entry | None]] = field(default_factory=set)

    def visit(self, snapshot: Snapshot, status: ClientStatus) -> None:
        """Keep what is held on one client, and which of its drift is secret."""
        name = snapshot.client.name
        for held in status.conflicts:
            versions = held_versions(self.cluster, snapshot, held)
            unread = any(entry is not None and entry.kind is Kind.OTHER for entry in versions)
            key = (held.path, held.reason, versions, name if unread else None)
            conflict = self.conflicts.setdefault(key, _Conflict(versions))
            conflict.holds[name] = held
            conflict.secret |= is_secret(snapshot.policy.treatment(held.path), *versions)
        for each in status.drift:
            sides = (snapshot.sides.ours.get(each.path), snapshot.sides.theirs.get(each.path))
            if is_secret(snapshot.policy.treatment(each.path), each.entry, *sides):
                self.secrets.add((each.path, each.entry))

    def held_groups(self) -> list[HeldGroup]:
        """Return what is held, each conflict once."""
        by_weight = sorted(
            self.conflicts.items(), key=lambda item: (-len(item[1].holds), item[0][0])
        )
        groups = []
        for number, (_, conflict) in enumerate(by_weight):
            client, held = next(iter(conflict.holds.items()))
            details = (
                describe_conflict(
                    self.cluster,
                    client,
                    held,
                    conflict.versions,
                    secret=conflict.secret,
                    text_limit=SIZE_LIMIT,
                )
                if number < CONFLICTS_SHOWN
                else None
            )
            groups.append(HeldGroup(conflict.holds, details))
        return groups

    def drift(self, status: ClusterStatus) -> list[Drift]:
        """Return all drift, each difference once."""
        groups = drift_groups({client.name: client.drift for client in status.clients})
        groups.sort(key=lambda group: -len(group.clients))
        return [self._drift(group, read=n < DIFFS_SHOWN) for n, group in enumerate(groups)]

    def _drift(self, group: DriftGroup, *, read: bool) -> Drift:
        secret = (group.path, group.entry) in self.secrets
        if not read:
            return Drift(group, secret, None)
        theirs = self.cluster.theirs.entries.get(group.path)
        secret, lines = difference_lines(
            self.cluster.merger.read, theirs, group.entry, secret=secret, size_limit=SIZE_LIMIT
        )
        return Drift(group, secret, lines)
