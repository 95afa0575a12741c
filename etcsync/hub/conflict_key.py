"""The hub's key for the ids of conflicts.

An id is made of what three versions of a path contain, and reports show it to whoever may read
them. Made with a key that stays in the hub, it tells nothing: without one, somebody could try out
which Wi-Fi key or PIN leads to the id.
"""

import os
import secrets

from etcsync.atomic_file import write_file
from etcsync.hub.failures import writing

LENGTH = 32
"""Bytes."""

NO_KEY = b""
"""What takes the place of the key until one has been made."""

_FILE = "conflict-key"


def read_conflict_key(hub: str) -> bytes:
    """Return the key of the hub at ``hub``, or `NO_KEY`; write nothing."""
    try:
        with open(os.path.join(hub, _FILE), "rb") as file:
            key = file.read(LENGTH + 1)
    except FileNotFoundError:
        return NO_KEY
    return key if len(key) == LENGTH else NO_KEY


def ensure_conflict_key(hub: str) -> bytes:
    """Return the key of the hub at ``hub``; make it if there is none, durably, for its owner only.

    Hubs that were made before there were keys get theirs so. The ids of what is held change then.

    Raises:
        HubError: It cannot be written.
    """
    key = read_conflict_key(hub)
    if not key:
        key = secrets.token_bytes(LENGTH)
        with writing(hub, "the key for the ids of conflicts"):
            write_file(os.path.join(hub, _FILE), key, mode=0o600)
    return key
