"""``etcsync init``: from a shared root to a managed cluster."""

import click

from etcsync.cli.client_import import show_left_out
from etcsync.cli.context import Context, with_context
from etcsync.cli.progress import progress
from etcsync.cli.render import safe
from etcsync.reconcile.first_settings import InitRequest
from etcsync.reconcile.setup import initialise
from etcsync.report.inventory import left_out


@click.command(
    epilog="Example: etcsync init --root /srv/root --clients 'client{0..5}'",
)
@click.option(
    "--root",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="The shared root file system; its /etc becomes upstream.",
)
@click.option(
    "--clients",
    metavar="PATTERN",
    multiple=True,
    help="Clients by name, with braces as in the shell: 'client{0..5}'. May be repeated.",
)
@click.option(
    "--import",
    "imports",
    metavar="FILE",
    multiple=True,
    type=click.Path(dir_okay=False),
    help="Clients of a dnsmasq.conf, dhcpd.conf, ethers or hosts file. May be repeated.",
)
@with_context
def init(
    context: Context, root: str | None, clients: tuple[str, ...], imports: tuple[str, ...]
) -> int:
    """Set up the settings, upstream's repository, the hub and the clients' trees.

    Existing clones at the tree paths are adopted with their history; missing trees are created.
    Where settings exist they are used and completed. Safe to repeat, also after an interruption.
    Exits 1 when an import left something out.
    """
    request = InitRequest(context.config, root, clients, context.wait, imports)
    with progress(context) as advance:
        result = initialise(request, advance)
    if context.json:
        context.print_json(
            {
                "schema": 1,
                "settings": result.settings,
                "done": [{"what": step.what, "detail": step.detail} for step in result.steps],
                "clients": [
                    {"name": client.name, "outcome": client.outcome, "error": client.error_text}
                    for client in result.clients
                ],
                "left_out": left_out(result.imported) if result.imported else [],
            }
        )
        return result.exit_status
    for step in result.steps:
        context.out.print(f"{step.what:<10}{safe(step.detail)}")
    for client in result.clients:
        context.out.print(f"{client.outcome:<10}{client.name}", end="")
        context.out.print(f"  {safe(client.error_text)}" if client.error_text else "", style="red")
    if result.imported:
        show_left_out(context.out, result.imported)
    context.out.print("Next: etcsync status, then etcsync sync.", style="dim")
    return result.exit_status
