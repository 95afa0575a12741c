"""What the global flags say, and the streams that commands write to.

Settings and consoles are made when a command asks for them. So are the libraries for them loaded,
which take longer than all that a short command has to do.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TextIO, TypeVar

import click

from etcsync import logs

if TYPE_CHECKING:
    from rich.console import Console

    from etcsync.config import Settings

PIPE_WIDTH = 240
"""Columns of a table that goes into a pipe, where nothing is cut off to fit a window."""


@dataclass
class Context:
    """One call of the command line.

    Attributes:
        config: The settings file named with ``--config``.
        json: Whether stdout carries machine output only.
        verbosity: How often ``-v`` was given.
        no_color: Whether colours are forbidden.
        wait: Seconds to wait for another writer.
    """

    config: str | None = None
    json: bool = False
    verbosity: int = 0
    no_color: bool = field(default_factory=lambda: bool(os.environ.get("NO_COLOR")))
    wait: float = 60.0

    @cached_property
    def settings(self) -> "Settings":
        """The settings, read once."""
        from etcsync.config import load_settings  # noqa: PLC0415 - see above

        return load_settings(self.config)

    @property
    def colors_log(self) -> bool:
        """Whether lines of the log may have colours."""
        return sys.stderr.isatty() and not self.no_color

    @cached_property
    def out(self) -> "Console":
        """The console for what the command answers."""
        return _console(sys.stdout, no_color=self.no_color)

    @cached_property
    def err(self) -> "Console":
        """The console for errors, hints and progress."""
        return _console(sys.stderr, no_color=self.no_color)

    def print_json(self, document: object) -> None:
        """Write one JSON document to stdout; stray bytes in names appear as surrogate escapes."""
        click.echo(json.dumps(document, indent=2))


def _console(stream: TextIO, *, no_color: bool) -> "Console":
    from rich.console import Console  # noqa: PLC0415 - see above

    terminal = stream.isatty()
    return Console(
        file=stream,
        markup=False,
        highlight=False,
        emoji=False,
        no_color=no_color or not terminal,
        width=None if terminal else PIPE_WIDTH,
        legacy_windows=False,
    )


Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Options = ParamSpec("Options")


def global_options(function: Decorated) -> Decorated:
    """Add the global flags, which are understood before and after the command's name."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def with_context(
    function: Callable[Concatenate[Context, Options], int],
) -> Callable[Options, int]:
    """Make ``function`` a command's body: it gets a `Context` first and returns an exit status."""

    @wraps(function)
    def call(*arguments: Options.args, **options: Options.kwargs) -> int:
        context = click.get_current_context().ensure_object(Context)
        logs.configure(context.verbosity, color=context.colors_log)
        return function(context, *arguments, **options)

    return global_options(call)


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value not in (None, False, 0):
        setattr(context.ensure_object(Context), str(parameter.name), value)


_OPTIONS = (
    click.option(
        "--config",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        expose_value=False,
        callback=_remember,
        help="Settings file  [default: $ETCSYNC_CONFIG or /etc/etcsync/etcsync.toml]",
    ),
    click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Machine output on stdout, and nothing else there.",
    ),
    click.option(
        "-v",
        "--verbose",
        "verbosity",
        count=True,
        expose_value=False,
        callback=_remember,
        help="Log what is done to stderr; twice: every detail.",
    ),
    click.option(
        "--no-color",
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="No colours; so does the variable NO_COLOR.",
    ),
    click.option(
        "--wait",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        expose_value=False,
        callback=_remember,
        help="How long to wait for another etcsync that writes  [default: 60]",
    ),
)
