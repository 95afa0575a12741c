"""``etcsync notify``: who is told of incidents."""

import click
from rich.text import Text

from etcsync.cli.arguments import now
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.daemon.notifying_trial import tell_trial
from etcsync.report.documents import SCHEMA


@click.group()
def notify() -> None:
    """Try the ways in which people are told."""


@notify.command(epilog="Example: etcsync notify test")
@with_context
def test(context: Context) -> int:
    """Send a trial message by the command and to each URL of the settings.

    Exits 3 when one of them fails.
    """
    results = tell_trial(context.settings, now())
    if context.json:
        ways = [
            {"way": name, "failure": told.failure, "output": told.output}
            for name, told in results.items()
        ]
        context.print_json({"schema": SCHEMA, "ways": ways})
    else:
        for name, told in results.items():
            how = (safe(told.failure), "red") if told.failure else ("told", "green")
            context.out.print(Text.assemble(f"{name}: ", how), soft_wrap=True)
            for line in told.output.splitlines():
                context.out.print(f"  {safe(line)}", style="dim", soft_wrap=True)
    return 3 if any(told.failure for told in results.values()) else 0
