"""``etcsync suspend``: leave some clients' trees alone for a while."""

import click

from etcsync.cli.arguments import Duration, chosen_clients, now
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.reconcile.administrator import user_name
from etcsync.reconcile.suspensions import Suspended
from etcsync.reconcile.suspensions import suspend as suspend_clients
from etcsync.report.documents import suspension_document
from etcsync.report.words import suspension_text


@click.command(epilog="Example: etcsync suspend client0 --for 2h --reason 'new mail server'")
@chosen_clients
@click.option("--reason", default="", help="Why; shown wherever the client is.")
@click.option("--for", "seconds", type=Duration(), help="How long, such as 90m, 2h, 1d.")
@with_context
def suspend(context: Context, clients: tuple[str, ...], reason: str, seconds: float | None) -> int:
    """Write nothing to the trees of the CLIENTs until they are resumed.

    What they change is still recorded and shown. When the command returns, no run is writing into
    their trees. A client that is suspended already stays so for the new reason and time.
    """
    done = suspend_clients(
        context.settings,
        clients,
        reason=reason,
        seconds=seconds,
        by=user_name(),
        now=now(),
        wait=context.wait,
    )
    if context.json:
        context.print_json(
            {"schema": 1, "clients": [_document(name, each) for name, each in done.items()]}
        )
        return 0
    for name, each in done.items():
        what = "suspended" if each.before is None else "was suspended already; now"
        context.out.print(f"{name} {what} {suspension_text(each.suspension)}", soft_wrap=True)
        if each.before is not None:
            context.out.print(f"  before: {suspension_text(each.before)}", style="dim")
    context.out.print(f"→ etcsync resume {safe(' '.join(done))}", style="dim", soft_wrap=True)
    return 0


def _document(name: str, done: Suspended) -> dict[str, object]:
    return {
        "name": name,
        "suspended": suspension_document(done.suspension),
        "before": suspension_document(done.before),
    }
