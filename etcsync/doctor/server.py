"""What etcsync keeps on the server besides the trees: exports, the writable /boot, the hooks."""

import os
from collections.abc import Iterator

from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity
from etcsync.host.hooks.hook_file import State
from etcsync.host.hooks.plugging import look_at_hooks
from etcsync.reconcile.boot_status import boot_status
from etcsync.reconcile.exports_state import exports_state

STATES = {
    State.MISSING: "is missing",
    State.OUTDATED: "is not as this etcsync writes it",
    State.FOREIGN: "is not etcsync's",
}


def exports(facts: Facts) -> Iterator[Finding]:
    """What is exported is what the settings want, once etcsync has written exports."""
    settings = facts.settings
    if not os.path.lexists(settings.exports.file):
        return
    state = exports_state(settings)
    for difference in state.differences:
        yield Finding(
            Severity.WARNING,
            f"{difference.what}: clients get what the settings do not say, or do not get what they "
            "say",
            _step(difference.remedy),
            path=difference.path,
        )
    for line in state.others:
        yield Finding(
            Severity.WARNING,
            f"{line.place} exports {line.export.path} too: what holds for it depends on two files",
            f"Remove the line `{line.text}`, then `etcsync exports apply`.",
            path=line.file,
        )


def writable_boot(facts: Facts) -> Iterator[Finding]:
    """The one client that may write /boot has all that it needs, and no other has any of it."""
    status = boot_status(facts.settings)
    for piece in status.pieces:
        if piece.present:
            continue
        left_over = piece.name == "left-over"
        which = "" if left_over else f"its {piece.name} is not right: "
        what = f"{status.writer or 'nobody'} may write /boot, but {which}{piece.what}"
        yield Finding(
            Severity.SERIOUS if left_over else Severity.WARNING,
            what,
            _step(piece.remedy or "etcsync boot status"),
            client=None if left_over else status.writer,
        )


def hooks(facts: Facts) -> Iterator[Finding]:
    """The hooks are as this version writes them, where any are installed."""
    plugged = look_at_hooks(facts.settings)
    if not any(each.state in {State.INSTALLED, State.OUTDATED} for each in plugged):
        return
    for each in plugged:
        if each.error:
            raise each.error
        if each.state in STATES:
            yield Finding(
                Severity.WARNING,
                f"{each.path} {STATES[each.state]}: what it does for etcsync does not happen",
                "`etcsync hooks install`"
                if each.state is not State.FOREIGN
                else "Move it away, then `etcsync hooks install`.",
                path=each.path,
            )


def _step(remedy: str) -> str:
    """Return a remedy as the sentence or the command that it is."""
    return f"`{remedy}`" if remedy.startswith("etcsync ") else f"{remedy[0].upper()}{remedy[1:]}."
