"""What the road reports: held paths, one client's part of a run, and the state of a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from etcsync.errors import EtcsyncError, TreeError
from etcsync.plan.alike import DriftGroup, shared_groups
from etcsync.plan.model import Action, Difference
from etcsync.reconcile.daemon_state import NEVER_RAN, DaemonState
from etcsync.reconcile.suspensions import Suspension


class Cause(StrEnum):
    """Why etcsync wrote into a tree, as the history of the client tells it."""

    RECONCILE = "reconcile"
    PROMOTE = "promote"
    RESOLVE = "resolve"
    DISCARD = "discard"
    RESTORE = "restore"
    BOOT = "boot"


@dataclass(frozen=True, slots=True)
class HeldPath:
    """One path in quarantine, as the message of the client's base commit keeps it.

    Attributes:
        id: The conflict's id, stable for the same client, path, base, ours and theirs.
        path: The path, relative to /etc.
        reason: One of `etcsync.plan.model.HoldReason`, as text.
        detail: What is in the way, in sentences: untrusted text, but never anything secret.
        strategy: The strategy that the path is treated with.
        since: When it was first held, RFC 3339 UTC.
        upstream_commit: The upstream commit whose version is held back.
    """

    id: str
    path: str
    reason: str
    detail: str
    strategy: str
    since: str
    upstream_commit: str


@dataclass(frozen=True, slots=True)
class TreeWarning:
    """Something in a tree that cannot be recorded, or in a run that could not be checked.

    The kinds are those of the JSON interface.
    """

    path: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class ClientRun:
    """What one reconciliation did, or would do, for one client.

    Attributes:
        name: The client.
        commit: The head of its recorded history afterwards; None while it has none.
        error: Why it was left alone, or not finished.
        actions: What was done, in path order.
        conflicts: Everything that is held afterwards.
        warnings: What in the tree could not be recorded.
        suspended: Why its tree was not written to, if it is suspended.
        chosen: The paths that the command decided.
        unmet: Those among them for which that was not carried out, with the reason.
        drift: What differs from upstream afterwards and no policy explains.
        unsettled: Paths that were written and that the client may have changed again since; the
            next run sees.
        looks: The moments right before its tree was looked at, in seconds of the monotonic clock:
            at the beginning, and once more at what was put in place.
        look_seconds: How long the first of these looks took.
    """

    name: str
    commit: str | None = None
    error: EtcsyncError | None = None
    actions: Sequence[Action] = ()
    conflicts: Sequence[HeldPath] = ()
    warnings: Sequence[TreeWarning] = ()
    suspended: Suspension | None = None
    chosen: Sequence[str] = ()
    unmet: Sequence[tuple[str, str]] = ()
    drift: Sequence[Difference] = ()
    unsettled: frozenset[str] = frozenset()
    looks: Sequence[float] = ()
    look_seconds: float = 0.0

    def followed_by(self, later: "ClientRun") -> "ClientRun":
        """Return what two passes of one run did together."""
        actions = {action.path: action for action in (*self.actions, *later.actions)}
        return replace(
            later,
            actions=[actions[path] for path in sorted(actions)],
            chosen=sorted({*self.chosen, *later.chosen}),
            looks=(*self.looks, *later.looks),
            look_seconds=self.look_seconds,
        )

    def unfinished(self) -> "ClientRun":
        """Return this with the error that the tree did not hold still."""
        return replace(
            self,
            error=TreeError(
                f"the tree of {self.name} kept changing while it was written to",
                hint="The next `etcsync sync` goes on; see what keeps writing on the client.",
            ),
        )


@dataclass(frozen=True, slots=True)
class ServerRun:
    """What a run did around the trees: exports, and what a writable /boot needs.

    Attributes:
        done: What was done, in sentences.
        warnings: What could not be, or should be thought about.
        error: Why the rest was not done.
    """

    done: Sequence[str] = ()
    warnings: Sequence[str] = ()
    error: EtcsyncError | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One reconciliation of the fleet, or the plan of one.

    Attributes:
        upstream_commit: The upstream commit that it works towards.
        clients: What was done for each client.
        warnings: What concerns no single client: contents that no validator has looked at.
        server: What was done around the trees.
    """

    upstream_commit: str
    clients: Sequence[ClientRun]
    warnings: Sequence[TreeWarning] = ()
    server: ServerRun = ServerRun()

    @property
    def exit_status(self) -> int:
        """Return 3 when something failed, 1 when something is held, else 0."""
        if self.server.error or any(client.error for client in self.clients):
            return 3
        return 1 if any(client.conflicts for client in self.clients) else 0


STATES = ("error", "suspended", "conflicted", "behind", "drifted", "synced")
"""The states of a client, the worst first."""


@dataclass(frozen=True, slots=True)
class ClientStatus:
    """The state of one client now, as `status` shows it."""

    name: str
    tree: str
    upstream_commit: str | None = None
    behind: int = 0
    drift: Sequence[Difference] = ()
    local: Sequence[Difference] = ()
    conflicts: Sequence[HeldPath] = ()
    warnings: Sequence[TreeWarning] = ()
    suspended: Suspension | None = None
    error: EtcsyncError | None = None
    last_sync: str | None = None

    @property
    def state(self) -> str:
        """Return the worst state that applies."""
        return worst_state(self, behind=self.behind > 0)


def worst_state(client: ClientStatus | ClientRun, *, behind: bool) -> str:
    """Return the first of `STATES` that applies to a client.

    Args:
        client: What is known of it.
        behind: Whether there is an upstream commit that it has not been reconciled with.
    """
    applies = (client.error, client.suspended, client.conflicts, behind, client.drift, True)
    return next(state for state, applied in zip(STATES, applies, strict=True) if applied)


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """The state of upstream and of every client asked for.

    Attributes:
        upstream_path: The root's /etc.
        upstream_commit: Its head.
        uncommitted: Paths that differ from it.
        leftovers: What package managers left there for an administrator to merge.
        busy: What is going on there, as a sentence, or None.
        clients: The clients.
        daemon: Whether the daemon is running, and when it last was.
    """

    upstream_path: str
    upstream_commit: str
    uncommitted: Sequence[str]
    leftovers: Sequence[str]
    busy: str | None
    clients: Sequence[ClientStatus]
    daemon: DaemonState = NEVER_RAN

    @property
    def alike(self) -> Sequence[DriftGroup]:
        """Return the drift that several of the clients share, in the order of paths."""
        return shared_groups({client.name: client.drift for client in self.clients})
