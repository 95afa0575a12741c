"""A bar on stderr that shows how far long work is."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from etcsync.cli.context import Context
from etcsync.reconcile.options import Advance, no_advance

FROM = 10
"""Clients from which on a bar is worth its lines."""


@contextmanager
def progress(context: Context) -> Iterator[Advance]:
    """Show a bar for each step of what goes on in the block; nothing in a pipe, or for few."""
    if context.json or not context.err.is_terminal:
        yield no_advance
        return
    columns = (TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn())
    bars = Progress(*columns, TimeElapsedColumn(), console=context.err, transient=True)
    tasks: dict[str, TaskID] = {}

    def advance(step: str, done: int, total: int) -> None:
        if total < FROM:
            return
        bars.start()  # not before: it takes a thread, and only without one workers can be forked
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=total)
        bars.update(tasks[step], completed=done, total=total)

    try:
        yield advance
    finally:
        bars.stop()
