"""What happens at intervals, in a thread beside the loop."""

import logging
from collections.abc import Callable
from datetime import UTC

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

JITTER = 0.1
"""The full reconciliation comes earlier or later by as much of the interval, so that servers that
share a disk or a host do not all work at the same moment."""

INTERVAL_JOB = "interval"


class Timers:
    """The timers of the daemon; the loop itself sees to it when the clock was set back."""

    def __init__(self) -> None:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.start()

    def follow(self, interval: float, over: Callable[[], None]) -> None:
        """Call ``over`` every ``interval`` seconds from now on, give or take a little."""
        self._scheduler.add_job(
            over,
            "interval",
            seconds=interval,
            jitter=interval * JITTER,
            id=INTERVAL_JOB,
            replace_existing=True,
        )

    def every(self, seconds: float, action: Callable[[], None]) -> None:
        """Call ``action`` every so many seconds."""
        self._scheduler.add_job(action, "interval", seconds=seconds)

    def close(self) -> None:
        """Call nothing any more."""
        self._scheduler.shutdown(wait=False)
