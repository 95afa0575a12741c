"""The cluster's state, what is held and what drifted as one HTML page that needs nothing else.

Clients choose much of its text. Everything that the template puts out is made printable and escaped
by the template engine itself, whatever the template says; and the page forbids the browser to load
or run anything but its own style sheet.
"""

import base64
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from etcsync.reconcile.cluster_report import ClusterReport, Drift
from etcsync.reconcile.conflicts import ConflictDetails, Version
from etcsync.reconcile.model import ClientStatus, TreeWarning
from etcsync.report.commands import drift_commands
from etcsync.report.conflict import is_hidden, version_summary
from etcsync.report.escape import printable
from etcsync.report.excerpts import LISTED, cut_line, cut_lines, cut_path
from etcsync.report.next_steps import held_commands, next_steps
from etcsync.report.states import state_counts, worst_first
from etcsync.report.three_way import Column, side_by_side
from etcsync.report.words import VERBS, listed, suspension_text
from etcsync.words import counted

OPEN_DIFFS = 12
"""Differences from upstream up to which all are unfolded at first."""

ROWS_UNFOLDED = 24
"""Clients up to which a table of them is unfolded at first."""


class _VersionView(NamedTuple):
    """One of the three versions, as a column of the page."""

    name: str
    whose: str
    summary: str
    differs: bool
    lines: Column


class _WarningView(NamedTuple):
    """One warning and the clients that have it."""

    warning: TreeWarning
    clients: Sequence[str]


def report_html(report: ClusterReport) -> str:
    """Return the report as an HTML page: bounded in size, and inert whatever clients wrote."""
    style = files("etcsync.report").joinpath("templates", "cluster.css").read_text("utf-8")
    digest = base64.b64encode(sha256(style.encode()).digest()).decode("ascii")
    clients = worst_first(report.status.clients)
    return (
        _environment()
        .get_template("cluster.html")
        .render(
            report=report,
            status=report.status,
            style=Markup(style),  # noqa: S704 - a file of this package
            style_digest=digest,
            counts=state_counts(report.status.clients),
            attention=[client for client in clients if client.state != "synced"],
            synced=[client for client in clients if client.state == "synced"],
            rows_unfolded=ROWS_UNFOLDED,
            warnings=_warnings(report.status.clients),
            steps=next_steps(report),
            open_diffs=len(report.drift) <= OPEN_DIFFS,
            listed_at_most=LISTED,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("etcsync.report"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"path": cut_path, "lines": cut_lines, "line": cut_line, "clock": _clock}
    environment.globals |= {
        "counted": counted,
        "listed": listed,
        "versions": _versions,
        "held_commands": held_commands,
        "drift_commands": drift_commands,
        "drift_heading": _drift_heading,
        "why_hidden": _why_hidden,
        "suspension_text": suspension_text,
    }
    return environment


def _finalize(value: object) -> object:
    """Make every value printable before it is escaped and put out."""
    return value if isinstance(value, Markup) else printable(str(value), keep="\t")


def _versions(details: ConflictDetails) -> list[_VersionView]:
    sides = (details.base, details.ours, details.theirs)
    texts = [None if side is None else side.text or "" for side in sides]
    hidden = any(is_hidden(side) for side in sides)
    columns: Sequence[Column] = [()] * 3 if hidden else side_by_side(*texts)
    names = (
        ("base", "what both come from"),
        ("ours", "the client's"),
        ("theirs", "upstream's"),
    )
    reference = details.base or details.ours
    return [
        _VersionView(
            name, whose, version_summary(side), name != "base" and _differs(side, reference), column
        )
        for (name, whose), side, column in zip(names, sides, columns, strict=True)
    ]


def _clock(time: str) -> str:
    """Return an RFC 3339 UTC time as people read it."""
    return time.replace("T", " ").replace("Z", " UTC")


def _differs(version: Version | None, reference: Version | None) -> bool:
    """Return whether kind, mode, owner or group are others than the base's."""
    if version is None or reference is None:
        return version is not reference
    return version.entry._replace(oid="") != reference.entry._replace(oid="")


def _why_hidden(details: ConflictDetails) -> str:
    """Return why no version's content is shown, or nothing."""
    if details.secret:
        return "The contents are secret and not shown."
    if any(is_hidden(side) for side in (details.base, details.ours, details.theirs)):
        return "The contents are not shown here: binary, or too large."
    return ""


def _drift_heading(drift: Drift) -> tuple[str, str, str]:
    """Return what stands before the path, the path, and what follows it."""
    clients = drift.group.clients
    alike = len(clients) > 1
    who = counted(len(clients), "client") if alike else clients[0]
    return f"{who} {VERBS[drift.group.change]}", drift.group.path, "alike" if alike else ""


def _warnings(clients: Sequence[ClientStatus]) -> list[_WarningView]:
    found: dict[TreeWarning, list[str]] = {}
    for client in clients:
        for warning in client.warnings:
            found.setdefault(warning, []).append(client.name)
    return [_WarningView(warning, names) for warning, names in found.items()]
