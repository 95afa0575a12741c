"""``etcsync report``: the cluster's state and conflicts as one document."""

import json
import os
import stat

import click

from etcsync.atomic_file import write_file
from etcsync.cli.arguments import some_clients
from etcsync.cli.context import Context, with_context
from etcsync.errors import UsageError
from etcsync.reconcile.cluster_report import ClusterReport, cluster_report
from etcsync.report.cluster_document import report_document
from etcsync.report.cluster_html import report_html
from etcsync.report.cluster_markdown import report_markdown


def _json(report: ClusterReport) -> str:
    return json.dumps(report_document(report), indent=2) + "\n"


FORMATS = {"md": report_markdown, "html": report_html, "json": _json}


@click.command(epilog="Example: etcsync report --format html --output cluster.html")
@some_clients
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(FORMATS)),
    help="The form of the document; by default md.",
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write it to FILE, mode 0600, at once; by default to stdout.",
)
@with_context
def report(
    context: Context, clients: tuple[str, ...], *, kind: str | None, output: str | None
) -> int:
    """Write the cluster's state, what is held and what drifted as one document.

    Reads the live trees and changes nothing. Secrets are never in it. Without CLIENT, tells of all.
    """
    if context.json and kind not in {None, "json"}:
        raise UsageError(f"--json and --format {kind} contradict each other")
    if output is not None:
        _refuse_special(output)
    found = cluster_report(context.settings, clients)
    text = FORMATS["json" if context.json else kind or "md"](found)
    if output is None:
        click.echo(text.encode(), nl=False)
    else:
        write_file(os.path.abspath(output), text.encode(), mode=0o600, inherit=False)
    return found.exit_status


def _refuse_special(path: str) -> None:
    """Refuse to put a file in the place of a device, a pipe or a link.

    Raises:
        UsageError: There is something that is no regular file.
    """
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        raise UsageError(
            f"{path} is not a regular file", hint="Leave --output out and redirect stdout to it."
        )
