"""Phrases that several kinds of output share. Paths in them are not escaped."""

from collections.abc import Sequence

from etcsync.plan.alike import DriftGroup
from etcsync.plan.model import Change
from etcsync.reconcile.suspensions import Suspension
from etcsync.report.escape import printable
from etcsync.words import counted, time_text

NAMES_SHOWN = 12
"""Clients named in a line; `--json` has them all."""

VERBS = {
    Change.ADDED: "added",
    Change.DELETED: "deleted",
    Change.MODIFIED: "changed",
    Change.TYPE: "changed the type of",
    Change.METADATA: "changed mode or owner of",
}
"""What a client did to a path, seen from upstream."""


def listed(names: Sequence[str]) -> str:
    """Return names in a line, the first ones of many."""
    if len(names) <= NAMES_SHOWN:
        return " ".join(names)
    return f"{' '.join(names[:NAMES_SHOWN])} and {len(names) - NAMES_SHOWN} more"


def alike_sentence(group: DriftGroup) -> str:
    """Return what the clients of a group did alike, without their names."""
    return f"{counted(len(group.clients), 'client')} {VERBS[group.change]} {group.path} alike"


def suspension_text(suspension: Suspension) -> str:
    """Return since when, until when, by whom and why a client is suspended, safe to print."""
    until = f" until {time_text(suspension.until)}" if suspension.until else ""
    why = f": {printable(suspension.reason)}" if suspension.reason else ""
    return f"since {time_text(suspension.since)}{until} by {printable(suspension.by)}{why}"
