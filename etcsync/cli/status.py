"""``etcsync status``: the state of each client."""

import click

from etcsync.cli.arguments import Duration, some_clients
from etcsync.cli.context import Context, with_context
from etcsync.reconcile.status import cluster_status
from etcsync.report.documents import status_document


@click.command(epilog="Example: etcsync status --exit-code client0")
@some_clients
@click.option("--exit-code", is_flag=True, help="Exit 1 unless every client is in sync.")
@click.option(
    "--watch",
    metavar="[SECONDS]",
    type=Duration(),
    is_flag=False,
    flag_value="2",
    help="Show it again every 2 seconds, or so many, until q or Ctrl-C.",
)
@with_context
def status(
    context: Context, clients: tuple[str, ...], *, exit_code: bool, watch: float | None
) -> int:
    """Show the state of each client: what it has, what it changed, what is held.

    Reads the live trees and writes nothing. Without CLIENT, shows all.
    """
    if watch is not None:
        from etcsync.cli.status_watch import watch_status  # noqa: PLC0415 - slow to import

        state = watch_status(context, clients, watch)
    else:
        state = cluster_status(context.settings, clients)
        if context.json:
            context.print_json(status_document(state))
        else:
            from etcsync.cli.status_text import show_status  # noqa: PLC0415 - slow to import

            show_status(context.out, state)
    in_sync = all(client.state == "synced" for client in state.clients)
    return 1 if exit_code and not in_sync else 0
