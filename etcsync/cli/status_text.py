"""The state of each client as text."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from etcsync.cli.render import change_lines, safe, show_suspension
from etcsync.cli.status_table import status_table
from etcsync.plan.alike import DriftGroup
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.daemon_state import DaemonState, Result
from etcsync.reconcile.model import ClientStatus, ClusterStatus
from etcsync.report.commands import drift_commands
from etcsync.report.words import alike_sentence, listed
from etcsync.words import counted, time_text

ALIKE_SHOWN = 20
"""Shared differences that are listed; `--json` has them all."""


def show_status(out: Console, state: ClusterStatus) -> None:
    """Print the state of upstream, the daemon and the clients."""
    out.print(Text.assemble("upstream ", (state.upstream_path, "bold"), " at "), end="")
    out.print(state.upstream_commit[:12], style="cyan")
    if state.busy:
        out.print(f"  busy: {safe(state.busy)}", style="yellow")
    _show_daemon(out, state.daemon)
    _list(out, state.uncommitted, "not committed, so not fanned out")
    _list(out, state.leftovers, "left by the package manager, to be merged by you")
    out.print()
    out.print(status_table(state.clients))
    _show_alike(out, state.alike)
    for client in state.clients:
        _show_details(out, client)


def _show_daemon(out: Console, daemon: DaemonState) -> None:
    text = Text("daemon: ")
    if daemon.since is not None:
        text.append(f"running since {time_text(daemon.since)}")
    else:
        text.append("running" if daemon.running else "not running", style="yellow")
    last = daemon.record.last_pass if daemon.record else None
    if last is not None:
        text.append(f", last pass {time_text(last.time)} ({safe(last.why)}): ")
        text.append(last.result.value, style="" if last.result is Result.DONE else "yellow")
        if last.error:
            text.append(f": {safe(last.error)}")
    out.print(text, soft_wrap=True)


def _list(out: Console, paths: Sequence[str], what: str) -> None:
    if paths:
        out.print(f"  {counted(len(paths), 'path')} {what}:", style="yellow")
        for path in paths:
            out.print(f"    {safe(path)}")


def _show_alike(out: Console, alike: Sequence[DriftGroup]) -> None:
    if not alike:
        return
    out.print()
    for group in alike[:ALIKE_SHOWN]:
        out.print(f"{safe(alike_sentence(group))}: {listed(group.clients)}", soft_wrap=True)
    if len(alike) > ALIKE_SHOWN:
        out.print(f"and {counted(len(alike) - ALIKE_SHOWN, 'more shared difference')}")


def _show_details(out: Console, client: ClientStatus) -> None:
    attention = client.error or client.drift or client.conflicts or client.warnings
    if not (attention or client.suspended):
        return
    out.print()
    out.print(client.name, style="bold")
    if client.suspended:
        show_suspension(out, [client.name], client.suspended)
    if client.error:
        out.print(f"  error: {safe(client.error.message)}", style="red")
        if client.error.hint:
            out.print(f"  {safe(client.error.hint)}")
    for held in client.conflicts:
        out.print(
            Text.assemble(
                ("  held       ", "red"), safe(held.path), f"  ({held.reason}, {held.id})"
            )
        )
    if client.conflicts:
        out.print(f"  → etcsync conflicts show {client.conflicts[0].id}", style="dim")
    out.print(*change_lines(client.drift), sep="\n") if client.drift else None
    _show_exits(out, client)
    for warning in client.warnings:
        text = f"{safe(warning.path)}  ({safe(warning.detail)})"
        out.print(Text.assemble((f"  {warning.kind:<11}", "yellow"), text))


def _show_exits(out: Console, client: ClientStatus) -> None:
    """Name the commands that end drift, for its first path that a sync does not undo by itself."""
    staying = (each.path for each in client.drift if each.strategy is not Strategy.UPSTREAM)
    path = next(staying, None)
    if path is not None:
        commands = " · ".join(drift_commands(client.name, path))
        out.print(f"  → {commands}", style="dim", soft_wrap=True)
