"""``etcsync hooks``: what plugs etcsync into the root's package managers and into systemd."""

from collections.abc import Sequence

import click
from rich.text import Text

from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.host.hooks.hook_file import State
from etcsync.host.hooks.plugging import Plugged, install_hooks, look_at_hooks, remove_hooks
from etcsync.hub.upstream_commit import commit_command
from etcsync.report.documents import SCHEMA, error_document

STATE_STYLES = {
    State.INSTALLED: "green",
    State.OUTDATED: "yellow",
    State.MISSING: "yellow",
    State.FOREIGN: "red",
}

COMMIT_MESSAGE = "Announce package transactions to etcsync"
REMOVE_MESSAGE = "Announce package transactions no more"

NO_MANAGER = (
    "the root has no package manager that etcsync knows: the end of a transaction is not announced"
)

into = click.option(
    "--destdir",
    metavar="DIR",
    type=click.Path(file_okay=False, resolve_path=True),
    help="The server's files belong below DIR, not below /.",
)


@click.group()
def hooks() -> None:
    """Plug etcsync into the root's package managers and the server's systemd."""


@hooks.command(epilog="Example: etcsync hooks install")
@into
@with_context
def install(context: Context, destdir: str | None) -> int:
    """Install the package managers' hooks into the root and the service into the server.

    Nothing is started. A file that etcsync did not write is left alone, and the exit status is 3.
    """
    plugged = install_hooks(context.settings, destdir or "/")
    commit = _commit(context, plugged, COMMIT_MESSAGE)
    service = [] if destdir else ["systemctl daemon-reload", "systemctl enable --now etcsync"]
    _show(context, plugged, "installed", commit)
    if not context.json:
        if not any(each.name != "systemd" for each in plugged):
            context.out.print(NO_MANAGER, style="yellow")
        _say(context, "what is in upstream's /etc is to be committed", commit)
        _say(context, "then start the service", " && ".join(service))
    return 3 if any(each.error for each in plugged) else 0


@hooks.command(epilog="Example: etcsync hooks status")
@into
@with_context
def status(context: Context, destdir: str | None) -> int:
    """Show what is installed. Exits 1 when a file is missing, outdated or not etcsync's."""
    plugged = look_at_hooks(context.settings, destdir or "/")
    _show(context, plugged, None, None)
    if any(each.error for each in plugged):
        return 3
    complete = all(each.state is State.INSTALLED for each in plugged)
    if not complete and not context.json:
        context.out.print("→ etcsync hooks install", style="dim")
    return 0 if complete else 1


@hooks.command(epilog="Example: systemctl disable --now etcsync && etcsync hooks remove")
@into
@with_context
def remove(context: Context, destdir: str | None) -> int:
    """Take away what `install` wrote, and nothing else."""
    plugged = remove_hooks(context.settings, destdir or "/")
    commit = _commit(context, plugged, REMOVE_MESSAGE)
    _show(context, plugged, "removed", commit)
    if not context.json:
        _say(context, "what went from upstream's /etc is to be committed", commit)
    return 3 if any(each.error for each in plugged) else 0


def _show(
    context: Context, plugged: Sequence[Plugged], word: str | None, commit: str | None
) -> None:
    """Show each file; ``word`` says what was done with those that changed, None: only looked."""
    if context.json:
        files = [_document(each, word) for each in plugged]
        context.print_json({"schema": SCHEMA, "files": files, "commit": commit})
        return
    for each in plugged:
        if each.error:
            said, style = "failed", "red"
        elif word and each.changed:
            said, style = word, "green"
        else:
            said = each.state.value if each.state else "unknown"
            style = STATE_STYLES[each.state] if each.state and not word else "dim"
        context.out.print(Text.assemble((f"{said:<11}", style), safe(each.path)), soft_wrap=True)
        if each.error:
            hint = f" {safe(each.error.hint)}" if each.error.hint else ""
            line = f"           {safe(each.error.message)}.{hint}"
            context.out.print(line, soft_wrap=True)


def _say(context: Context, what: str, command: str | None) -> None:
    if command:
        context.out.print(Text.assemble(f"{what}:\n  ", (safe(command), "cyan")), soft_wrap=True)


def _commit(context: Context, plugged: Sequence[Plugged], message: str) -> str | None:
    """Return the command that commits what changed in upstream's /etc, if anything did."""
    if not any(each.changed and each.in_upstream for each in plugged):
        return None
    upstream = context.settings.upstream
    return commit_command(upstream.root, upstream.etc, message)


def _document(plugged: Plugged, word: str | None) -> dict[str, object]:
    document: dict[str, object] = {
        "hook": plugged.name,
        "path": plugged.path,
        "state": plugged.state.value if plugged.state else None,
        "error": error_document(plugged.error),
    }
    return document if word is None else {**document, "changed": plugged.changed}
