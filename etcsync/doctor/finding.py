"""What a check finds: something that is wrong or worth knowing, with its remedy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

SHOWN = 5
"""Names that a sentence lists before it counts the rest."""


class Severity(StrEnum):
    """How much a finding matters."""

    SERIOUS = "serious"
    """etcsync cannot work, or somebody may do what only root should."""
    WARNING = "warning"
    """Something will go wrong, or already does for some client."""
    NOTE = "note"
    """Good to know; it needs nobody now."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        severity: How much it matters.
        what: What is so, one sentence without a full stop. It may hold untrusted names.
        remedy: What to do about it: a command, or a precise step.
        client: The client that it concerns, where it is one.
        path: The path that it concerns, where it is one: relative to /etc below an /etc, else
            a path of the server.
    """

    severity: Severity
    what: str
    remedy: str
    client: str | None = None
    path: str | None = None


def listed(names: Iterable[str]) -> str:
    """Return names for a sentence: a handful, and how many more there are."""
    known = list(names)
    if len(known) > SHOWN:
        return f"{', '.join(known[:SHOWN])} and {len(known) - SHOWN} more"
    return " and ".join(filter(None, (", ".join(known[:-1]), known[-1])))


def alone(names: Sequence[str]) -> str | None:
    """Return the only one of ``names``, for `Finding.client`; None where there are several."""
    return names[0] if len(names) == 1 else None
