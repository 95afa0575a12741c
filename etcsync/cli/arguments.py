"""Arguments that several commands share, and what the command line is told by its surroundings."""

from datetime import UTC, datetime

import click
from click.shell_completion import CompletionItem

from etcsync.cli.context import Context
from etcsync.errors import EtcsyncError
from etcsync.quantities import parse_duration


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


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases only
    """A duration as the settings write them, in seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds that ``value`` means."""
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def now() -> datetime:
    """Return the time, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


some_clients = click.argument("clients", metavar="[CLIENT]...", nargs=-1, type=ClientName())
chosen_clients = click.argument(
    "clients", metavar="CLIENT...", nargs=-1, required=True, type=ClientName()
)
one_client = click.argument("client", metavar="CLIENT", type=ClientName())
