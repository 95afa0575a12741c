"""What happens at intervals, in threads beside the loop."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

JITTER = 0.1
"""The full reconciliation comes earlier or later by as much of the interval, so that servers that
share a disk or a host do not all work at the same moment."""

INTERVAL_JOB = "interval"


class Timers:
    """The timers of the daemon.

    The full reconciliation goes by the wall clock; when that was set back, the loop itself sees to
    it. What must not stop then goes by `every`.
    """

    def __init__(self) -> None:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.start()
        self._ended = threading.Event()

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
        """Call ``action`` every so many seconds, whatever becomes of the wall clock."""

        def repeat() -> None:
            while not self._ended.wait(seconds):
                action()

        threading.Thread(target=repeat, name="timer", daemon=True).start()

    def close(self) -> None:
        """Call nothing any more."""
        self._ended.set()
        self._scheduler.shutdown(wait=False)
