"""``etcsync exports``: what the server exports to the clients."""

import click
from rich.console import Console
from rich.text import Text

from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe, show_warnings
from etcsync.reconcile.exporting import apply_exports
from etcsync.reconcile.exports_state import Discrepancy, ExportsState, exports_state, wanted_exports
from etcsync.report.server_documents import exports_document, wanted_exports_document
from etcsync.words import counted


@click.group()
def exports() -> None:
    """Show, write and check what is exported to the clients."""


@exports.command(epilog="Example: etcsync exports show")
@with_context
def show(context: Context) -> int:
    """Print the exports file as the settings want it. Writes nothing.

    The root goes to the clients' network, each tree to its client, /boot to its writer.
    """
    wanted = wanted_exports(context.settings)
    if context.json:
        context.print_json(wanted_exports_document(context.settings, wanted))
        return 0
    click.echo(wanted.text, nl=False)
    show_warnings(context.err, wanted.warnings)
    return 0


@exports.command(epilog="Example: etcsync exports apply")
@with_context
def apply(context: Context) -> int:
    """Write the exports file and have it exported.

    Where exportfs refuses it, the former file comes back. From then on `etcsync sync` keeps the
    exports as the settings want them.
    """
    state = apply_exports(context.settings, wait=context.wait)
    if not context.json:
        count = counted(len(state.wanted.exports), "export")
        context.out.print(f"wrote {safe(context.settings.exports.file)}: {count}", soft_wrap=True)
    return _report(context, state)


@exports.command(epilog="Example: etcsync exports check")
@with_context
def check(context: Context) -> int:
    """Compare what is exported now with the settings; exit 1 where it differs. Writes nothing."""
    state = exports_state(context.settings)
    if not context.json and not state.differences:
        context.out.print("the exports are as the settings want them")
    return _report(context, state)


def _report(context: Context, state: ExportsState) -> int:
    if context.json:
        context.print_json(exports_document(context.settings, state))
    else:
        for difference in state.differences:
            _show(context.out, difference)
        if context.settings.exports.command and not state.exported_known:
            text = "it is not known what is exported: there is no /var/lib/nfs/etab"
            show_warnings(context.err, [text])
        show_warnings(context.err, state.warnings)
    return 1 if state.differences else 0


def _show(out: Console, difference: Discrepancy) -> None:
    out.print(Text.assemble(("differs  ", "yellow"), safe(difference.what)), soft_wrap=True)
    out.print(f"         → {safe(difference.remedy)}", style="dim", soft_wrap=True)
