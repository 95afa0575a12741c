"""What is held on one client, as a Markdown document for people."""

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
        lines += [f"## {escape(each.held.path)}", "", *_fenced(conflict_text(each)), ""]
        lines += [f"`etcsync conflicts show {each.held.id}` shows this again.", ""]
    if run.warnings:
        lines += ["## Not recorded", ""]
        lines += [f"- {escape(w.path)}: {escape(w.detail)} ({w.kind})" for w in run.warnings]
        lines.append("")
    return "\n".join(lines)


def escape(text: str) -> str:
    """Return text that a client chose so that Markdown shows it and makes nothing of it."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def _fenced(text: str) -> list[str]:
    """Return ``text`` as a code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *text.split("\n"), fence]
