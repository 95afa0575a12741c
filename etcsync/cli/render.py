"""Pieces of text output that several commands share."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from etcsync.plan.model import Action, Difference
from etcsync.reconcile.model import TreeWarning
from etcsync.reconcile.suspensions import Suspension
from etcsync.report.escape import printable
from etcsync.report.words import suspension_text

STATE_STYLES = {
    "error": "bold red",
    "suspended": "magenta",
    "conflicted": "red",
    "behind": "yellow",
    "drifted": "blue",
    "synced": "green",
}

ACT_STYLES = {
    "write": "green",
    "merge": "green",
    "delete": "red",
    "chmod": "green",
    "heal": "yellow",
    "mirror": "cyan",
    "hold": "bold red",
    "release": "bold green",
}


def safe(text: str) -> str:
    """Return ``text`` so that nothing in it steers the terminal."""
    return printable(text)


def change_lines(differences: Iterable[Difference]) -> Iterator[Text]:
    """Yield one line for each difference between a tree and upstream."""
    for difference in differences:
        yield Text.assemble((f"  {difference.change.value:<11}", "blue"), safe(difference.path))


def action_lines(actions: Iterable[Action]) -> Iterator[Text]:
    """Yield one line for each action."""
    for action in actions:
        yield Text.assemble(
            (f"  {action.act.value:<8}", ACT_STYLES[action.act.value]),
            safe(action.path),
            (f"  ({safe(action.reason)})", "dim"),
        )


def show_suspension(out: Console, clients: Sequence[str], suspension: Suspension) -> None:
    """Say that clients are suspended, and how to end that."""
    text = f"  suspended {suspension_text(suspension)}"
    out.print(text, style=STATE_STYLES["suspended"], soft_wrap=True)
    out.print(f"  → etcsync resume {' '.join(clients)}", style="dim", soft_wrap=True)


def warning_line(warning: TreeWarning) -> Text:
    """Return a warning as one line."""
    return Text(f"{warning.kind}: {safe(warning.path)}  ({safe(warning.detail)})", style="yellow")


def show_warnings(out: Console, warnings: Iterable[str]) -> None:
    """Print warnings that are sentences, a line each."""
    for warning in warnings:
        out.print(Text.assemble(("warning: ", "yellow"), safe(warning)), soft_wrap=True)
