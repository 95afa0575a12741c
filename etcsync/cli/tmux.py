"""``etcsync tmux``: work on many clients at once."""

import os
import re
import shlex
import sys
from collections.abc import Sequence

import click

from etcsync.cli.arguments import some_clients
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.config import Client
from etcsync.errors import UsageError
from etcsync.host.tmux import Words, call_words, ensure_session, session_calls, showing
from etcsync.report.documents import SCHEMA


def _name(_context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Take only what means nothing more to tmux or a shell."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise click.BadParameter(f"{value!r}: use letters, digits, '_' and '-'", param=parameter)
    return value


@click.command(epilog="Example: etcsync tmux client0 client1 --ssh 'ssh -l root'")
@some_clients
@click.option("--ssh", default="ssh", metavar="COMMAND", help="What connects; the client is added.")
@click.option("--panes", default=12, type=click.IntRange(1, 40), help="As many in one window.")
@click.option(
    "--key", default="C-x", callback=_name, help="Types into all panes, after the prefix."
)
@click.option("--session", default="etcsync", callback=_name, help="The session's name.")
@click.option("--dry-run", is_flag=True, help="Print the tmux commands, and run none.")
@with_context
def tmux(
    context: Context,
    clients: tuple[str, ...],
    *,
    ssh: str,
    panes: int,
    key: str,
    session: str,
    dry_run: bool,
) -> int:
    """Open a tmux session with an ssh pane for each CLIENT, and go there.

    The prefix and then C-x type into all panes of a window at once, and its title is red; the same
    keys end that. A session that is there already is shown as it is.
    """
    chosen = [context.settings.client(name) for name in clients] or context.settings.clients
    if not chosen:
        raise UsageError("there are no clients", hint="Add one with `etcsync client add`.")
    connect = _split(ssh)
    consoles = {client.name: (*connect, destination(client)) for client in chosen}
    calls = list(session_calls(session, consoles, panes=panes, key=key))
    show = showing(session, inside="TMUX" in os.environ)
    created = False if dry_run else ensure_session(session, calls)
    if context.json:
        context.print_json(
            {
                "schema": SCHEMA,
                "session": session,
                "created": created,
                "commands": [call_words(commands) for commands in (*calls, [show])],
            }
        )
    elif dry_run:
        for commands in (*calls, [show]):
            click.echo(_shell_text(commands))
    elif sys.stdin.isatty() and sys.stdout.isatty():
        os.execvp("tmux", ["tmux", *show])  # noqa: S606 - as a shell would be needless
    else:
        said = "made" if created else "there already"
        context.out.print(f"the session {session} is {said}; show it with:")
        context.out.print(f"  {_shell_text([show])}", style="cyan", soft_wrap=True)
    return 0


def destination(client: Client) -> str:
    """Return what ssh is to connect to: the client's address if that is one host's, or its name."""
    return client.name if "/" in client.address else client.address or client.name


def _split(command: str) -> Words:
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"--ssh: {safe(command)!r} is no command: {error}") from error
    if not words:
        raise UsageError("--ssh: a command is missing")
    return words


def _shell_text(commands: Sequence[Words]) -> str:
    """Return one call of tmux as a shell takes it, a command to a line."""
    return "tmux " + " \\; \\\n    ".join(shlex.join(call_words([each])) for each in commands)
