"""``etcsync completion``: what makes a shell complete command lines."""

import click
from click.shell_completion import get_completion_class

from etcsync.cli.context import Context, with_context


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@with_context
def completion(_context: Context, shell: str) -> int:
    r"""Print the completion script for SHELL.

    \b
    Example:
      etcsync completion bash > /etc/bash_completion.d/etcsync
    """
    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise click.UsageError(f"no completion for {shell}")
    main = click.get_current_context().find_root().command
    click.echo(completion_class(main, {}, "etcsync", "_ETCSYNC_COMPLETE").source())
    return 0
