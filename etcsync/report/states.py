"""The states of many clients together."""

from collections import Counter
from collections.abc import Iterable

from etcsync.reconcile.model import STATES, ClientStatus


def state_counts(clients: Iterable[ClientStatus]) -> dict[str, int]:
    """Return how many clients are in each state, the worst first, without states of none."""
    counts = Counter(client.state for client in clients)
    return {state: counts[state] for state in STATES if counts[state]}


def worst_first(clients: Iterable[ClientStatus]) -> list[ClientStatus]:
    """Return the clients by state, those that need attention most at the top."""
    return sorted(clients, key=lambda client: STATES.index(client.state))
