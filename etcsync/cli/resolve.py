"""``etcsync resolve``: decide what is held."""

from typing import BinaryIO

import click

from etcsync.cli.context import Context, with_context
from etcsync.cli.outcomes import show_outcome
from etcsync.cli.render import safe
from etcsync.errors import UsageError
from etcsync.plan.text import first_marker
from etcsync.reconcile.options import SyncOptions
from etcsync.reconcile.resolving import resolve as resolve_conflict
from etcsync.reconcile.resolving import text_to_edit
from etcsync.reconcile.ways import Way, keep_clients, put, take_upstreams, unite
from etcsync.report.decisions import resolution_document


@click.command(
    epilog="Examples: etcsync resolve c1a2b3c4 --upstream --everywhere; "
    "etcsync resolve c1a2b3c4 --edit",
)
@click.argument("conflict_id", metavar="ID")
@click.option("--upstream", is_flag=True, help="Take upstream's version; approve it.")
@click.option("--client", is_flag=True, help="Keep the client's version.")
@click.option("--union", is_flag=True, help="Take the lines of both sides.")
@click.option("--file", type=click.File("rb"), help="Take the content of FILE; - is stdin.")
@click.option("--edit", is_flag=True, help="Bring both sides together in $EDITOR.")
@click.option("--everywhere", is_flag=True, help="Decide it on all clients that hold the same.")
@with_context
def resolve(
    context: Context,
    conflict_id: str,
    *,
    upstream: bool,
    client: bool,
    union: bool,
    file: BinaryIO | None,
    edit: bool,
    everywhere: bool,
) -> int:
    """Decide the conflict ID, as `etcsync conflicts` lists it.

    No new commit of upstream comes along. What the decision replaces stays in its history:
    `etcsync log` finds it and `etcsync restore` brings it back.
    """
    flags = {take_upstreams: upstream, keep_clients: client, unite: union}
    ways: list[Way] = [way for way, given in flags.items() if given]
    if len(ways) + (file is not None) + edit != 1:
        raise UsageError(
            "resolve takes one of --upstream, --client, --union, --file FILE and --edit",
            hint=f"`etcsync conflicts show {conflict_id}` shows the versions.",
        )
    if file is not None:
        ways = [put(file.read())]
    elif edit:
        ways = [put(_edited(context, conflict_id))]
    options = SyncOptions(wait=context.wait)
    done = resolve_conflict(
        context.settings, conflict_id, ways[0], everywhere=everywhere, options=options
    )
    if context.json:
        context.print_json(resolution_document(conflict_id, done))
        return done.exit_status
    for run in done.runs:
        held = done.still_held(run)
        why = f"still held: {held}" if held else None
        show_outcome(context.out, f"{run.name}  {safe(done.path)}", run.error, why, "resolved")
    return done.exit_status


def _edited(context: Context, conflict_id: str) -> bytes:
    """Let a person bring both sides' versions together, outside the tree."""
    text = click.edit(text_to_edit(context.settings, conflict_id))
    if not isinstance(text, bytes):
        raise UsageError("nothing was edited, so nothing was decided")
    if line := first_marker(text):
        raise UsageError(
            f"line {line} of the edited text still is a conflict marker, so nothing was decided",
            hint=f"Run `etcsync resolve {conflict_id} --edit` again and leave no marker.",
        )
    return text
