"""``etcsync doctor``: checks of the machine and the cluster."""

from collections.abc import Iterable

import click
from rich.console import Console
from rich.text import Text

from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.doctor.checks import CHECKS
from etcsync.doctor.document import examination_document
from etcsync.doctor.examine import Examination, Result, examine
from etcsync.doctor.finding import Severity
from etcsync.doctor.versions import versions
from etcsync.report.escape import printable
from etcsync.words import counted

SEVERITY_STYLES = {
    Severity.SERIOUS: "bold red",
    Severity.WARNING: "yellow",
    Severity.NOTE: "blue",
}

INDENT = " " * 10
"""Before what belongs to a finding; as wide as the severity before it."""


@click.command(epilog="Example: etcsync doctor --json")
@with_context
def doctor(context: Context) -> int:
    """Check the machine and the cluster; each finding comes with its remedy.

    Reads and writes nothing of the cluster. Exits 1 if a finding is serious.
    """
    examination = examine(lambda: context.settings, CHECKS)
    if context.json:
        context.print_json(examination_document(examination))
    else:
        _show(context.out, examination)
    if not examination.settings_read:
        context.err.print("error:", style="bold red", end=" ")
        context.err.print("the settings cannot be read, so little could be checked")
    return examination.exit_status


def _show(out: Console, examination: Examination) -> None:
    for result in examination.results:
        if result.findings:
            _show_findings(out, result)
    _show_names(out, "in order", "green", (each for each in examination.results if each.ok))
    silent = (each for each in examination.results if not each.complete and not each.findings)
    _show_names(out, "not checked", "yellow", silent)
    _show_sum(out, examination)


def _show_findings(out: Console, result: Result) -> None:
    out.print(result.name, style="bold")
    for finding in result.findings:
        severity = (f"  {finding.severity.value:<8}", SEVERITY_STYLES[finding.severity])
        what = printable(finding.what, keep="\n").replace("\n", f"\n{INDENT}")
        client = f"{finding.client}: " if finding.client and finding.client not in what else ""
        out.print(Text.assemble(severity, client, what), soft_wrap=True)
        out.print(Text.assemble(INDENT, ("→ ", "cyan"), safe(finding.remedy)), soft_wrap=True)
    out.print()


def _show_names(out: Console, heading: str, style: str, results: Iterable[Result]) -> None:
    names = ", ".join(result.name for result in results)
    if names:
        out.print(Text.assemble((f"{heading}: ", style), names), soft_wrap=True)


def _show_sum(out: Console, examination: Examination) -> None:
    found = [finding.severity for _, finding in examination.findings]
    said = (
        counted(found.count(severity), noun)
        for severity, noun in (
            (Severity.SERIOUS, "serious finding"),
            (Severity.WARNING, "warning"),
            (Severity.NOTE, "note"),
        )
        if severity in found
    )
    out.print(", ".join(f"{name} {version}" for name, version in versions().items()))
    out.print(f"{counted(len(examination.results), 'check')}: {', '.join(said) or 'all is well'}")
