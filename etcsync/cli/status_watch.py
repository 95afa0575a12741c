"""``etcsync status --watch``: the state of each client, again and again."""

import gc
import json
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from etcsync.cli.context import Context
from etcsync.cli.render import STATE_STYLES, safe
from etcsync.cli.status_table import status_table
from etcsync.config import load_settings
from etcsync.errors import EtcsyncError, UsageError
from etcsync.reconcile.model import ClientStatus, ClusterStatus
from etcsync.reconcile.status import cluster_status
from etcsync.report.documents import SCHEMA, error_document, status_document
from etcsync.report.states import state_counts, worst_first

Read = Callable[[], ClusterStatus]

SHORTEST = 0.1
"""Seconds between two readings."""

ROWS_AT_LEAST = 3
"""Clients that are shown however low the window is."""

COLUMNS = ((78, 7), (52, 6), (0, 2))
"""From how wide a window on so many columns of the table fit in."""


def watch_status(context: Context, names: Sequence[str], seconds: float) -> ClusterStatus:
    """Show the state of the clients every so many seconds until Ctrl-C, or q on a terminal.

    Returns:
        The state that was shown last.

    Raises:
        EtcsyncError: The first reading failed. Later ones that fail are shown.
        UsageError: There is no terminal, and ``--json`` was not given; or it would never rest.
    """
    if seconds < SHORTEST:
        raise UsageError(f"--watch takes {SHORTEST:g} seconds at least")
    if not context.json and not context.out.is_terminal:
        raise UsageError(
            "--watch draws on a terminal, and there is none",
            hint="With --json it prints a document on each line, for programs.",
        )
    gc.enable()

    def read() -> ClusterStatus:
        return cluster_status(load_settings(context.config), names)

    last = read()
    show = _print_lines if context.json else _draw
    shown = [last]
    with suppress(KeyboardInterrupt):
        show(context, read, shown, seconds)
    return shown[-1]


def _print_lines(_context: Context, read: Read, shown: list[ClusterStatus], seconds: float) -> None:
    click.echo(json.dumps(status_document(shown[0])))
    while True:
        time.sleep(seconds)
        try:
            shown[:] = [read()]
            document = status_document(shown[0])
        except EtcsyncError as error:
            document = {"schema": SCHEMA, "error": error_document(error)}
        click.echo(json.dumps(document))


def _draw(context: Context, read: Read, shown: list[ClusterStatus], seconds: float) -> None:
    failed: EtcsyncError | None = None
    with (
        _single_keys() as pressed,
        Live(console=context.out, screen=True, auto_refresh=False) as live,
    ):
        while True:
            size = context.out.size
            live.update(_screen(shown[0], failed, seconds, size.width, size.height), refresh=True)
            if pressed(seconds):
                return
            try:
                shown[:], failed = [read()], None
            except EtcsyncError as error:
                failed = error


@contextmanager
def _single_keys() -> Iterator[Callable[[float], bool]]:
    """Yield a function that waits so many seconds, and returns at once and true when q is typed."""
    if not sys.stdin.isatty():
        yield _only_wait
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield lambda seconds: _typed_q(descriptor, seconds)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _only_wait(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _typed_q(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([descriptor], [], [], left)[0]:
            typed = os.read(descriptor, 64)
            if not typed or b"q" in typed.lower():
                return True
    return False


def _screen(
    state: ClusterStatus, failed: EtcsyncError | None, seconds: float, width: int, height: int
) -> Group:
    """Return what fills a window of ``width`` columns and ``height`` lines, and no more."""
    head = [
        _line("upstream ", (safe(state.upstream_path), "bold"), " at ",
              (state.upstream_commit[:12], "cyan")),
        _line(*_sums(state)),
    ]  # fmt: skip
    if state.busy:
        head.append(_line((f"busy: {safe(state.busy)}", "yellow")))
    if state.uncommitted:
        head.append(_line((f"{len(state.uncommitted)} not committed upstream", "yellow")))
    if failed:
        head.append(_line(("what follows is old: ", "bold red"), safe(failed.message)))
    room = max(ROWS_AT_LEAST, height - len(head) - 4)
    clients = worst_first(state.clients)
    parts: list[RenderableType] = [*head, Text(), _table(clients[:room], width)]
    if len(clients) > room:
        rest = state_counts(clients[room:])
        more = ", ".join(f"{number} {name}" for name, number in rest.items())
        parts.append(_line((f"and {len(clients) - room} more: {more}", "dim")))
    parts.append(_line((f"{time.strftime('%H:%M:%S')}, every {seconds:g} s; q ends", "dim")))
    return Group(*parts)


def _sums(state: ClusterStatus) -> Iterator[tuple[str, str]]:
    for name, number in state_counts(state.clients).items():
        yield f"{number} {name}  ", STATE_STYLES[name]


def _table(clients: Sequence[ClientStatus], width: int) -> Table:
    columns = next(columns for least, columns in COLUMNS if width >= least)
    return status_table(clients, columns=columns, one_line=True)


def _line(*parts: str | tuple[str, str]) -> Text:
    """Return one line of the window, cut off at its edge."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")
