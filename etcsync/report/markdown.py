"""Markdown that shows clients' text and makes nothing of it; the report on one client."""

import re
from collections.abc import Sequence

from etcsync.reconcile.conflicts import ConflictDetails
from etcsync.reconcile.model import ClientRun
from etcsync.report.conflict import conflict_text
from etcsync.report.escape import printable

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|&~])")


def client_report(
    run: ClientRun, details: Sequence[ConflictDetails], upstream_commit: str, time: str
) -> str:
    """Return a report on one client after a run.

    Args:
        run: What the run did for the client.
        details: Everything that is held afterwards, with its versions.
        upstream_commit: The upstream commit that the run worked towards.
        time: When the run was, RFC 3339 UTC.
    """
    lines = [f"# {run.name} at {time}", "", f"Upstream commit `{upstream_commit}`.", ""]
    if run.suspended:
        why = escape(f": {run.suspended.reason}" if run.suspended.reason else ".")
        lines += [f"Suspended by {escape(run.suspended.by)}{why}", ""]
        lines += [f"`etcsync resume {run.name}` lets its tree be written to again.", ""]
    if not details:
        lines += ["Nothing is held.", ""]
    for each in details:
        lines += [f"## {escape(each.held.path)}", "", *fenced(conflict_text(each)), ""]
        lines += [f"`etcsync conflicts show {each.held.id}` shows this again.", ""]
    if run.warnings:
        lines += ["## Not recorded", ""]
        lines += [f"- {escape(w.path)}: {escape(w.detail)} ({w.kind})" for w in run.warnings]
        lines.append("")
    return "\n".join(lines)


def escape(text: str) -> str:
    """Return text that a client chose so that Markdown shows it and makes nothing of it."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def code(text: str) -> str:
    """Return text that a client chose as code within a line, where not even a link is made of it.

    Not for tables: there a ``|`` ends the cell, also within code.
    """
    shown = printable(text)
    ticks = "`" * (_longest_run(shown) + 1)
    pad = " " if shown[:1] in {"`", " "} or shown[-1:] in {"`", " "} else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fenced(text: str, language: str = "text") -> list[str]:
    """Return printable ``text`` as a code block whose fence is longer than any in the text."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return [f"{fence}{language}", *text.split("\n"), fence]


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
