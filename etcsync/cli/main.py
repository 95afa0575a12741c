"""The command line's front door: global flags, the commands, and errors made readable."""

import gc
import os
import sys
from importlib import import_module
from typing import TextIO

import click

from etcsync import __version__, environment
from etcsync.cli.context import Context, global_options, with_context
from etcsync.errors import EtcsyncError
from etcsync.report.documents import SCHEMA, error_document
from etcsync.report.escape import printable

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells count it."""


COMMANDS = {
    "accept": "accept",
    "boot": "boot",
    "client": "client",
    "conflicts": "conflicts",
    "demo": "demo",
    "diff": "diff",
    "discard": "discard",
    "doctor": "doctor",
    "exports": "exports",
    "git": "git",
    "hooks": "hooks",
    "incidents": "incidents",
    "init": "init",
    "log": "log",
    "notify": "notify",
    "plan": "sync",
    "policy": "policy",
    "promote": "promote",
    "report": "report",
    "resolve": "resolve",
    "restore": "restore",
    "resume": "resume",
    "run": "run",
    "status": "status",
    "suspend": "suspend",
    "sync": "sync",
    "tmux": "tmux",
}
"""Each command and the module of `etcsync.cli` that holds it under the same name."""


class Commands(click.Group):
    """Imports a command when it is called for: what one needs, the others need not wait for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted((*super().list_commands(ctx), *COMMANDS))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"etcsync.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: etcsync init --root /srv/root --clients 'client{0..5}'",
)
@global_options
@click.version_option(__version__, prog_name="etcsync")
@click.pass_context
def main(context: click.Context) -> None:
    """Keep every diskless client's /etc in step with the shared root's.

    Upstream is the git repository of the root's /etc. `etcsync sync` brings its new commits to
    every client's tree, keeps what clients changed, and holds what does not fit together.
    """
    context.ensure_object(Context)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@with_context
def completion(_context: Context, shell: str) -> int:
    r"""Print the completion script for SHELL.

    \b
    Example:
      etcsync completion bash > /etc/bash_completion.d/etcsync
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - only this one needs it

    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(completion_class(main, {}, "etcsync", "_ETCSYNC_COMPLETE").source())
    return 0


def run() -> None:
    """Run etcsync as a program and exit with its status.

    Without the collector: a call is short, and all that it holds is in use until it ends.
    """
    environment.cleanse()
    gc.disable()
    context = Context()
    try:
        status_code = main.main(
            prog_name="etcsync",
            standalone_mode=False,
            obj=context,
        )
    except click.exceptions.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except EtcsyncError as error:
        sys.exit(_explain(context, error))
    except BrokenPipeError:
        _close_down(sys.stdout)
        sys.exit(0)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(_explain(context, EtcsyncError(f"{place}{error.strerror or error}")))
    sys.exit(status_code if isinstance(status_code, int) else 0)


def _explain(context: Context, error: EtcsyncError) -> int:
    """Say what happened and what to do next, where that can be written; return the exit status."""
    try:
        if context.json:
            context.print_json({"schema": SCHEMA, "error": error_document(error)})
    except OSError:
        _close_down(sys.stdout)
    try:
        context.err.print("error:", style="bold red", end=" ")
        context.err.print(printable(error.message, keep="\n"), soft_wrap=True)
        if error.hint:
            context.err.print("hint:", style="bold cyan", end=" ")
            context.err.print(printable(error.hint, keep="\n"), soft_wrap=True)
    except OSError:
        _close_down(sys.stderr)
    return error.exit_status


def _close_down(stream: TextIO) -> None:
    """Lead a stream that cannot be written nowhere, lest Python complain about it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
