"""``etcsync accept``: a client's drift is meant."""

import click

from etcsync.cli.arguments import one_client
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.reconcile.accepting import accept as accept_drift


@click.command(epilog="Example: etcsync accept client0 ssh/sshd_config -m 'its own port'")
@one_client
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--message", "-m", metavar="WHY", help="Why; `policy explain` shows it.")
@click.option("--label", metavar="L", help="Accept it for all clients with this label.")
@with_context
def accept(
    context: Context, client: str, paths: tuple[str, ...], message: str | None, label: str | None
) -> int:
    """Say that CLIENT's drift at PATH is meant: it is local from now on, no longer drift.

    A rule with `expected = true` is added to accepted.toml beside the settings. Upstream's later
    changes still merge in. All PATHs are accepted, or none.
    """
    accepted = accept_drift(
        context.settings, client, paths, reason=message, label=label, wait=context.wait
    )
    if context.json:
        context.print_json(
            {
                "schema": 1,
                "client": accepted.client,
                "accepted": list(accepted.paths),
                "clients": [accepted.rules_for],
                "reason": accepted.reason,
                "file": accepted.file,
            }
        )
        return 0
    for path in accepted.paths:
        context.out.print(f"accepted {safe(path)} on {accepted.rules_for}", soft_wrap=True)
    context.out.print(f"→ {safe(accepted.file)}", style="dim", soft_wrap=True)
    return 0
