"""All that watches the daemon's passes, wired together: metrics, health, incidents, messages."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from etcsync.config import Settings
from etcsync.daemon.incidents_keeper import IncidentKeeper
from etcsync.daemon.metrics import Metrics
from etcsync.daemon.notifying import Notifier
from etcsync.daemon.passes import Observer, Pass
from etcsync.daemon.web import Web
from etcsync.daemon.web_health import Alive, Clock, HealthWatch
from etcsync.errors import EtcsyncError
from etcsync.hub.hub import open_hub
from etcsync.logs import get_logger

log = get_logger()


class Observing:
    """The daemon's observers, with what of them runs by itself.

    Attributes:
        observers: To be told of each pass, in this order.
        registry: The figures.
    """

    def __init__(self, settings: Settings, alive: Alive, clock: Clock = time.monotonic) -> None:
        """Make the observers; nothing runs yet.

        Args:
            settings: The settings.
            alive: Returns whether the daemon's loop moves; asked by any thread.
            clock: Returns monotonic seconds.

        Raises:
            SettingsError: There are URLs to notify, and apprise is not installed.
        """
        self._settings = settings
        self._metrics = Metrics(settings, self._commit_time)
        self.registry = self._metrics.registry
        self._notifier = Notifier(settings, count=self._metrics.count_message)
        self._keeper = IncidentKeeper(settings, self._notifier.tell)
        self._health = HealthWatch(settings, alive, clock)
        self._web = Web(settings, self.registry, self._health.health)
        self._show_incidents()
        self.observers: Sequence[Observer] = tuple(
            guarded(each) for each in (self._health, self._metrics, self._keeper, self._show)
        )

    def start(self) -> None:
        """Serve on ``daemon.listen``, and begin to tell people.

        Raises:
            EtcsyncError: The address cannot be listened on.
        """
        self._web.start()
        self._notifier.start()

    def stop(self) -> None:
        """Tell what there is to tell, within some seconds, and end."""
        self._notifier.stop()
        self._web.stop()

    def use(self, settings: Settings) -> None:
        """Go by other settings; call it between two passes.

        Raises:
            EtcsyncError: They cannot be gone by; the old ones still are.
        """
        self._web.use(settings)
        try:
            self._notifier.use(settings)
        except EtcsyncError:
            self._web.use(self._settings)
            raise
        self._settings = settings
        for each in (self._metrics, self._keeper, self._health):
            each.use(settings)

    def _show(self, _done: Pass) -> None:
        self._show_incidents()

    def _show_incidents(self) -> None:
        self._metrics.show_incidents(self._keeper.incidents)

    def _commit_time(self, commit: str) -> datetime | None:
        try:
            with open_hub(self._settings.hub_path) as hub:
                return hub.commit(commit).time
        except EtcsyncError as error:
            log.warning("a commit's time is not known", commit=commit, error=error.message)
            return None


def guarded(observer: Callable[[Pass], None]) -> Observer:
    """Return ``observer`` as one that does not raise: a mistake in it must not stop the daemon."""

    def observe(done: Pass) -> None:
        try:
            observer(done)
        except Exception as error:  # noqa: BLE001 - whatever it is, the clients come first
            log.error("an observer failed", error=repr(error))  # noqa: TRY400 - traces quote anything

    return observe
