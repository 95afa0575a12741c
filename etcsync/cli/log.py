"""``etcsync log``: what happened to a client's tree."""

import click
from rich.console import Console
from rich.text import Text

from etcsync.cli.arguments import one_client
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.reconcile.history import LogEntry, PathChange, client_log
from etcsync.reconcile.paths import named_path
from etcsync.report.decisions import log_document

LISTED = 20
"""Paths that one entry lists; `--json` has them all."""

CAUSE_STYLES = {"capture": "blue", "heal": "yellow", "upstream": "green"}


@click.command(epilog="Examples: etcsync log client0; etcsync log client0 ssh/sshd_config -n 0")
@one_client
@click.argument("path", required=False)
@click.option(
    "--limit", "-n", type=click.IntRange(min=0), default=20, show_default=True,
    help="Show so many entries; 0 for all; -n for short.",
)  # fmt: skip
@with_context
def log(context: Context, client: str, path: str | None, *, limit: int) -> int:
    """Show what happened to CLIENT's tree, or at PATH and beneath, newest first.

    Each entry tells what caused it: the client's own change (capture), a commit of upstream's
    (upstream), a change that was put back (heal), or a command: resolve, discard, restore, promote.
    """
    place = None if path is None else named_path(path)
    entries = client_log(context.settings, client, place, limit)
    if context.json:
        context.print_json(log_document(client, entries))
    elif not entries:
        context.out.print("nothing is recorded" + (f" of {safe(path)}" if path else ""))
    else:
        for entry in entries:
            _show(context.out, entry)
    return 0


def _show(out: Console, entry: LogEntry) -> None:
    out.print(
        Text.assemble(
            (entry.commit[:12], "cyan"), f"  {entry.time}  ", (entry.cause, "bold"),
            f"  {safe(entry.author)}",
        ),
        soft_wrap=True,
    )  # fmt: skip
    if entry.upstream_commit:
        out.print(
            f"  with upstream {entry.upstream_commit[:12]}  {safe(entry.upstream_subject)}",
            style="dim",
            soft_wrap=True,
        )
    for change in entry.changes[:LISTED]:
        out.print(_line(change), soft_wrap=True)
    if len(entry.changes) > LISTED:
        out.print(f"  and {len(entry.changes) - LISTED} more", style="dim")


def _line(change: PathChange) -> Text:
    what = change.change.value if change.change else "kept"
    note = f"  ({safe(change.note)})" if change.note else ""
    style = CAUSE_STYLES.get(change.cause, "magenta")
    return Text.assemble((f"  {change.cause:<9}", style), f"{what:<9} {safe(change.path)}", note)
