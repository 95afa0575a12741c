"""How much each client's edits may add to the hub: ``limits.max_daily_capture``.

Nothing that a client wrote may be lost, so each of its versions is recorded; and a client that
writes ever new ones could fill the hub. What its captures added is kept in one small file of the
state directory. It drains away evenly, all that is allowed in a day; so a client that has used up
its allowance goes on by itself after a while, a little at a time.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Literal

from pydantic import AwareDatetime, Field, NonNegativeInt

from etcsync.document import Document
from etcsync.errors import StateError, TreeError
from etcsync.logs import get_logger
from etcsync.reconcile.state_file import StateFile

DAY = 86_400
"""Seconds."""

MEBIBYTE = 1 << 20

log = get_logger()


class Used(Document):
    """What of one client's allowance was used up at a moment."""

    size: NonNegativeInt
    at: AwareDatetime

    def left_of(self, limit: int, now: datetime) -> int:
        """Return the bytes that are still in use; none drain away while a clock is set back."""
        elapsed = max(0.0, (now - self.at).total_seconds())
        return max(0, self.size - int(elapsed * limit / DAY))


class _Captured(Document):
    version: Literal[1] = Field(alias="schema")
    clients: dict[str, Used]


class Allowances:
    """What each client may still add to the hub."""

    def __init__(self, path: str, limit: int, now: datetime) -> None:
        """Keep books in the file ``path``: ``limit`` bytes in a day, ``now`` being the moment."""
        self._file = StateFile(
            path,
            _Captured,
            tells="how much clients may still add to the hub",
            remedy="It is made again; counting begins anew.",
        )
        self._limit = limit
        self._now = now

    def left(self, client: str) -> int:
        """Return the bytes that a client may add now."""
        return max(0, self._limit - self._used.get(client, 0))

    def refuse(self, client: str, size: int) -> None:
        """Stop for this client if it would add more than it may.

        Raises:
            TreeError: It would.
        """
        left = self.left(client)
        if size <= left:
            return
        raise TreeError(
            f"What {client} changed would add {size / MEBIBYTE:.1f} MiB to the hub, and"
            f" {left / MEBIBYTE:.1f} MiB are left of limits.max_daily_capture"
            f" ({self._limit / MEBIBYTE:.1f} MiB); it was left alone.",
            hint="See what is large or new in its tree (`du -a`). Take it away, have a rule ignore"
            " it, or raise the limit; else it goes on by itself as soon as it may.",
        )

    def bounded(
        self,
        client: str,
        put: Callable[[bytes], str],
        known: Callable[[Iterable[str]], set[str]],
    ) -> Callable[[bytes], str]:
        """Return ``put`` for the contents of one look, which refuses more than may be recorded.

        Args:
            client: Whose tree is looked at.
            put: Keeps a content and returns its id.
            known: Returns those of some ids that the hub has.
        """
        stored: dict[str, int] = {}
        total = 0

        def store(content: bytes) -> str:
            nonlocal total
            oid = put(content)
            stored[oid] = len(content)
            total += len(content)
            if total > self.left(client):
                for each in known(stored):
                    del stored[each]
                total = sum(stored.values())
                self.refuse(client, total)
            return oid

        return store

    def charge(self, sizes: Mapping[str, int]) -> None:
        """Note what was added for each client, in bytes.

        Raises:
            StateError: That could not be written.
        """
        if not any(sizes.values()):
            return
        noted = self._noted()  # anew: other processes of the run note what their clients add
        for client, size in sizes.items():
            noted[client] = self._used[client] = self._used.get(client, 0) + size
        used = {name: Used(size=size, at=self._now) for name, size in noted.items() if size}
        self._file.write(_Captured(schema=1, clients=used))

    @cached_property
    def _used(self) -> dict[str, int]:
        return self._noted()

    def _noted(self) -> dict[str, int]:
        """Return what is in use by client; where the file is missing or damaged, nothing."""
        try:
            captured = self._file.read()
        except StateError as error:
            log.warning("counting captures from now on", reason=error.message)
            return {}
        clients = captured.clients if captured else {}
        return {name: used.left_of(self._limit, self._now) for name, used in clients.items()}
