"""What became of the paths that a command was to decide, as text."""

from rich.console import Console
from rich.text import Text

from etcsync.cli.render import safe
from etcsync.errors import EtcsyncError
from etcsync.reconcile.intervening import PathsRun


def show_outcome(
    out: Console, what: str, error: EtcsyncError | None, obstacle: str | None, done: str
) -> None:
    """Print what became of one thing that a command was to do.

    Args:
        out: Where.
        what: The thing.
        error: Why the client as a whole failed, or None.
        obstacle: Why this was not done, or None.
        done: What was done otherwise, in a word.
    """
    if error:
        out.print(Text.assemble(("error      ", "red"), f"{what}  ({safe(error.message)})"))
        if error.hint:
            out.print(f"           {safe(error.hint)}")
    elif obstacle:
        out.print(Text.assemble(("left out   ", "yellow"), f"{what}  ({safe(obstacle)})"))
    else:
        out.print(Text.assemble((f"{done:<11}", "green"), what))


def show_paths(out: Console, done: PathsRun, word: str) -> None:
    """Print what became of the paths that a command was given; ``word`` says what it does."""
    for path in done.done:
        show_outcome(out, safe(path), None, None, word)
    for each in done.left_out:
        show_outcome(out, safe(each.path), None, each.reason, word)
    if not done.done and not done.left_out:
        out.print(f"nothing to do: {done.run.name} has just that")
