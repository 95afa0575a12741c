"""``etcsync promote``: a client's drift becomes everybody's."""

import click
from rich.text import Text

from etcsync.cli.arguments import one_client
from etcsync.cli.context import Context, with_context
from etcsync.cli.diff import print_differences
from etcsync.cli.render import safe
from etcsync.reconcile.options import PromoteOptions, no_advance
from etcsync.reconcile.promote import promote as promote_drift
from etcsync.reconcile.promotion_result import Promotion
from etcsync.report.conflict import conflict_text
from etcsync.report.decisions import promotion_document
from etcsync.words import counted


@click.command(epilog="Example: etcsync promote client0 chrony.conf -m 'Use our own time server'")
@one_client
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--message", "-m", default="", metavar="MSG", help="The commit's message.")
@click.option("--dry-run", is_flag=True, help="Show the diff, and write nothing.")
@with_context
def promote(
    context: Context, client: str, paths: tuple[str, ...], *, message: str, dry_run: bool
) -> int:
    """Commit upstream what CLIENT changed, so that every client gets it.

    Without PATH, all drift that may be promoted; what is left out is listed with the reason. A
    PATH may be a directory. It is done entirely or not at all. Exits 1 when something that was
    named was left out.
    """
    options = PromoteOptions(message, dry_run=dry_run, wait=context.wait)
    promotion = promote_drift(context.settings, client, paths, options, no_advance)
    if context.json:
        context.print_json(promotion_document(promotion))
    else:
        _show(context, promotion, dry_run=dry_run)
    return promotion.exit_status


def _show(context: Context, promotion: Promotion, *, dry_run: bool) -> None:
    out = context.out
    paths = counted(len(promotion.promoted), "path")
    if not promotion.promoted:
        out.print(f"nothing to promote of {promotion.client}")
    elif dry_run:
        out.print(f"would promote {paths} of {promotion.client}", style="cyan")
    else:
        commit = promotion.commit or ""
        out.print(f"promoted {paths} of {promotion.client} as {commit[:12]}", style="cyan")
    for path, change in promotion.promoted.items():
        out.print(Text.assemble((f"  {change.value:<11}", "green"), safe(path)), soft_wrap=True)
    print_differences(context, promotion.differences)
    if promotion.left_out:
        out.print("left out", style="bold")
    for each in promotion.left_out:
        line = Text.assemble(f"  {safe(each.path)}", (f"  ({safe(each.reason)})", "dim"))
        out.print(line, soft_wrap=True)
    for conflict in promotion.conflicts:
        out.print(conflict_text(conflict), soft_wrap=True, style="red")
    for meeting in promotion.meetings:
        met = ", ".join(map(safe, meeting.paths))
        out.print(f"meets an edit of {meeting.client}: {met}", style="yellow", soft_wrap=True)
    _show_run(context, promotion, dry_run=dry_run)


def _show_run(context: Context, promotion: Promotion, *, dry_run: bool) -> None:
    run = promotion.run
    if run is not None and run.error is not None:
        context.out.print(f"{run.name}: {safe(run.error.message)}", style="red", soft_wrap=True)
    if promotion.promoted and not dry_run:
        context.out.print("→ etcsync sync brings it to the other clients", style="dim")
