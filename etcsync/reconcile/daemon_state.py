"""What the daemon leaves in the state directory for others to read: that it runs, its last pass.

The daemon holds a lock as long as it lives; a file beside it tells of its last pass.
"""

import fcntl
import os
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, Field

from etcsync.config import Settings
from etcsync.document import Document
from etcsync.errors import StateError
from etcsync.reconcile.state_file import StateFile


class Result(StrEnum):
    """How a pass went."""

    DONE = "done"
    HELD = "held"
    """Something is held."""
    FAILED = "failed"
    """At least one client failed, or the server around the trees is not as it should be."""
    NOT_MADE = "not made"


class LastPass(Document):
    """The daemon's last pass.

    Attributes:
        time: When it ended.
        why: What made it happen; one of `etcsync.daemon.passes.Why`.
        result: How it went.
        error: Why it could not be made, or could not put the server in order; None: it could.
    """

    time: AwareDatetime
    why: str
    result: Result
    error: str | None = None


class DaemonRecord(Document):
    """What the daemon writes down.

    Attributes:
        process: Its process.
        started: When it started.
        last_pass: Its last pass.
        last_full: When the last pass over all clients ended that was made.
    """

    version: Literal[1] = Field(default=1, alias="schema")
    process: int
    started: AwareDatetime
    last_pass: LastPass | None = None
    last_full: AwareDatetime | None = None


class DaemonState(NamedTuple):
    """What others may know of the daemon.

    Attributes:
        running: Whether it lives.
        record: What it wrote down last, in this life or in an earlier one; None: nothing.
    """

    running: bool
    record: DaemonRecord | None

    @property
    def since(self) -> datetime | None:
        """When it started, if it is running."""
        return self.record.started if self.running and self.record else None


NEVER_RAN = DaemonState(running=False, record=None)


def daemon_state(settings: Settings) -> DaemonState:
    """Return whether the daemon is running, and when it last did something; never raises."""
    return DaemonState(running=_is_held(settings.daemon_lock_path), record=read_record(settings))


def read_record(settings: Settings) -> DaemonRecord | None:
    """Return what the daemon wrote down last; None where there is nothing that can be read."""
    with suppress(StateError):
        return _file(settings).read()
    return None


def write_record(settings: Settings, record: DaemonRecord) -> None:
    """Replace what the daemon wrote down.

    Raises:
        StateError: It cannot be written.
    """
    _file(settings).write(record)


def _file(settings: Settings) -> StateFile[DaemonRecord]:
    return StateFile(
        settings.daemon_record_path,
        DaemonRecord,
        tells="when the daemon last did something",
        remedy="The daemon writes it anew.",
    )


def _is_held(path: str) -> bool:
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False
