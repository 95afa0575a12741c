"""``etcsync client import``: clients from the files of other programs."""

import click
from rich.console import Console
from rich.text import Text

from etcsync.cli.context import Context, with_context
from etcsync.cli.progress import progress
from etcsync.cli.render import safe
from etcsync.host.inventory.finding import Sources
from etcsync.host.inventory.gathering import Act, Gathered
from etcsync.host.inventory.model import Format
from etcsync.reconcile.importing import Import
from etcsync.reconcile.importing import import_clients as import_from
from etcsync.report.inventory import import_document
from etcsync.words import counted

_WORDS = {Act.ADD: "added", Act.COMPLETE: "completed", Act.KNOWN: "known"}
_WOULD = {Act.ADD: "would add", Act.COMPLETE: "would complete", Act.KNOWN: "known"}


@click.command("import", epilog="Example: etcsync client import /etc/dnsmasq.conf --dry-run")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(dir_okay=False)
)
@click.option("--dry-run", is_flag=True, help="Show what would be added, and write nothing.")
@click.option(
    "--format",
    "format_",
    type=click.Choice([each.value for each in Format]),
    help="What the files are; by default each is what it looks like.",
)
@click.option("--match", default="", metavar="GLOB", help="Only clients with such names.")
@with_context
def import_clients(
    context: Context, files: tuple[str, ...], *, dry_run: bool, format_: str | None, match: str
) -> int:
    """Add the clients of FILEs, and set their trees up.

    A FILE is a dnsmasq.conf, an ISC dhcpd.conf, an ethers or a hosts file; files that it includes
    are read too. Clients that are known get the address and the MAC address that they lack. Exits
    1 when something was left out.
    """
    sources = Sources(files, Format(format_) if format_ else None, match)
    with progress(context) as advance:
        done = import_from(context.settings, sources, advance, dry_run=dry_run, wait=context.wait)
    if context.json:
        context.print_json(import_document(done))
    else:
        _show(context.out, done)
    return done.exit_status


def show_left_out(out: Console, gathered: Gathered) -> None:
    """Print what an import leaves out, and why."""
    if gathered.remarks:
        out.print("left out", style="bold")
    for remark in gathered.remarks:
        out.print(Text(f"  {safe(str(remark))}", style="yellow"), soft_wrap=True)
    if gathered.passed_over:
        machines = counted(gathered.passed_over, "other machine")
        out.print(f"passed over {machines}; --match GLOB says who is a client", style="dim")


def _show(out: Console, done: Import) -> None:
    words = _WOULD if done.dry_run else _WORDS
    for each in done.gathered.found:
        values = " ".join(filter(None, (each.client.address, each.client.mac)))
        setup = done.setups.get(each.client.name)
        line = Text.assemble(
            (f"{words[each.act]:<15}", "dim" if each.act is Act.KNOWN else "green"),
            f"{each.client.name}  {values}".rstrip(),
            f"  {setup.outcome}" if setup else "",
            (f"  ({safe(', '.join(map(str, each.places)))})", "dim"),
        )
        out.print(line, soft_wrap=True)
        if setup and setup.error_text:
            out.print(f"  {safe(setup.error_text)}", style="red", soft_wrap=True)
    show_left_out(out, done.gathered)
