"""The command line's front door: global flags, and errors made readable."""

import gc
import os
import sys
from typing import TextIO

import click

from etcsync import __version__, environment
from etcsync.cli.commands import Commands
from etcsync.cli.context import Context, global_options
from etcsync.errors import EtcsyncError
from etcsync.report.escape import printable
from etcsync.threads import starting_threads

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells count it."""


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


def run() -> None:
    """Run etcsync as a program and exit with its status.

    Without the collector: a call is short, and all that it holds is in use until it ends.
    """
    environment.cleanse()
    gc.disable()
    context = Context()
    try:
        with starting_threads():
            status_code = main.main(prog_name="etcsync", standalone_mode=False, obj=context)
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
            from etcsync.report.documents import SCHEMA, error_document  # noqa: PLC0415 - slow

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
