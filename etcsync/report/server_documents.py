"""The documents of commands about the server around the trees: exports and /boot."""

from etcsync.config import Settings
from etcsync.reconcile.boot import BootChange
from etcsync.reconcile.boot_status import BootStatus
from etcsync.reconcile.exports_state import ExportsState, Wanted
from etcsync.report.documents import SCHEMA, Document


def wanted_exports_document(settings: Settings, wanted: Wanted) -> Document:
    """Return the document of ``exports show --json``."""
    return {
        "schema": SCHEMA,
        "file": settings.exports.file,
        "exports": [export._asdict() for export in wanted.exports],
        "text": wanted.text,
        "warnings": list(wanted.warnings),
    }


def exports_document(settings: Settings, state: ExportsState) -> Document:
    """Return the document of ``exports apply --json`` and ``exports check --json``."""
    return {
        "schema": SCHEMA,
        "file": settings.exports.file,
        "exported_known": state.exported_known,
        "differences": [
            {
                "path": each.path,
                "client": each.client or None,
                "what": each.what,
                "remedy": each.remedy,
            }
            for each in state.differences
        ],
        "other_lines": [
            {"file": each.file, "line": each.number, "text": each.text, "path": each.export.path}
            for each in state.others
        ],
        "warnings": list(state.warnings),
    }


def boot_document(status: BootStatus) -> Document:
    """Return the document of ``boot status --json``."""
    return {
        "schema": SCHEMA,
        "writer": status.writer,
        "complete": status.complete,
        "pieces": [
            {
                "name": piece.name,
                "present": piece.present,
                "what": piece.what,
                "remedy": piece.remedy,
            }
            for piece in status.pieces
        ],
    }


def boot_change_document(change: BootChange) -> Document:
    """Return the document of ``boot grant --json`` and ``boot revoke --json``."""
    return {
        **boot_document(change.status),
        "done": list(change.done),
        "warnings": list(change.warnings),
    }
