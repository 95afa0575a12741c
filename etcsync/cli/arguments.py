"""Arguments that several commands share."""

import click
from click.shell_completion import CompletionItem

from etcsync.cli.context import Context
from etcsync.errors import EtcsyncError


class ClientName(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases only
    """The name of a client; shells complete it from the settings."""

    name = "client"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer the clients of the settings that begin with what was typed."""
        del param
        try:
            clients = ctx.ensure_object(Context).settings.clients
        except EtcsyncError:
            return []
        names = (client.name for client in clients)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


some_clients = click.argument("clients", metavar="[CLIENT]...", nargs=-1, type=ClientName())
one_client = click.argument("client", metavar="CLIENT", type=ClientName())
