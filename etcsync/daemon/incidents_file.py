"""The file in which open incidents outlive the daemon."""

from dataclasses import asdict
from typing import Any, Literal

from pydantic import Field

from etcsync.daemon.incidents import Incident, Incidents
from etcsync.document import Document
from etcsync.reconcile.state_file import StateFile


def incident_document(incident: Incident) -> dict[str, Any]:
    """Return an incident as it is kept and told: raw text, to be escaped by whoever shows it."""
    return {**asdict(incident), "kind": incident.kind.value, "clients": list(incident.clients)}


class _File(Document):
    version: Literal[1] = Field(1, alias="schema")
    incidents: tuple[Incident, ...]


def read_incidents(path: str) -> dict[str, Incident]:
    """Return the incidents that are kept at ``path``; none where there is no such file.

    Raises:
        StateError: The file is damaged or cannot be read.
    """
    file = _file(path).read()
    return {incident.id: incident for incident in file.incidents} if file else {}


def write_incidents(path: str, incidents: Incidents) -> None:
    """Replace what is kept at ``path``.

    Raises:
        StateError: It cannot be written; what was kept is unchanged.
    """
    _file(path).write(_File(schema=1, incidents=tuple(incidents.values())))


def _file(path: str) -> StateFile[_File]:
    return StateFile(
        path,
        _File,
        tells="which incidents are open",
        remedy=f"Remove it: `rm {path}`. What still lasts is opened, and told, again.",
    )
