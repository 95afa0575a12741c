"""What the hub says of clients without a look at their trees or at upstream."""

from collections.abc import Iterable

from etcsync.config import Client, Settings
from etcsync.errors import UsageError
from etcsync.hub.failures import damaged
from etcsync.hub.hub import base_ref, open_hub
from etcsync.reconcile.messages import BaseRecord, parse_base_message
from etcsync.reconcile.model import HeldPath


def base_records(settings: Settings, clients: Iterable[Client]) -> dict[str, BaseRecord]:
    """Return by name what was last recorded of ``clients``; without those never reconciled.

    Raises:
        HubError: The hub is missing or damaged.
    """
    with open_hub(settings.hub_path) as hub:
        refs = hub.refs()
        bases = {c.name: refs[ref] for c in clients if (ref := base_ref(c.name)) in refs}
        commits = hub.commits(bases.values())
        try:
            return {name: parse_base_message(commits[oid].message) for name, oid in bases.items()}
        except ValueError as error:
            raise damaged(settings.hub_path, str(error)) from error


def find_held(settings: Settings, conflict_id: str) -> tuple[Client, HeldPath]:
    """Return the client on which something is held under ``conflict_id``, and what.

    Raises:
        UsageError: Nothing that is held has this id.
        HubError: The hub is missing or damaged.
    """
    found = recorded_held(settings, conflict_id)
    if found is None:
        raise nothing_held(conflict_id)
    return found


def recorded_held(settings: Settings, conflict_id: str) -> tuple[Client, HeldPath] | None:
    """Return what `find_held` does, or None where nothing that is held has this id.

    Raises:
        HubError: The hub is missing or damaged.
    """
    records = base_records(settings, settings.clients)
    for name, record in records.items():
        for held in record.holds:
            if held.id == conflict_id:
                return settings.client(name), held
    return None


def nothing_held(conflict_id: str) -> UsageError:
    """Return the error that nothing that is held has this id."""
    return UsageError(
        f"nothing that is held has the id {conflict_id}",
        hint="Run `etcsync conflicts` to list what is held; an id changes with the "
        "contents, and is gone once all is decided.",
    )
