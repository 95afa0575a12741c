"""An import of clients as JSON."""

from typing import Any

from etcsync.host.inventory.gathering import Gathered
from etcsync.host.inventory.model import Place
from etcsync.reconcile.importing import Import
from etcsync.report.documents import SCHEMA


def import_document(done: Import) -> dict[str, Any]:
    """Return what an import did, or would do."""
    clients = []
    for each in done.gathered.found:
        setup = done.setups.get(each.client.name)
        clients.append(
            {
                "name": each.client.name,
                "act": each.act.value,
                "address": each.client.address,
                "mac": each.client.mac,
                "places": [_place(place) for place in each.places],
                "outcome": setup.outcome if setup else None,
                "error": setup.error_text if setup else None,
            }
        )
    return {
        "schema": SCHEMA,
        "dry_run": done.dry_run,
        "clients": clients,
        "left_out": left_out(done.gathered),
        "passed_over": done.gathered.passed_over,
    }


def left_out(gathered: Gathered) -> list[dict[str, Any]]:
    """Return what an import leaves out, and why."""
    return [{**_place(remark.place), "reason": remark.what} for remark in gathered.remarks]


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line}
