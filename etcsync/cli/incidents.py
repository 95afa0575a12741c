"""``etcsync incidents``: what the daemon has found wrong and not yet over."""

import click
from rich.table import Table
from rich.text import Text

from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.daemon.incidents_file import incident_document, read_incidents
from etcsync.report.documents import SCHEMA
from etcsync.report.words import listed


@click.command(epilog="Example: etcsync incidents --json")
@with_context
def incidents(context: Context) -> int:
    """List the daemon's open incidents: each cause once, with all clients that have it.

    As of the daemon's last pass. Exits 1 when one is open.
    """
    found = list(read_incidents(context.settings.incidents_path).values())
    if context.json:
        documents = [incident_document(each) for each in found]
        context.print_json({"schema": SCHEMA, "incidents": documents})
    elif not found:
        context.out.print("no incident is open")
    else:
        table = Table("KIND", "SINCE", "CLIENTS", "WHAT", box=None, pad_edge=False)
        for each in found:
            clients, what = listed(each.clients) or "-", Text(safe(each.message))
            table.add_row(each.kind.value, each.opened, clients, what)
        context.out.print(table)
    return 1 if found else 0
