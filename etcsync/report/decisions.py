"""What commands that decide paths did, and a client's history, as documents."""

from collections.abc import Sequence

from etcsync.reconcile.history import LogEntry
from etcsync.reconcile.intervening import PathsRun
from etcsync.reconcile.promotion_result import Promotion
from etcsync.reconcile.resolving import Resolution
from etcsync.report.documents import (
    SCHEMA,
    Document,
    client_run_document,
    conflict_document,
    error_document,
    suspension_document,
)


def resolution_document(conflict_id: str, done: Resolution) -> Document:
    """Return the document of ``resolve --json``."""
    return {
        "schema": SCHEMA,
        "id": conflict_id,
        "path": done.path,
        "clients": [
            {
                "name": run.name,
                "commit": run.commit,
                "error": error_document(run.error),
                "still_held": done.still_held(run),
            }
            for run in done.runs
        ],
    }


def paths_document(done: PathsRun) -> Document:
    """Return the document of ``discard --json`` and ``restore --json``."""
    return {
        "schema": SCHEMA,
        "client": done.run.name,
        "commit": done.run.commit,
        "suspended": suspension_document(done.run.suspended),
        "done": list(done.done),
        "left_out": [{"path": each.path, "reason": each.reason} for each in done.left_out],
    }


def promotion_document(promotion: Promotion) -> Document:
    """Return the document of ``promote --json``."""
    return {
        "schema": SCHEMA,
        "client": promotion.client,
        "commit": promotion.commit,
        "promoted": list(promotion.promoted),
        "left_out": [{"path": each.path, "reason": each.reason} for each in promotion.left_out],
        "changes": {path: change.value for path, change in promotion.promoted.items()},
        "conflicts": [conflict_document(each.held) for each in promotion.conflicts],
        "meets": [
            {"client": each.client, "paths": list(each.paths)} for each in promotion.meetings
        ],
        "run": None if promotion.run is None else client_run_document(promotion.run),
    }


def log_document(client: str, entries: Sequence[LogEntry]) -> Document:
    """Return the document of ``log --json``."""
    return {
        "schema": SCHEMA,
        "client": client,
        "entries": [
            {
                "commit": entry.commit,
                "time": entry.time,
                "cause": entry.cause,
                "author": entry.author,
                "subject": entry.subject,
                "upstream_commit": entry.upstream_commit,
                "upstream_subject": entry.upstream_subject,
                "changes": [
                    {
                        "path": change.path,
                        "change": change.change and change.change.value,
                        "cause": change.cause,
                        "note": change.note,
                    }
                    for change in entry.changes
                ],
            }
            for entry in entries
        ],
    }
