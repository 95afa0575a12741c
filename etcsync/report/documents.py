"""What etcsync reports, as the documents that ``--json`` prints; the shapes of the interface."""

from typing import Any

from etcsync.errors import EtcsyncError
from etcsync.plan.alike import DriftGroup
from etcsync.plan.model import Action, Difference
from etcsync.reconcile.daemon_state import DaemonState
from etcsync.reconcile.model import (
    ClientRun,
    ClientStatus,
    ClusterStatus,
    HeldPath,
    Run,
    TreeWarning,
)
from etcsync.reconcile.suspensions import Suspension

SCHEMA = 1

Document = dict[str, Any]


def status_document(status: ClusterStatus) -> Document:
    """Return the document of ``status --json``."""
    return {
        "schema": SCHEMA,
        "upstream": {
            "path": status.upstream_path,
            "commit": status.upstream_commit,
            "uncommitted": list(status.uncommitted),
            "leftovers": list(status.leftovers),
            "busy": status.busy is not None,
        },
        "clients": [_client_status(client) for client in status.clients],
        "alike": [drift_document(group) for group in status.alike],
        "daemon": daemon_document(status.daemon),
    }


def run_document(run: Run) -> Document:
    """Return the document of ``plan --json`` and ``sync --json``."""
    return {
        "schema": SCHEMA,
        "upstream_commit": run.upstream_commit,
        "clients": [client_run_document(client) for client in run.clients],
        "warnings": [_warning(warning) for warning in run.warnings],
        "server": {
            "done": list(run.server.done),
            "warnings": list(run.server.warnings),
            "error": error_document(run.server.error),
        },
    }


def client_run_document(client: ClientRun) -> Document:
    """Return one client's part of `run_document`."""
    return {
        "name": client.name,
        "commit": client.commit,
        "error": error_document(client.error),
        "actions": [_action(action) for action in client.actions],
        "conflicts": [conflict_document(held) for held in client.conflicts],
        "warnings": [_warning(warning) for warning in client.warnings],
        "suspended": suspension_document(client.suspended),
    }


def conflict_document(held: HeldPath) -> Document:
    """Return one held path as ``status`` and ``conflicts`` show it."""
    return {
        "id": held.id,
        "path": held.path,
        "reason": held.reason,
        "detail": held.detail,
        "strategy": held.strategy,
        "since": held.since,
        "upstream_commit": held.upstream_commit,
    }


def error_document(error: EtcsyncError | None) -> Document | None:
    """Return an error as message and hint."""
    return None if error is None else {"message": error.message, "hint": error.hint}


def suspension_document(suspension: Suspension | None) -> Document | None:
    """Return a suspension as since, until, reason and by; times are RFC 3339 UTC."""
    return None if suspension is None else suspension.model_dump(mode="json")


def daemon_document(daemon: DaemonState) -> Document:
    """Return whether the daemon is running and when it last was; times are RFC 3339 UTC."""
    record = daemon.record
    told = {} if record is None else record.model_dump(mode="json")
    return {
        "running": daemon.running,
        "started": told.get("started") if daemon.running else None,
        "last_pass": told.get("last_pass"),
        "last_full": told.get("last_full"),
    }


def drift_document(group: DriftGroup) -> Document:
    """Return a difference from upstream with the clients that have it."""
    return {
        "path": group.path,
        "change": group.change.value,
        "strategy": group.strategy.value,
        "clients": list(group.clients),
    }


def _client_status(client: ClientStatus) -> Document:
    return {
        "name": client.name,
        "tree": client.tree,
        "state": client.state,
        "upstream_commit": client.upstream_commit,
        "behind": client.behind,
        "drift": [_difference(difference) for difference in client.drift],
        "local": [_difference(difference) for difference in client.local],
        "conflicts": [conflict_document(held) for held in client.conflicts],
        "warnings": [_warning(warning) for warning in client.warnings],
        "suspended": suspension_document(client.suspended),
        "error": error_document(client.error),
        "last_sync": client.last_sync,
    }


def _difference(difference: Difference) -> Document:
    return {
        "path": difference.path,
        "change": difference.change.value,
        "strategy": difference.strategy.value,
    }


def _warning(warning: TreeWarning) -> Document:
    return {"path": warning.path, "kind": warning.kind, "detail": warning.detail}


def _action(action: Action) -> Document:
    return {
        "path": action.path,
        "action": action.act.value,
        "strategy": action.strategy.value,
        "reason": action.reason,
    }
