"""What an administrator's command decides beyond what policy decides.

A command such as ``resolve`` walks the same road as ``sync``; it only brings choices for some
paths, and tells history what caused what is written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from etcsync.plan.model import Choice
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.model import Cause
from etcsync.reconcile.snapshot import Snapshot
from etcsync.reconcile.validating import Planned

Choices = Mapping[str, Choice]
"""What is decided for one client, by path."""

Choose = Callable[[Cluster, Mapping[str, Planned]], Mapping[str, Choices]]
"""Gives the choices by client, from what each client has and what would be done without any.

It may raise `UsageError`; no tree has been written then."""


def choose_nothing(_cluster: Cluster, _planned: Mapping[str, Planned]) -> Mapping[str, Choices]:
    """Leave all paths to policy."""
    return {}


@dataclass(frozen=True, slots=True)
class Intervention:
    """A command's part in a run.

    Attributes:
        cause: What the commits of the run are recorded under.
        choose: Decides paths; asked anew for a client whose tree changed under the run.
    """

    cause: Cause = Cause.RECONCILE
    choose: Choose = choose_nothing


def with_choices(snapshot: Snapshot, choices: Choices) -> Snapshot:
    """Return a snapshot for which ``choices`` have been made."""
    return replace(snapshot, sides=replace(snapshot.sides, choices=choices))
