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


class Diary:
    """The record of this daemon; see `etcsync.reconcile.daemon_state`."""

    def __init__(self) -> None:
        self._record = DaemonRecord(process=os.getpid(), started=_now())

    def begin(self, settings: Settings) -> None:
        """Write down that the daemon has started.

        Raises:
            StateError: The state directory cannot be written.
        """
        write_record(settings, self._record)

    def note(self, settings: Settings, made: Pass) -> LastPass:
        """Write down a pass, and return what was written; a full disk is no reason to stop."""
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
        try:
            write_record(settings, self._record)
        except StateError as error:
            log.warning("the daemon's record cannot be written", why=error.message)
        return last


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
