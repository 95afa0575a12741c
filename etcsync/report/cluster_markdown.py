"""The cluster's state, what is held and what drifted as a Markdown document for people."""

from collections.abc import Iterator, Sequence

from etcsync.reconcile.cluster_report import ClusterReport, Drift, HeldGroup
from etcsync.reconcile.model import ClientStatus
from etcsync.report.commands import drift_commands
from etcsync.report.conflict import conflict_text
from etcsync.report.excerpts import LINES_SHOWN, LISTED, WORDS_SHOWN, cut_line, cut_lines, cut_path
from etcsync.report.markdown import code, fenced
from etcsync.report.next_steps import held_commands, next_steps
from etcsync.report.states import state_counts
from etcsync.report.words import VERBS, listed, suspension_text
from etcsync.words import counted

_COLUMNS = ("client", "state", "behind", "drift", "local", "held", "warnings", "last sync")
_BOTH_DIFFS = 2


def report_markdown(report: ClusterReport) -> str:
    """Return the report as Markdown: bounded in size, and inert whatever clients wrote."""
    lines = [f"# Cluster at {report.time}", *_upstream(report), *_glance(report)]
    lines += (*_next(report), *_clients(report))
    lines += ["", "## Held", ""] if report.held else ["", "Nothing is held."]
    for group in report.held[:LISTED]:
        lines += _held(group)
    lines += _more(len(report.held), "conflict")
    lines += ["", "## Drift", ""] if report.drift else ["", "Nothing has drifted."]
    for drift in report.drift[:LISTED]:
        lines += _drift(drift)
    lines += _more(len(report.drift), "difference")
    return "\n".join(lines) + "\n"


def _upstream(report: ClusterReport) -> Iterator[str]:
    status = report.status
    yield from ("", f"Upstream {code(status.upstream_path)} at `{status.upstream_commit}`.")
    if status.busy:
        yield from ("", f"Busy: {code(status.busy)}")
    yield from _paths("Not committed upstream, so not brought to clients:", status.uncommitted)
    yield from _paths("Left by the package manager, to be merged by you:", status.leftovers)


def _paths(heading: str, paths: Sequence[str]) -> Iterator[str]:
    if paths:
        yield from ("", heading, "", *(f"- {code(cut_path(path))}" for path in paths[:LISTED]))
        yield from _more(len(paths), "path")


def _glance(report: ClusterReport) -> Iterator[str]:
    clients = report.status.clients
    counts = ", ".join(f"{number} {state}" for state, number in state_counts(clients).items())
    yield from ("", "## At a glance", "", f"{counted(len(clients), 'client')}: {counts or 'none'}.")


def _clients(report: ClusterReport) -> Iterator[str]:
    clients = report.status.clients
    if clients:
        yield from ("", "## Clients", "", _row(_COLUMNS), _row(["---"] * 2 + ["--:"] * 5 + ["---"]))
        yield from (_row(_cells(client)) for client in clients)
    failed = [client for client in clients if client.error]
    for client in failed[:LISTED]:
        yield from ("", f"{code(client.name)} could not be read:", "")
        error = client.error
        words = "" if error is None else "\n".join(filter(None, (error.message, error.hint)))
        yield from fenced("\n".join(cut_lines(words.split("\n"))))
    suspended = [(client.name, client.suspended) for client in clients if client.suspended]
    if suspended:
        yield from ("", "Suspended, so that nothing is written to their trees:", "")
        for name, suspension in suspended[:LISTED]:
            yield f"- {code(name)}: {code(cut_line(suspension_text(suspension), WORDS_SHOWN))}"
        yield from _more(len(suspended), "client")
    warnings = [(client.name, warning) for client in clients for warning in client.warnings]
    if warnings:
        yield from ("", "Not recorded:", "")
        for name, each in warnings[:LISTED]:
            where = f"{code(cut_path(each.path))} on {code(name)}"
            yield f"- {where}: {each.kind}, {code(cut_path(each.detail))}"
        yield from _more(len(warnings), "warning")


def _cells(client: ClientStatus) -> Iterator[str]:
    yield from (client.name, client.state, _number(client.behind))
    for paths in (client.drift, client.local, client.conflicts, client.warnings):
        yield _number(len(paths))
    yield client.last_sync or "never"


def _number(number: int) -> str:
    return str(number) if number else "-"


def _row(cells: Sequence[str] | Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _next(report: ClusterReport) -> Iterator[str]:
    steps = next_steps(report)
    yield from ("", "## What to do next", "")
    if not steps:
        yield "Nothing."
    for step in steps:
        yield f"- {step.what}"
        if step.commands:
            yield from ("", *(f"  {line}" for line in _commands(step.commands)), "")


def _held(group: HeldGroup) -> Iterator[str]:
    first = group.first
    yield from (f"### {code(cut_path(first.path))}", "")
    yield f"Held on {listed(list(group.holds))}: {first.reason}, since {first.since}."
    if group.details is not None:
        text = conflict_text(group.details).split("\n")
        yield from ("", *fenced("\n".join(cut_lines(text, _BOTH_DIFFS * LINES_SHOWN))))
    yield from ("", *_commands(held_commands(group)), "")


def _drift(drift: Drift) -> Iterator[str]:
    group = drift.group
    alike = " alike" if len(group.clients) > 1 else ""
    who = group.clients[0] if not alike else counted(len(group.clients), "client")
    yield from (f"### {who} {VERBS[group.change]} {code(cut_path(group.path))}{alike}", "")
    if alike:
        yield from (f"{listed(group.clients)}", "")
    if drift.lines:
        yield from (*fenced("\n".join(cut_lines(drift.lines)), "diff"), "")
    if commands := drift_commands(group.clients[0], group.path):
        yield from (*_commands(commands), "")


def _commands(commands: Sequence[str]) -> list[str]:
    return fenced("\n".join(commands), "sh")


def _more(number: int, noun: str) -> Iterator[str]:
    if number > LISTED:
        yield from ("", f"And {counted(number - LISTED, f'more {noun}')}.")
