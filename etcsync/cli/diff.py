"""``etcsync diff``: upstream against a client's live tree."""

from collections.abc import Iterable

import click

from etcsync.cli.arguments import one_client
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.reconcile.differences import TreeDifference, tree_differences
from etcsync.report.escape import printable

LETTERS = {"added": "A", "deleted": "D", "modified": "M", "type": "T", "metadata": "m"}
LINE_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@click.command(epilog="Example: etcsync diff client0 ssh/sshd_config")
@one_client
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--name-status", is_flag=True, help="Only the letter of the change and the path.")
@click.option("--exit-code", is_flag=True, help="Exit 1 when something differs.")
@with_context
def diff(
    context: Context, client: str, paths: tuple[str, ...], *, name_status: bool, exit_code: bool
) -> int:
    """Show how CLIENT's live tree differs from upstream, as a unified diff.

    A PATH may be a directory. Secrets show as "differs (secret)". --name-status: A added, D
    deleted, M modified, T another type, m only mode or owner.
    """
    differences = tree_differences(
        context.settings, client, paths, with_text=not (name_status or context.json)
    )
    if context.json:
        context.print_json(
            {
                "schema": 1,
                "client": client,
                "differences": [
                    {
                        "path": each.path,
                        "change": each.change.value,
                        "strategy": each.strategy.value,
                        "secret": each.secret,
                    }
                    for each in differences
                ],
            }
        )
    else:
        for each in differences if name_status else ():
            context.out.print(f"{LETTERS[each.change.value]}\t{safe(each.path)}")
        print_differences(context, differences)
    return 1 if exit_code and differences else 0


def print_differences(context: Context, differences: Iterable[TreeDifference]) -> None:
    """Print unified diffs, coloured on a terminal."""
    for each in differences:
        for line in each.lines:
            context.out.print(printable(line, keep="\t"), style=_style(line), soft_wrap=True)


def _style(line: str) -> str | None:
    if line.startswith(("+++", "---")):
        return "bold"
    return LINE_STYLES.get(line[:1])
