"""What the daemon writes down of its passes, for `status` and whoever else wants to know."""

import os
from datetime import UTC, datetime

from etcsync.config import Settings
from etcsync.daemon.passes import Outcome, Pass
from etcsync.daemon.passing import error_of
from etcsync.errors import StateError
from etcsync.logs import get_logger
from etcsync.reconcile.daemon_state import DaemonRecord, LastPass, Result, write_record

_RESULTS = {
    Outcome.NOT_MADE: Result.NOT_MADE,
    Outcome.CLIENT_FAILED: Result.FAILED,
    Outcome.SERVER_FAILED: Result.FAILED,
    Outcome.HELD: Result.HELD,
    Outcome.DONE: Result.DONE,
}

log = get_logger()


PACE = 600.0
"""Seconds after which a pass is written down though it came to the same as the one before."""


class Diary:
    """The record of this daemon; see `etcsync.reconcile.daemon_state`.

    A pass that has nothing to tell but its time is seldom written down, so that a daemon at rest
    lets the disk rest too.
    """

    def __init__(self) -> None:
        self._record = DaemonRecord(process=os.getpid(), started=_now())
        self._written = self._record
        self._heads: dict[str, str | None] = {}
        self._last = float("-inf")

    def begin(self, settings: Settings) -> None:
        """Write down that the daemon has started.

        Raises:
            StateError: The state directory cannot be written.
        """
        write_record(settings, self._record)

    def note(self, settings: Settings, made: Pass, now: float) -> LastPass:
        """Write down a pass, if there is news, and return what there is to tell of it.

        A full disk is no reason to stop.

        Args:
            settings: The settings.
            made: The pass.
            now: Seconds on a clock that never goes back.
        """
        error = error_of(made)
        last = LastPass(
            time=_now(),
            why=made.why.value,
            result=_RESULTS[made.outcome],
            error=error.message if error else None,
        )
        full = made.run is not None and len(made.clients) == len(settings.clients)
        last_full = last.time if full else self._record.last_full
        self._record = self._record.model_copy(update={"last_pass": last, "last_full": last_full})
        recorded = self._recorded(made)
        if recorded or now >= self._last + PACE or _told(self._record) != _told(self._written):
            self._write(settings, now)
        return last

    def end(self, settings: Settings, now: float) -> None:
        """Write down the last pass, as the daemon ends."""
        if self._record != self._written:
            self._write(settings, now)

    def _recorded(self, made: Pass) -> bool:
        """Whether anything was recorded in the hub since a pass was noted."""
        heads = {run.name: run.commit for run in made.run.clients} if made.run else {}
        news = any(self._heads.get(name) != commit for name, commit in heads.items())
        self._heads |= heads
        return news

    def _write(self, settings: Settings, now: float) -> None:
        try:
            write_record(settings, self._record)
        except StateError as error:
            log.warning("the daemon's record cannot be written", why=error.message)
        else:
            self._written, self._last = self._record, now


def _told(record: DaemonRecord) -> tuple[object, ...]:
    """Return all that a record tells but the times."""
    last = record.last_pass
    return record.last_full is None, last and (last.why, last.result, last.error)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
