"""Tells people of incidents, from a thread of its own: the daemon's loop never waits for it."""

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from etcsync.config import Settings
from etcsync.daemon.incidents import Change
from etcsync.daemon.notifying_message import News, joined
from etcsync.daemon.notifying_ways import Teller, Way, ways
from etcsync.logs import get_logger

PAUSES = (5.0, 30.0, 120.0)
"""Seconds before each further attempt of a way that failed."""

LIMIT = 1000
"""Incidents of which there is news to tell; further ones are counted."""

GRACE = 5.0
"""Seconds for the last news when the daemon ends."""

Count = Callable[[str], None]
"""Is told what became of each message: ``sent`` or ``failed``."""

log = get_logger()


class _Plan(NamedTuple):
    settings: Settings
    ways: Sequence[Way]


class Notifier:
    """Gathers news, and tells it in every way that the settings name.

    News that comes while it waits, or while a service does not answer, is joined: at any time there
    is one piece for each incident at most, and no more than `LIMIT` in all.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        count: Count = lambda _result: None,
        pauses: Sequence[float] = PAUSES,
        teller: Teller | None = None,
    ) -> None:
        self._plan = _Plan(settings, ways(settings))
        self._count = count
        self._pauses = pauses
        self._teller = teller or Teller()
        self._news: dict[str, Change] = {}
        self._left_out = 0
        self._changed = threading.Condition()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="notifier", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """Tell what there is, once and within `GRACE`, and end."""
        self._ending.set()
        with self._changed:
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(GRACE)
            self._teller.end()
            self._thread.join(GRACE)

    def use(self, settings: Settings) -> None:
        """Tell as other settings say from now on.

        Raises:
            SettingsError: There are URLs, and apprise is not installed; nothing has changed.
        """
        self._plan = _Plan(settings, ways(settings))

    def tell(self, changes: Sequence[Change]) -> None:
        """Take news to tell; never waits."""
        plan = self._plan
        if not plan.ways:
            return
        wanted = [each for each in changes if each.incident.kind in plan.settings.notify.on]
        with self._changed:
            for change in wanted:
                if len(self._news) >= LIMIT and change.incident.id not in self._news:
                    self._left_out += 1
                else:
                    self._news = joined(self._news, [change])
            self._changed.notify()

    def _work(self) -> None:
        while self._wait():
            self._ending.wait(self._plan.settings.notify.quiet)
            with self._changed:
                news, self._news = self._news, {}
                left_out, self._left_out = self._left_out, 0
            plan = self._plan
            if news:
                self._deliver(plan, news, left_out)

    def _wait(self) -> bool:
        """Wait for news; return whether there is some."""
        with self._changed:
            while not self._news and not self._ending.is_set():
                self._changed.wait()
            return bool(self._news)

    def _deliver(self, plan: _Plan, news: News, left_out: int) -> None:
        """Tell in every way; what fails is tried again, after the others."""
        waiting = list(plan.ways)
        for pause in (*self._pauses, None):
            waiting = [each for each in waiting if not self._tell(plan, each, news, left_out)]
            if not waiting or pause is None or self._ending.wait(pause):
                break
        for way in waiting:
            self._count("failed")
            log.error("nobody was told", way=way.name, incidents=len(news))

    def _tell(self, plan: _Plan, way: Way, news: News, left_out: int) -> bool:
        told = self._teller.tell(way, news, left_out, plan.settings.source)
        if told.failure:
            log.warning("cannot tell", way=way.name, why=told.failure, output=told.output)
            return False
        self._count("sent")
        log.info("told", way=way.name, incidents=len(news), output=told.output)
        return True
