"""What an administrator can do about the state that a report tells, as commands to paste."""

from collections.abc import Sequence
from dataclasses import dataclass

from etcsync.reconcile.cluster_report import ClusterReport, HeldGroup
from etcsync.report.commands import drift_commands
from etcsync.words import counted


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do.

    Attributes:
        what: A sentence without any text of a client's.
        commands: The commands that help, safe to show and to paste.
    """

    what: str
    commands: Sequence[str] = ()


def next_steps(report: ClusterReport) -> list[Step]:
    """Return what there is to do, the most urgent first."""
    status = report.status
    failed = sum(1 for client in status.clients if client.error)
    behind = sum(1 for client in status.clients if client.state == "behind")
    found = []
    if failed:
        what = f"{counted(failed, 'client')} could not be read: see the errors, then look again."
        found.append(Step(what, ["etcsync status"]))
    if report.held:
        what = f"{counted(len(report.held), 'conflict')} to decide, beginning with:"
        found.append(Step(what, [f"etcsync conflicts show {report.held[0].first.id}"]))
    if behind:
        what = f"{counted(behind, 'client')} behind upstream:"
        found.append(Step(what, ["etcsync plan", "etcsync sync"]))
    suspended = [client.name for client in status.clients if client.suspended]
    if suspended:
        number = counted(len(suspended), "client")
        what = f"{number} suspended. When the reason is gone, beginning with:"
        found.append(Step(what, [f"etcsync resume {suspended[0]}"]))
    if status.uncommitted:
        what = (
            f"{counted(len(status.uncommitted), 'path')} not committed upstream. Commit in the "
            "root: only what is committed reaches the clients."
        )
        found.append(Step(what))
    if status.leftovers:
        number = counted(len(status.leftovers), "file")
        what = f"{number} left by the package manager in upstream's /etc, to be merged by hand."
        found.append(Step(what))
    if report.drift:
        first = report.drift[0].group
        what = (
            f"{counted(len(report.drift), 'difference')} without explanation: promote each to "
            "everyone, accept it as the client's own, or discard it. Beginning with:"
        )
        found.append(Step(what, drift_commands(first.clients[0], first.path)))
    return found


def held_commands(group: HeldGroup) -> list[str]:
    """Return the commands that show and decide a conflict."""
    everywhere = " --everywhere" if len(group.holds) > 1 else ""
    conflict = group.first.id
    ways = ("--upstream", "--client", "--edit")
    return [
        f"etcsync conflicts show {conflict}",
        *(f"etcsync resolve {conflict} {way}{everywhere}" for way in ways),
    ]
