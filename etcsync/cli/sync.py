"""``etcsync plan`` and ``etcsync sync``: what would be done, and doing it."""

from collections.abc import Iterable

import click
from rich.console import Console

from etcsync.cli.arguments import some_clients
from etcsync.cli.context import Context, with_context
from etcsync.cli.progress import progress
from etcsync.cli.render import action_lines, safe, show_suspension, show_warnings, warning_line
from etcsync.reconcile.model import ClientRun, Run, ServerRun
from etcsync.reconcile.options import SyncOptions
from etcsync.reconcile.reconciler import plan_clients, sync_clients
from etcsync.report.documents import run_document
from etcsync.report.words import listed
from etcsync.words import counted


@click.command(epilog="Example: etcsync plan client0")
@some_clients
@click.option("--allow-mass-delete", is_flag=True, help="Plan deletions above the limit, too.")
@click.option("--accept-rewrite", is_flag=True, help="Plan on a rewritten upstream history.")
@with_context
def plan(
    context: Context, clients: tuple[str, ...], *, allow_mass_delete: bool, accept_rewrite: bool
) -> int:
    """Show what `sync` would do now. Writes nothing."""
    options = SyncOptions(
        allow_mass_delete=allow_mass_delete, accept_rewrite=accept_rewrite, wait=context.wait
    )
    with progress(context) as advance:
        run = plan_clients(context.settings, clients, options, advance)
    return _report(context, run, nothing="nothing to do")


@click.command(epilog="Example: etcsync sync")
@some_clients
@click.option(
    "--allow-mass-delete", is_flag=True, help="Confirm deletions above limits.max_delete_percent."
)
@click.option("--accept-rewrite", is_flag=True, help="Go on although upstream rewrote history.")
@click.option("--quick", is_flag=True, help="Look only where upstream has changed something.")
@with_context
def sync(
    context: Context,
    clients: tuple[str, ...],
    *,
    allow_mass_delete: bool,
    accept_rewrite: bool,
    quick: bool,
) -> int:
    """Bring upstream's commits to the clients' trees, once.

    What clients changed is recorded first, then merged as the policy says; what does not merge is
    held and reported, and everything else goes on. Without CLIENT, all clients.

    With --quick, what clients changed in directories that upstream's commits do not touch is left
    as it is, to be found and recorded by the next sync without it.
    """
    options = SyncOptions(
        allow_mass_delete=allow_mass_delete,
        accept_rewrite=accept_rewrite,
        wait=context.wait,
        quiet=frozenset(each.name for each in context.settings.clients if quick),
    )
    with progress(context) as advance:
        run = sync_clients(context.settings, clients, options, advance)
    return _report(context, run, nothing="in sync")


def _report(context: Context, run: Run, *, nothing: str) -> int:
    if context.json:
        context.print_json(run_document(run))
        return run.exit_status
    context.out.print(f"upstream {run.upstream_commit[:12]}", style="cyan")
    for warning in run.warnings:
        context.out.print(warning_line(warning), soft_wrap=True)
    for alike in _grouped(run.clients):
        names = [client.name for client in alike]
        if _has_news(alike[0]):
            context.out.print(listed(names), style="bold")
            if alike[0].suspended:
                show_suspension(context.out, names, alike[0].suspended)
            _show_client(context.out, alike[0])
        else:
            context.out.print(f"{counted(len(alike), 'client')} {nothing}: {listed(names)}")
    _show_server(context.out, run.server)
    return run.exit_status


def _show_server(out: Console, server: ServerRun) -> None:
    for done in server.done:
        out.print(f"server: {safe(done)}", soft_wrap=True)
    show_warnings(out, server.warnings)
    if server.error:
        out.print(f"error: {safe(server.error.message)}", style="red", soft_wrap=True)
        if server.error.hint:
            out.print(f"  {safe(server.error.hint)}", soft_wrap=True)


def _grouped(clients: Iterable[ClientRun]) -> list[list[ClientRun]]:
    """Return the clients for which the same was done, together; those with conflicts alone."""
    groups: dict[tuple[object, ...], list[ClientRun]] = {}
    for client in clients:
        alone = client.name if client.error or client.conflicts else None
        did = tuple((action.path, action.act, action.reason) for action in client.actions)
        warned = tuple((warning.path, warning.kind) for warning in client.warnings)
        groups.setdefault((alone, did, warned, client.suspended), []).append(client)
    return list(groups.values())


def _has_news(client: ClientRun) -> bool:
    quiet = not (client.error or client.actions or client.conflicts or client.warnings)
    return not quiet or client.suspended is not None


def _show_client(out: Console, client: ClientRun) -> None:
    if client.error:
        out.print(f"  error: {safe(client.error.message)}", style="red")
        if client.error.hint:
            out.print(f"  {safe(client.error.hint)}")
    for line in action_lines(client.actions):
        out.print(line, soft_wrap=True)
    for warning in client.warnings:
        out.print("  ", warning_line(warning), sep="")
    if client.conflicts:
        first = client.conflicts[0].id
        out.print(
            f"  {counted(len(client.conflicts), 'path')} held → etcsync conflicts show {first}",
            style="red",
        )
