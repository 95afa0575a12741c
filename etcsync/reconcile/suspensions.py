"""Clients whose trees are not to be written to: who is, since when, until when and why.

They are kept in one small file of the state directory. What cannot be read there stops every run:
to take it for "nobody is suspended" would write into a tree that somebody wants left alone.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, Field

from etcsync.config import Settings
from etcsync.document import Document
from etcsync.errors import UsageError
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.state_file import StateFile
from etcsync.report.escape import printable


class Suspension(Document):
    """One client's suspension.

    Attributes:
        since: When the client was suspended.
        until: When the suspension ends by itself; None: when the client is resumed.
        reason: Why, in the administrator's words; may be empty.
        by: Who suspended it: a user's name, or a number.
    """

    since: AwareDatetime
    until: AwareDatetime | None
    reason: str
    by: str

    def in_force(self, now: datetime) -> bool:
        """Whether it has not ended by itself."""
        return self.until is None or now < self.until


Suspensions = Mapping[str, Suspension]
"""Suspensions by client."""


class _File(Document):
    version: Literal[1] = Field(alias="schema")
    clients: dict[str, Suspension]


class Suspended(NamedTuple):
    """What `suspend` did for one client: its suspension, and the one that it replaces."""

    suspension: Suspension
    before: Suspension | None


def suspensions_in_force(settings: Settings, now: datetime) -> dict[str, Suspension]:
    """Return the suspensions of the settings' clients that have not ended.

    Raises:
        StateError: The file is damaged or cannot be read.
    """
    return _in_force(settings, _read(settings), now)


def suspend(
    settings: Settings,
    names: Sequence[str],
    *,
    reason: str,
    seconds: float | None,
    by: str,
    now: datetime,
    wait: float,
) -> dict[str, Suspended]:
    """Suspend clients; when it returns, no run is writing into their trees.

    A client that is suspended already stays so since then, for the new reason and time.

    Args:
        settings: The settings.
        names: The clients.
        reason: Why.
        seconds: How long; None: until they are resumed.
        by: Who wants it.
        now: The time.
        wait: Seconds to wait for another writer.

    Raises:
        UsageError: A client is unknown, or the time is none or too long.
        LockError: Another writer did not end in time.
        StateError: The file is damaged or cannot be written.
    """
    clients = [settings.client(name).name for name in names]
    until = None if seconds is None else _later(now, seconds)
    with writer_lock(settings.lock_path, wait=wait):
        known = suspensions_in_force(settings, now)
        new = {
            name: Suspension(
                since=known[name].since if name in known else now,
                until=until,
                reason=printable(reason),
                by=printable(by),
            )
            for name in clients
        }
        _write(settings, {**known, **new})
    return {name: Suspended(each, known.get(name)) for name, each in new.items()}


def resume(
    settings: Settings, names: Sequence[str], *, now: datetime, wait: float
) -> dict[str, Suspension | None]:
    """End suspensions, and return each; None where a client was not suspended. No tree is written.

    Raises:
        UsageError: A client is unknown.
        LockError: Another writer did not end in time.
        StateError: The file is damaged or cannot be written.
    """
    clients = [settings.client(name).name for name in names]
    with writer_lock(settings.lock_path, wait=wait):
        known = suspensions_in_force(settings, now)
        _write(settings, _without(known, clients))
    return {name: known.get(name) for name in clients}


def forget_ended(settings: Settings, now: datetime) -> None:
    """Drop suspensions that have ended, and those of clients that the settings have no longer.

    The caller holds the lock.

    Raises:
        StateError: The file is damaged or cannot be written.
    """
    _write(settings, suspensions_in_force(settings, now))


@contextmanager
def forgetting(settings: Settings, name: str) -> Iterator[None]:
    """Drop a client's suspension once the block has removed the client. The caller holds the lock.

    Raises:
        StateError: The file is damaged, found out before the block, or cannot be written.
    """
    known = _read(settings)
    yield
    _write(settings, _without(known, [name]))


@contextmanager
def suspending(settings: Settings, name: str, suspension: Suspension) -> Iterator[None]:
    """Suspend a client unless it is already, and for good unless the block raises.

    The caller holds the lock.

    Raises:
        StateError: The file is damaged or cannot be written; the block was not entered.
    """
    before = _read(settings)
    if name in suspensions_in_force(settings, suspension.since):
        yield
        return
    _write(settings, {**before, name: suspension})
    try:
        yield
    except BaseException:
        _write(settings, before)
        raise


def _in_force(settings: Settings, known: Suspensions, now: datetime) -> dict[str, Suspension]:
    clients = {client.name for client in settings.clients}
    return {n: each for n, each in known.items() if n in clients and each.in_force(now)}


def _without(known: Suspensions, names: Collection[str]) -> dict[str, Suspension]:
    return {name: each for name, each in known.items() if name not in names}


def _later(now: datetime, seconds: float) -> datetime:
    try:
        until = (now + timedelta(seconds=seconds)).replace(microsecond=0)
    except OverflowError as error:
        raise UsageError(
            "that is longer than time can be counted",
            hint="Leave --for out to suspend until `etcsync resume`.",
        ) from error
    if until <= now:
        raise UsageError("a suspension takes a second at least", hint="Write --for 2h.")
    return until


def _file(settings: Settings) -> StateFile[_File]:
    path = settings.suspensions_path
    return StateFile(
        path,
        _File,
        tells="which clients are suspended",
        remedy="No tree is written to meanwhile. Mend it, or remove it and suspend again whoever "
        f"is to be: `rm {path}`, `etcsync suspend CLIENT`.",
    )


def _read(settings: Settings) -> dict[str, Suspension]:
    file = _file(settings).read()
    return file.clients if file else {}


def _write(settings: Settings, suspensions: Suspensions) -> None:
    """Replace the file, unless it says the same already."""
    if _read(settings) != suspensions:
        _file(settings).write(_File(schema=1, clients=dict(suspensions)))
