"""``etcsync client list``: the clients, also as fragments of other programs' files."""

from typing import Any

import click
from rich.table import Table

from etcsync.cli.arguments import now
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import STATE_STYLES, safe
from etcsync.host.inventory.rendering import RENDERERS
from etcsync.reconcile.suspensions import suspensions_in_force
from etcsync.report.documents import suspension_document
from etcsync.report.words import suspension_text


@click.command("list", epilog="Example: etcsync client list --format hosts >> /etc/hosts")
@click.option(
    "--format",
    "format_",
    type=click.Choice([*RENDERERS, "json"]),
    help="Print a fragment of such a file instead of a table.",
)
@with_context
def list_clients(context: Context, format_: str | None) -> int:
    """List the clients."""
    if context.json and format_ not in {None, "json"}:
        raise click.UsageError(f"--json and --format {format_} contradict each other")
    if context.json or format_ == "json":
        context.print_json(_document(context))
    elif format_:
        click.echo(RENDERERS[format_](context.settings.clients), nl=False)
    else:
        _show(context)
    return 0


def _document(context: Context) -> dict[str, Any]:
    suspensions = suspensions_in_force(context.settings, now())
    clients = [
        {
            "name": each.name,
            "tree": context.settings.tree_path(each.name),
            "address": each.address,
            "mac": each.mac,
            "labels": list(each.labels),
            "suspended": suspension_document(suspensions.get(each.name)),
        }
        for each in context.settings.clients
    ]
    return {"schema": 1, "clients": clients}


def _show(context: Context) -> None:
    table = Table("CLIENT", "ADDRESS", "MAC", "LABELS", "TREE", box=None, pad_edge=False)
    for each in context.settings.clients:
        table.add_row(
            each.name,
            each.address or "-",
            each.mac or "-",
            " ".join(each.labels) or "-",
            safe(context.settings.tree_path(each.name)),
        )
    context.out.print(table)
    for name, suspension in suspensions_in_force(context.settings, now()).items():
        line = f"{name} is suspended {suspension_text(suspension)}"
        context.out.print(line, style=STATE_STYLES["suspended"], soft_wrap=True)
