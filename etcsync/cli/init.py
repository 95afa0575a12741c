"""``etcsync init``: from a shared root to a managed cluster."""

import click

from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.reconcile.setup import InitRequest, initialise


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
@with_context
def init(context: Context, root: str | None, clients: tuple[str, ...]) -> int:
    """Set up the settings, upstream's repository, the hub and the clients' trees.

    Existing clones at the tree paths are adopted with their history; missing trees are created.
    Where settings exist they are used and completed. Safe to repeat, also after an interruption.
    """
    request = InitRequest(config=context.config, root=root, clients=clients, wait=context.wait)
    result = initialise(request)
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
            }
        )
        return result.exit_status
    for step in result.steps:
        context.out.print(f"{step.what:<10}{safe(step.detail)}")
    for client in result.clients:
        context.out.print(f"{client.outcome:<10}{client.name}", end="")
        context.out.print(f"  {safe(client.error_text)}" if client.error_text else "", style="red")
    context.out.print("Next: etcsync status, then etcsync sync.", style="dim")
    return result.exit_status
