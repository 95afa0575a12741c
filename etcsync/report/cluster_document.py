"""The cluster's state, what is held and what drifted as one JSON document."""

from etcsync.reconcile.cluster_report import ClusterReport, Drift, HeldGroup
from etcsync.report.commands import drift_commands
from etcsync.report.conflict import details_document
from etcsync.report.documents import (
    Document,
    conflict_document,
    drift_document,
    status_document,
)
from etcsync.report.excerpts import LINES_SHOWN
from etcsync.report.next_steps import held_commands, next_steps
from etcsync.report.states import state_counts


def report_document(report: ClusterReport) -> Document:
    """Return the report as a document; paths and contents are as they are, not escaped."""
    return {
        **status_document(report.status),
        "time": report.time,
        "counts": state_counts(report.status.clients),
        "conflicts": [_held(group) for group in report.held],
        "drift": [_drift(drift) for drift in report.drift],
        "next": [
            {"what": step.what, "commands": list(step.commands)} for step in next_steps(report)
        ],
    }


def _held(group: HeldGroup) -> Document:
    details = None if group.details is None else details_document(group.details)
    versions = {
        key: None if details is None else details[key]
        for key in ("secret", "base", "ours", "theirs")
    }
    return {
        **conflict_document(group.first),
        "clients": [
            {"name": name, "id": held.id, "since": held.since} for name, held in group.holds.items()
        ],
        "detailed": details is not None,
        **versions,
        "commands": held_commands(group),
    }


def _drift(drift: Drift) -> Document:
    lines = drift.lines
    return {
        **drift_document(drift.group),
        "secret": drift.secret,
        "diff": None if lines is None else list(lines[:LINES_SHOWN]),
        "diff_lines": None if lines is None else len(lines),
        "commands": drift_commands(drift.group.clients[0], drift.group.path),
    }
