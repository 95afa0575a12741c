"""Logging: structlog to stderr, coloured on a terminal, JSON lines in the journal."""

import logging
import os
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from etcsync.report.escape import printable

LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
"""Level for each number of ``-v`` flags."""


def configure(verbosity: int, *, color: bool, as_json: bool | None = None) -> None:
    """Set up logging for this process; called once by an entry point.

    Args:
        verbosity: 0 shows warnings, 1 what is done, 2 and more every detail.
        color: Whether stderr may be coloured.
        as_json: JSON lines instead of text; None decides: JSON when systemd's journal reads it.
    """
    if as_json is None:
        as_json = "JOURNAL_STREAM" in os.environ
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=True)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=color, pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _escape_text,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            LEVELS[min(verbosity, len(LEVELS) - 1)]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _escape_text(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Make names that clients chose harmless for whoever reads the log."""
    return {
        key: printable(value) if isinstance(value, str) else value for key, value in event.items()
    }
