"""Logging: structlog to stderr, coloured on a terminal, JSON lines in the journal.

Every module has ``log = get_logger()`` and writes ``log.info("what happened", client=name)``. Most
calls of the command line log nothing, so structlog is loaded with the first line that is seen.
"""

import logging
import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from etcsync.report.escape import printable

LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
"""Level for each number of ``-v`` flags."""


@dataclass
class Manner:
    """How a process logs.

    Attributes:
        level: The least that is seen.
        color: Whether lines may have colours.
        as_json: JSON lines instead of text.
        values: What every line carries.
        set_up: Whether structlog knows.
    """

    level: int = logging.WARNING
    color: bool = False
    as_json: bool = False
    values: dict[str, object] = field(default_factory=dict)
    set_up: bool = False


_manner = Manner()


def configure(verbosity: int, *, color: bool, as_json: bool | None = None) -> None:
    """Say how this process logs; called once by an entry point.

    Args:
        verbosity: 0 shows warnings, 1 what is done, 2 and more every detail.
        color: Whether stderr may be coloured.
        as_json: JSON lines instead of text; None decides: JSON when systemd's journal reads it.
    """
    _manner.level = LEVELS[min(verbosity, len(LEVELS) - 1)]
    _manner.color = color
    _manner.as_json = "JOURNAL_STREAM" in os.environ if as_json is None else as_json
    _manner.set_up = False


def manner() -> Manner:
    """Return how this process and thread log, for another process that is to do alike."""
    values = {}
    if "structlog" in sys.modules:
        import structlog  # noqa: PLC0415 - as below

        values = structlog.contextvars.get_contextvars()
    return replace(_manner, values=values, set_up=False)


def take_over(given: Manner) -> None:
    """Log as another process does."""
    global _manner  # noqa: PLW0603 - as `configure` says it
    _manner = given
    if given.values:
        import structlog  # noqa: PLC0415 - as below

        structlog.contextvars.bind_contextvars(**given.values)


class Logger:
    """Writes lines of a name and values; ``exc_info=error`` adds a traceback."""

    def debug(self, event: str, **values: object) -> None:
        """Tell a detail."""
        _write(logging.DEBUG, event, values)

    def info(self, event: str, **values: object) -> None:
        """Tell what is done."""
        _write(logging.INFO, event, values)

    def warning(self, event: str, **values: object) -> None:
        """Tell what somebody should know."""
        _write(logging.WARNING, event, values)

    def error(self, event: str, **values: object) -> None:
        """Tell what failed."""
        _write(logging.ERROR, event, values)


def get_logger() -> Logger:
    """Return what a module logs with."""
    return Logger()


@contextmanager
def logged_with(**values: object) -> Iterator[None]:
    """Have every line that this thread logs within the block carry ``values``, too."""
    import structlog  # noqa: PLC0415 - as below

    with structlog.contextvars.bound_contextvars(**values):
        yield


def _write(level: int, event: str, values: dict[str, object]) -> None:
    if level < _manner.level:
        return
    import structlog  # noqa: PLC0415 - a quarter of the time that a short command takes to start

    if not _manner.set_up:
        _set_up()
    structlog.get_logger().log(level, event, **values)


def _set_up() -> None:
    import structlog  # noqa: PLC0415 - as above

    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=True)
        if _manner.as_json
        else structlog.dev.ConsoleRenderer(colors=_manner.color, pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _escape_text,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_manner.level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _manner.set_up = True


def _escape_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Any:  # noqa: ANN401 - structlog's own signature
    """Make names that clients chose harmless for whoever reads the log."""
    return {
        key: printable(value) if isinstance(value, str) else value for key, value in event.items()
    }
