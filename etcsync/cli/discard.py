"""``etcsync discard``: a client's drift is not wanted."""

import click

from etcsync.cli.arguments import one_client
from etcsync.cli.context import Context, with_context
from etcsync.cli.outcomes import show_paths
from etcsync.reconcile.discarding import discard as discard_drift
from etcsync.reconcile.options import SyncOptions
from etcsync.report.decisions import paths_document


@click.command(epilog="Example: etcsync discard client0 chrony.conf")
@one_client
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--allow-mass-delete", is_flag=True, help="Confirm that many files go.")
@with_context
def discard(
    context: Context, client: str, paths: tuple[str, ...], *, allow_mass_delete: bool
) -> int:
    """Put upstream's version back where CLIENT drifted from it, at each PATH and beneath.

    What it replaces stays in the client's history: `etcsync log` finds it and `etcsync restore`
    brings it back.
    """
    options = SyncOptions(allow_mass_delete=allow_mass_delete, wait=context.wait)
    done = discard_drift(context.settings, client, paths, options)
    if context.json:
        context.print_json(paths_document(done))
    else:
        show_paths(context.out, done, "discarded")
    return done.exit_status
