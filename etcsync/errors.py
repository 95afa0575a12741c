"""One base error for all that etcsync tells an administrator.

Raise a subclass near the cause; only the edges (the command line, the loop over clients) catch it.
"""

from typing import ClassVar


class EtcsyncError(Exception):
    """A failure that can be explained: what happened, why, and what to do next.

    Attributes:
        message: What happened and why, one or a few sentences, without a traceback in mind.
        hint: The next step for the administrator, naming the command that helps; or None.
        exit_status: What the command line exits with: 2 wrong usage or settings, 3 failed.
    """

    exit_status: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(EtcsyncError):
    """The command was called in a way that cannot work."""

    exit_status = 2


class SettingsError(UsageError):
    """A settings or rule file is wrong, missing or contradicts itself."""


class UpstreamError(EtcsyncError):
    """The upstream repository cannot be read or must not be read now."""


class UpstreamBusyError(UpstreamError):
    """A package transaction, or git, is in the middle of changing upstream."""


class HubError(EtcsyncError):
    """The hub is missing, damaged or refused an operation."""


class StateError(EtcsyncError):
    """A file of the state directory is damaged, or cannot be read or written."""


class TreeError(EtcsyncError):
    """One client's tree cannot be worked on; other clients are not concerned."""


class LockError(EtcsyncError):
    """Another etcsync holds the lock and did not let go in time."""
