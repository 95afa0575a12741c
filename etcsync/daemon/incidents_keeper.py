"""Keeps the incidents of one daemon: in step with its passes, on disk, and told."""

from collections.abc import Callable, Sequence

from etcsync.config import Settings
from etcsync.daemon.incidents import Change, Incidents, advance
from etcsync.daemon.incidents_file import read_incidents, write_incidents
from etcsync.daemon.passes import Pass
from etcsync.errors import StateError
from etcsync.logs import get_logger

Tell = Callable[[Sequence[Change]], None]
"""Takes news, at once; it must not raise."""

log = get_logger()


class IncidentKeeper:
    """An observer of passes. What was open when the daemon last ended goes on.

    Where the file cannot be read it begins with none, and where it cannot be written it goes on and
    tries again after the next pass; the log says so.

    Attributes:
        incidents: What is open.
    """

    def __init__(self, settings: Settings, tell: Tell) -> None:
        self._settings = settings
        self._tell = tell
        self._unsaved = False
        self.incidents: Incidents = {}
        try:
            self.incidents = read_incidents(settings.incidents_path)
        except StateError as error:
            log.warning("incidents are forgotten", error=error.message)

    def __call__(self, done: Pass) -> None:
        """Bring the incidents up to date, keep them, and tell what has changed."""
        names = [client.name for client in self._settings.clients]
        self.incidents, changes = advance(self.incidents, done, names)
        for what, incident in changes:
            log.info(
                "incident", news=what.value, id=incident.id, kind=incident.kind.value,
                message=incident.message, clients=len(incident.clients),
            )  # fmt: skip
        if changes or self._unsaved:
            self._save()
        if changes:
            self._tell(changes)

    def use(self, settings: Settings) -> None:
        """Go by other settings from the next pass on."""
        self._settings = settings

    def _save(self) -> None:
        was_unsaved, self._unsaved = self._unsaved, True
        try:
            write_incidents(self._settings.incidents_path, self.incidents)
            self._unsaved = False
        except StateError as error:
            if not was_unsaved:
                log.warning("incidents are not kept", error=error.message)
