"""``etcsync conflicts``: what is held, and why."""

import click
from rich.table import Table
from rich.text import Text

from etcsync.cli.arguments import ClientName
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.errors import UsageError
from etcsync.reconcile.conflicts import conflict_details, held_paths
from etcsync.report.conflict import conflict_text, details_document
from etcsync.report.documents import conflict_document


@click.command(
    epilog="Examples: etcsync conflicts client0; etcsync conflicts show c1a2b3c4",
)
@click.argument("arguments", metavar="[CLIENT...] | show ID", nargs=-1, type=ClientName())
@with_context
def conflicts(context: Context, arguments: tuple[str, ...]) -> int:
    """List what is held on the clients, or show one conflict with its three versions.

    A held path keeps the client's version; upstream's change to it waits.
    """
    if arguments[:1] == ("show",):
        if len(arguments) != 2:
            raise UsageError(
                "conflicts show takes the id of one conflict",
                hint="Run `etcsync conflicts` to list them.",
            )
        return _show(context, arguments[1])
    held = held_paths(context.settings, arguments)
    if context.json:
        context.print_json(
            {
                "schema": 1,
                "clients": [
                    {"name": name, "conflicts": [conflict_document(each) for each in paths]}
                    for name, paths in held.items()
                ],
            }
        )
        return 1 if any(held.values()) else 0
    if not any(held.values()):
        context.out.print("nothing is held")
        return 0
    table = Table("ID", "CLIENT", "PATH", "REASON", "SINCE", box=None, pad_edge=False)
    for name, paths in held.items():
        for each in paths:
            table.add_row(each.id, name, Text(safe(each.path)), each.reason, each.since)
    context.out.print(table)
    context.out.print("→ etcsync conflicts show ID", style="dim")
    return 1


def _show(context: Context, conflict_id: str) -> int:
    details = conflict_details(context.settings, conflict_id)
    if context.json:
        context.print_json({"schema": 1, **details_document(details)})
    else:
        context.out.print(conflict_text(details), soft_wrap=True)
    return 0
