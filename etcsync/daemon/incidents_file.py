"""The file in which open incidents outlive the daemon."""

import json
import os
from dataclasses import asdict
from typing import Any

from etcsync.atomic_file import write_file
from etcsync.daemon.incidents import Incident, Incidents
from etcsync.errors import StateError
from etcsync.report.documents import SCHEMA
from etcsync.setting_types import IncidentKind

Document = dict[str, Any]


def incident_document(incident: Incident) -> Document:
    """Return an incident as it is kept and told: raw text, to be escaped by whoever shows it."""
    return {**asdict(incident), "kind": incident.kind.value, "clients": list(incident.clients)}


def read_incidents(path: str) -> dict[str, Incident]:
    """Return the incidents that are kept at ``path``; none where there is no such file.

    Raises:
        StateError: The file is damaged or cannot be read.
    """
    try:
        with open(path, encoding="ascii") as file:
            incidents = [_incident(each) for each in json.load(file)["incidents"]]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StateError(
            f"{path}, which keeps the open incidents, cannot be read: {error.strerror}",
            hint="Run etcsync as root." if isinstance(error, PermissionError) else None,
        ) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateError(
            f"{path}, which keeps the open incidents, is damaged",
            hint=f"Remove it: `rm {path}`. What still lasts is opened, and told, again.",
        ) from error
    return {incident.id: incident for incident in incidents}


def write_incidents(path: str, incidents: Incidents) -> None:
    """Replace what is kept at ``path``.

    Raises:
        StateError: It cannot be written; what was kept is unchanged.
    """
    document = {
        "schema": SCHEMA,
        "incidents": [incident_document(each) for each in incidents.values()],
    }
    try:
        write_file(path, json.dumps(document, indent=1).encode() + b"\n", mode=0o600)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {os.strerror(error.errno or 0)}") from error


def _incident(document: Document) -> Incident:
    fields = {**document, "kind": IncidentKind(document["kind"])}
    return Incident(**{**fields, "clients": tuple(document["clients"])})
