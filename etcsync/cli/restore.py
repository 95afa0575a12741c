"""``etcsync restore``: bring back a version from a client's history."""

import click

from etcsync.cli.arguments import now, one_client
from etcsync.cli.context import Context, with_context
from etcsync.cli.outcomes import show_paths
from etcsync.reconcile.administrator import user_name
from etcsync.reconcile.options import SyncOptions
from etcsync.reconcile.restoring import restore as restore_version
from etcsync.reconcile.suspensions import Suspension
from etcsync.report.decisions import paths_document
from etcsync.report.escape import printable
from etcsync.report.words import suspension_text


@click.command(
    epilog="Examples: etcsync restore client0 4f2a91c0 motd; etcsync restore client0 HEAD~3"
)
@one_client
@click.argument("revision", metavar="REV")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--allow-mass-delete", is_flag=True, help="Confirm that many files go.")
@with_context
def restore(
    context: Context,
    client: str,
    revision: str,
    paths: tuple[str, ...],
    *,
    allow_mass_delete: bool,
) -> int:
    """Bring back what CLIENT had at REV, a commit that `etcsync log` lists.

    Content, mode and owner of each PATH and of what lies beneath; without PATH, of the whole tree,
    and then the client is suspended, too. What is replaced is recorded first.
    """
    options = SyncOptions(allow_mass_delete=allow_mass_delete, wait=context.wait)
    suspension = Suspension(
        since=now(), until=None, reason=f"restored to {revision}", by=printable(user_name())
    )
    done = restore_version(context.settings, client, revision, paths, suspension, options)
    if context.json:
        context.print_json(paths_document(done))
    else:
        show_paths(context.out, done, "restored")
        if done.run.suspended:
            text = suspension_text(done.run.suspended)
            context.out.print(f"{client} is suspended {text}", style="magenta", soft_wrap=True)
            context.out.print(f"→ etcsync resume {client}", style="dim")
    return done.exit_status
