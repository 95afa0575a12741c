"""What is told of incidents: as a document for programs, and as text for people. Pure."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from etcsync.daemon.incidents import Change, Incident, What
from etcsync.daemon.incidents_file import incident_document
from etcsync.report.documents import SCHEMA
from etcsync.report.escape import printable
from etcsync.report.words import listed
from etcsync.words import counted

CHANGES_SHOWN = 20
"""Changes that the text tells of; the document has all."""

News = Mapping[str, Change]
"""What is to be told, by the incident's id."""


def joined(news: News, changes: Sequence[Change]) -> dict[str, Change]:
    """Return ``news`` with later ``changes``, one for each incident.

    What was opened and is over before it was told is not told at all; what was over and is there
    again has changed.
    """
    result = dict(news)
    for what, incident in changes:
        before = result.pop(incident.id, None)
        first = before.what if before else None
        if first is What.OPENED:
            if what is not What.CLOSED:
                result[incident.id] = Change(What.OPENED, incident)
        elif first is What.CLOSED:
            result[incident.id] = Change(What.UPDATED, incident)
        else:
            result[incident.id] = Change(what, incident)
    return result


def subject(news: News) -> str:
    """Return the news in a line of numbers and words of etcsync's own; nothing in it is untrusted.

    Such as ``2 conflicts and 1 error opened, 1 heal closed``.
    """
    numbers = Counter((what, incident.kind) for what, incident in news.values())
    parts = []
    for what in What:
        kinds = [counted(n, kind.value) for (w, kind), n in sorted(numbers.items()) if w is what]
        if kinds:
            parts.append(f"{' and '.join(kinds)} {what.value}")
    return ", ".join(parts)


def document(news: News, host: str, left_out: int) -> bytes:
    """Return the news as the JSON document that the administrator's command gets.

    Args:
        news: The news.
        host: This server's name.
        left_out: How many changes had to be forgotten because nothing could be told for too long.
    """
    changes = [
        {"change": what.value, "incident": incident_document(incident)}
        for what, incident in news.values()
    ]
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "host": host,
        "subject": subject(news),
        "changes": changes,
        "left_out": left_out,
    }
    return json.dumps(found, indent=1).encode() + b"\n"


def variables(news: News, settings_source: str) -> dict[str, str]:
    """Return the environment variables that the administrator's command gets."""
    numbers = Counter(what for what, _ in news.values())
    return {
        "ETCSYNC_CONFIG": settings_source,
        "ETCSYNC_SUBJECT": subject(news),
        **{f"ETCSYNC_{what.name}": str(numbers[what]) for what in What},
    }


def text(news: News, left_out: int) -> str:
    """Return the news for people to read, safe to show."""
    changes = list(news.values())
    lines = [_line(what, incident) for what, incident in changes[:CHANGES_SHOWN]]
    more = len(changes) - CHANGES_SHOWN + left_out if len(changes) > CHANGES_SHOWN else left_out
    if more:
        lines.append(f"and {more} more")
    lines.append("`etcsync incidents` lists what is open.")
    return "\n".join(lines)


def _line(what: What, incident: Incident) -> str:
    clients = f" [{listed(incident.clients)}]" if incident.clients else ""
    return f"{what.value}: {incident.kind.value}: {printable(incident.message)}{clients}"
