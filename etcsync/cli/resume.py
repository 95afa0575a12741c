"""``etcsync resume``: let suspended clients' trees be written to again."""

import click

from etcsync.cli.arguments import chosen_clients, now
from etcsync.cli.context import Context, with_context
from etcsync.reconcile.suspensions import resume as resume_clients
from etcsync.report.documents import suspension_document


@click.command(epilog="Example: etcsync resume client0")
@chosen_clients
@with_context
def resume(context: Context, clients: tuple[str, ...]) -> int:
    """End the suspension of the CLIENTs.

    Nothing is written to their trees yet: the next sync brings all that they missed.
    """
    ended = resume_clients(context.settings, clients, now=now(), wait=context.wait)
    if context.json:
        context.print_json(
            {
                "schema": 1,
                "clients": [
                    {"name": name, "before": suspension_document(before)}
                    for name, before in ended.items()
                ],
            }
        )
        return 0
    for name, before in ended.items():
        context.out.print(f"{name} resumed" if before else f"{name} was not suspended")
    if any(ended.values()):
        resumed = " ".join(name for name, before in ended.items() if before)
        context.out.print(f"→ etcsync sync {resumed}", style="dim", soft_wrap=True)
    return 0
