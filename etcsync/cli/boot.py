"""``etcsync boot``: the one client that may write the shared /boot."""

import click
from rich.console import Console
from rich.text import Text

from etcsync.cli.arguments import one_client
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe, show_warnings
from etcsync.reconcile.boot import BootChange, grant_boot, revoke_boot
from etcsync.reconcile.boot_status import BootStatus, boot_status
from etcsync.reconcile.options import SyncOptions
from etcsync.report.server_documents import boot_change_document, boot_document


@click.group()
def boot() -> None:
    """Let one client write the shared /boot."""


@boot.command(epilog="Example: etcsync boot status")
@with_context
def status(context: Context) -> int:
    """Show each piece of a writable /boot, and what mends one that is missing. Writes nothing.

    Exits 1 where something is missing, or left over.
    """
    found = boot_status(context.settings)
    if context.json:
        context.print_json(boot_document(found))
    else:
        _show(context.out, found)
    return 0 if found.complete else 1


@boot.command(epilog="Example: etcsync boot grant client0")
@one_client
@with_context
def grant(context: Context, client: str) -> int:
    """Let CLIENT write /boot, and nobody else.

    The client that had it loses it first. Repeat it where it was interrupted: it goes on.
    """
    return _report(context, grant_boot(context.settings, client, SyncOptions(wait=context.wait)))


@boot.command(epilog="Example: etcsync boot revoke")
@with_context
def revoke(context: Context) -> int:
    """Let nobody write /boot, and undo what a grant has set up."""
    return _report(context, revoke_boot(context.settings, SyncOptions(wait=context.wait)))


def _report(context: Context, change: BootChange) -> int:
    if context.json:
        context.print_json(boot_change_document(change))
    else:
        for done in change.done:
            context.out.print(safe(done), soft_wrap=True)
        if not change.done:
            context.out.print("nothing to do")
        show_warnings(context.err, change.warnings)
        if not change.status.complete:
            _show(context.out, change.status)
    return 0 if change.status.complete and not change.warnings else 1


def _show(out: Console, found: BootStatus) -> None:
    who = found.writer or "nobody"
    out.print(Text.assemble((who, "bold"), " may write /boot"))
    for piece in found.pieces:
        mark = ("  ok       ", "green") if piece.present else ("  missing  ", "red")
        if piece.name == "left-over":
            out.print(Text.assemble(("  left over", "red"), f" {safe(piece.what)}"), soft_wrap=True)
        else:
            out.print(Text.assemble(mark, f"{piece.name:<14}{safe(piece.what)}"), soft_wrap=True)
        if piece.remedy:
            out.print(f"           → {safe(piece.remedy)}", style="dim", soft_wrap=True)
