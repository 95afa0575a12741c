"""Incidents: what is wrong, from its beginning until it is over. Pure.

A pass tells of some clients only, and of a client that failed little more than that. So an incident
goes on for every client that a pass does not judge, and is over when none is left.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from etcsync.daemon.passes import Pass
from etcsync.errors import EtcsyncError
from etcsync.plan.model import Act
from etcsync.reconcile.model import ClientRun
from etcsync.reconcile.suspensions import Suspension
from etcsync.setting_types import IncidentKind
from etcsync.words import time_text

ANY_CLIENT = "CLIENT"
"""Stands for the client's name in what is said of several."""

WHOLE = ""
"""Takes the place of a client's name where the daemon as a whole is concerned."""

SERVER = "/"
"""Takes the place of a client's name where the server around the trees is concerned."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause of trouble, and every client that it concerns. Its text is untrusted.

    Attributes:
        id: The same whenever the cause is the same.
        kind: What it is.
        message: What is wrong; `ANY_CLIENT` stands for the clients' names.
        hint: The command that helps.
        path: The path concerned, relative to /etc; None where it is not about one.
        clients: The clients, in the settings' order; none where the whole daemon is concerned.
        opened: When it was first seen, RFC 3339 UTC.
        updated: When its clients last changed.
        server: Whether it is about the server around the trees; there are no clients then.
    """

    id: str
    kind: IncidentKind
    message: str
    hint: str | None
    path: str | None
    clients: tuple[str, ...]
    opened: str
    updated: str
    server: bool = False

    @property
    def members(self) -> frozenset[str]:
        """Whom it concerns: clients, `SERVER` or `WHOLE`."""
        return frozenset(self.clients or (SERVER if self.server else WHOLE,))


class What(StrEnum):
    """What has become of an incident."""

    OPENED = "opened"
    UPDATED = "updated"
    """It concerns other clients than before."""
    CLOSED = "closed"


class Change(NamedTuple):
    """News of an incident."""

    what: What
    incident: Incident


Incidents = Mapping[str, Incident]
"""Open incidents by id."""


def advance(
    known: Incidents, done: Pass, names: Sequence[str]
) -> tuple[dict[str, Incident], list[Change]]:
    """Return the incidents that are open after a pass, and what has changed.

    Args:
        known: The incidents that were open before.
        done: The pass.
        names: The settings' clients; what concerns any other is forgotten.
    """
    now = time_text(done.started + timedelta(seconds=done.duration))
    found = _found(done, now)
    judged = _judged(done)
    still: dict[str, Incident] = {}
    changes: list[Change] = []
    for key in {**known, **found}:
        before, seen = known.get(key), found.get(key)
        incident = before or found[key]
        concerned = set(seen.members if seen else ())
        if before:
            concerned |= before.members - judged[incident.kind]
        concerned &= {WHOLE, SERVER, *names}
        if not concerned:
            if before:
                changes.append(Change(What.CLOSED, replace(before, updated=now)))
            continue
        if before and before.members == concerned:
            still[key] = before
            continue
        clients = tuple(name for name in names if name in concerned)
        still[key] = replace(incident, clients=clients, updated=now)
        changes.append(Change(What.UPDATED if before else What.OPENED, still[key]))
    return still, changes


def _judged(done: Pass) -> dict[IncidentKind, frozenset[str]]:
    """Return whom the pass says something about, by the kind of what it says.

    What a client that failed holds, and whether it was healed, is not known; nor is how the server
    is when the pass could not be made.
    """
    runs = done.run.clients if done.run else ()
    seen = frozenset(run.name for run in runs)
    well = frozenset(run.name for run in runs if not run.error)
    return {
        IncidentKind.ERROR: seen | ({WHOLE, SERVER} if done.run else {WHOLE}),
        IncidentKind.SUSPENSION: seen,
        IncidentKind.CONFLICT: well,
        IncidentKind.HEAL: well,
    }


def _found(done: Pass, now: str) -> dict[str, Incident]:
    """Return what is wrong as the pass has it, what has one cause joined."""
    clients: dict[str, list[str]] = {}
    causes: dict[str, _Cause] = {}
    for name, cause in _causes(done):
        clients.setdefault(cause.id, []).append(name)
        causes.setdefault(cause.id, cause)
    return {
        key: Incident(
            id=key,
            kind=cause.kind,
            message=cause.message,
            hint=cause.hint,
            path=cause.path,
            clients=tuple(n for n in dict.fromkeys(clients[key]) if n not in {WHOLE, SERVER}),
            opened=now,
            updated=now,
            server=SERVER in clients[key],
        )
        for key, cause in causes.items()
    }


class _Cause(NamedTuple):
    kind: IncidentKind
    marks: tuple[str, ...]
    """What makes two causes the same."""
    message: str
    hint: str | None
    path: str | None = None

    @property
    def id(self) -> str:
        text = "\0".join((self.kind, *self.marks))
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _causes(done: Pass) -> Iterator[tuple[str, _Cause]]:
    if done.error:
        yield WHOLE, _error(done.error, WHOLE)
    if done.run and done.run.server.error:
        yield SERVER, _of_server(done.run.server.error)
    for run in done.run.clients if done.run else ():
        if run.error:
            yield run.name, _error(run.error, run.name)
        else:
            yield from ((run.name, cause) for cause in _of_paths(run))
        if run.suspended:
            yield run.name, _suspension(run.suspended)


def _of_paths(run: ClientRun) -> Iterator[_Cause]:
    for held in run.conflicts:
        yield _Cause(
            IncidentKind.CONFLICT,
            (held.path, held.reason, held.upstream_commit),
            f"upstream's change of {held.path} is held: {held.reason}",
            "Run `etcsync conflicts` to see it, and how it is decided.",
            held.path,
        )
    for action in run.actions:
        if action.act is Act.HEAL:
            yield _Cause(
                IncidentKind.HEAL,
                (action.path,),
                f"a change of {action.path} was put back: policy gives it to upstream",
                "Run `etcsync log CLIENT PATH` to see what was replaced.",
                action.path,
            )


def _error(error: EtcsyncError, name: str) -> _Cause:
    """Return the cause of an error; numbers in it, as of processes and sizes, set none apart."""
    message, hint = _without_name(error.message, name), error.hint
    kind = (type(error).__name__, re.sub(r"\d+", "#", message))
    named = "whole" if name == WHOLE else "client"
    return _Cause(IncidentKind.ERROR, (named, *kind), message, hint and _without_name(hint, name))


def _of_server(error: EtcsyncError) -> _Cause:
    """Return the cause of an error around the trees: always the same, with the words of the first.

    What was refused once is not tried again, and later passes only say so.
    """
    return _Cause(IncidentKind.ERROR, ("server",), error.message, error.hint)


def _without_name(text: str, name: str) -> str:
    if name == WHOLE:
        return text
    return re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", ANY_CLIENT, text)


def _suspension(suspension: Suspension) -> _Cause:
    since = time_text(suspension.since)
    why = f": {suspension.reason}" if suspension.reason else ""
    return _Cause(
        IncidentKind.SUSPENSION,
        (since, suspension.by, suspension.reason),
        f"suspended since {since} by {suspension.by}{why}",
        "Run `etcsync resume CLIENT` when it is over.",
    )
