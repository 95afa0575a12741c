"""A trial of the ways in which people are told."""

from datetime import datetime

from etcsync.config import Settings
from etcsync.daemon.incidents import Change, Incident, What
from etcsync.daemon.notifying_ways import Teller, Told, ways
from etcsync.errors import UsageError
from etcsync.setting_types import IncidentKind
from etcsync.words import time_text


def tell_trial(settings: Settings, now: datetime) -> dict[str, Told]:
    """Tell of an incident that is none in every way; return how each ended, by its name.

    Raises:
        UsageError: The settings name nobody to tell.
        SettingsError: There are URLs, and apprise is not installed.
    """
    known = ways(settings)
    if not known:
        raise UsageError(
            f"{settings.source} names nobody to tell",
            hint="Set `command` or `urls` in the table [notify] of the settings.",
        )
    time = time_text(now)
    trial = Incident(
        id="trial",
        kind=IncidentKind.ERROR,
        message="this is a trial: nothing is wrong",
        hint=None,
        path=None,
        clients=(),
        opened=time,
        updated=time,
    )
    news = {trial.id: Change(What.OPENED, trial)}
    return {way.name: Teller().tell(way, news, 0, settings.source) for way in known}
