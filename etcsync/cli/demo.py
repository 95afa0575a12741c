"""``etcsync demo``: see it work in a minute, without root and without NFS."""

import os
import shutil
import tempfile

import click

from etcsync.cli.context import Context, with_context
from etcsync.demo.story import tell


@click.command(epilog="Example: etcsync demo --keep /tmp/etcsync-demo")
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Build in DIR, which must not exist, and leave the cluster there to play with.",
)
@with_context
def demo(context: Context, keep: str | None) -> int:
    """Build a small cluster in a temporary directory and walk through a day of it.

    Shows propagation, kept drift, a healed file, a conflict with its report and its release, a
    promotion, and how a version comes back. Needs neither root nor NFS and touches nothing outside
    its directory.
    """
    if keep is not None:
        os.mkdir(keep, 0o700)
    place = os.path.realpath(keep or tempfile.mkdtemp(prefix="etcsync-demo-"))
    settings = os.path.join(place, "etcsync.toml")
    root = click.get_current_context().find_root().command

    def etcsync(arguments: list[str]) -> int:
        inner = Context(config=settings, verbosity=context.verbosity, no_color=context.no_color)
        status = root.main(arguments, prog_name="etcsync", standalone_mode=False, obj=inner)
        return status if isinstance(status, int) else 0

    def say(line: str) -> None:
        style = "bold" if line[:1].isdigit() else "cyan" if line.startswith("$") else None
        context.out.print(line, style=style, soft_wrap=True)

    try:
        tell(place, etcsync, say)
    finally:
        if keep is None:
            shutil.rmtree(place)
    if keep is not None:
        say(f"The cluster stays in {place}; try: etcsync --config {settings} status")
    return 0
