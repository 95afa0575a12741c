"""Pieces of text output that several commands share."""

from collections.abc import Iterable, Iterator

from rich.text import Text

from etcsync.plan.model import Action, Difference
from etcsync.reconcile.model import TreeWarning
from etcsync.report.escape import printable

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


def warning_line(warning: TreeWarning) -> Text:
    """Return a warning as one line."""
    return Text(f"{warning.kind}: {safe(warning.path)}  ({safe(warning.detail)})", style="yellow")
