"""``etcsync git``: git on a client's recorded history."""

import click

from etcsync.cli.arguments import one_client
from etcsync.cli.context import Context, with_context
from etcsync.hub.client_git import client_git
from etcsync.hub.hub import open_hub


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog="Example: etcsync git client0 -- log -p -- ssh/sshd_config",
)
@one_client
@click.argument("arguments", metavar="-- ARGS...", nargs=-1, type=click.UNPROCESSED)
@with_context
def git(context: Context, client: str, arguments: tuple[str, ...]) -> int:
    """Look into CLIENT's recorded history with git, never in its tree.

    Takes git's commands that only read. What git prints is as it was recorded: secrets too.
    """
    settings = context.settings
    settings.client(client)
    with open_hub(settings.hub_path) as hub:
        return client_git(hub, client, arguments)
