"""Which clients differ from upstream in the same way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from etcsync.entries import Entry, Kind
from etcsync.plan.model import Change, Difference
from etcsync.policy.treatment import Strategy


@dataclass(frozen=True, slots=True)
class DriftGroup:
    """One difference from upstream, and every client that has it.

    Attributes:
        path: Where.
        change: How these clients differ from upstream.
        strategy: The path's strategy for the first of them.
        entry: What all of them have there, None for nothing; never shown, see `Difference`.
        clients: Their names, in the order in which they were given.
    """

    path: str
    change: Change
    strategy: Strategy
    entry: Entry | None
    clients: tuple[str, ...]


def drift_groups(drift: Mapping[str, Iterable[Difference]]) -> list[DriftGroup]:
    """Return the clients' drift with equal differences taken together, in the order of paths.

    Two differences are equal when path, change and resulting entry are: kind, content, mode, owner
    and group. What is not recorded equals nothing, for nobody has looked at its content.

    Args:
        drift: The differences by client.
    """
    alike: dict[tuple[object, ...], list[tuple[str, Difference]]] = {}
    for client, differences in drift.items():
        for each in differences:
            alike.setdefault(_key(client, each), []).append((client, each))
    groups = [_group(members) for members in alike.values()]
    return sorted(groups, key=lambda group: group.path)


def shared_groups(drift: Mapping[str, Iterable[Difference]]) -> list[DriftGroup]:
    """Return the groups of two or more clients among `drift_groups`."""
    return [group for group in drift_groups(drift) if len(group.clients) > 1]


def _key(client: str, difference: Difference) -> tuple[object, ...]:
    entry = difference.entry
    alone = client if entry is not None and entry.kind is Kind.OTHER else None
    return difference.path, difference.change, entry, alone


def _group(members: list[tuple[str, Difference]]) -> DriftGroup:
    first = members[0][1]
    clients = tuple(client for client, _ in members)
    return DriftGroup(first.path, first.change, first.strategy, first.entry, clients)
