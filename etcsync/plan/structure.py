"""Making the decisions of all paths fit together: into groups, and into a tree.

Decided one by one, a file may end up in a directory that goes, or in one that is held back. Every
step here only takes writes back, so that repeating them comes to an end.
"""

from collections.abc import Callable

from etcsync.entries import Entry, Kind, ancestors
from etcsync.plan.decision import Decision
from etcsync.plan.model import Act, HoldReason, Sides
from etcsync.policy.treatment import Treatment

Decisions = dict[str, Decision]

PLAIN_DIRECTORY = Entry(Kind.DIRECTORY, "", 0o755, 0, 0)
"""A directory that is needed, but that upstream does not describe."""


def settle(decisions: Decisions, sides: Sides, treatment: Callable[[str], Treatment]) -> Decisions:
    """Return decisions that respect groups and whose outcome is a tree.

    - Where one path of a group is held, no path of it takes upstream's change.
    - A directory is not deleted while something in it stays.
    - A directory in which something stays does not become something else.
    - Nothing is put beneath what is no directory, or is held back from becoming one.
    - Directories that are missing above something new are created.
    """
    while True:
        settled = decisions | _held_with_group(decisions)
        settled |= _spared_directories(settled, sides)
        settled |= _without_ground(settled, sides)
        if settled == decisions:
            return settled | _missing_directories(settled, sides, treatment)
        decisions = settled


def _held_with_group(decisions: Decisions) -> Decisions:
    culprits: dict[str, str] = {}
    for path, decision in decisions.items():
        group = decision.treatment.group
        if group is not None and decision.hold not in {None, HoldReason.GROUP}:
            culprits[group] = min(path, culprits.get(group, path))
    return {
        path: decision.block(
            HoldReason.GROUP, f"{culprits[decision.treatment.group]}, of the same group, is held."
        )
        for path, decision in decisions.items()
        if decision.act is not None
        and decision.upstream_changed
        and decision.treatment.group in culprits
    }


def _spared_directories(decisions: Decisions, sides: Sides) -> Decisions:
    doomed = {
        path: decision
        for path, decision in decisions.items()
        if decision.act is not None
        and _is_directory(decision.ours)
        and not _is_directory(decision.after)
    }
    if not doomed:
        return {}
    spared: Decisions = {}
    beneath = tuple(directory + "/" for directory in doomed)
    known = {*sides.ours, *sides.mirrored, *sides.unmanaged, *sides.hidden, *decisions}
    for path in known:
        if not path.startswith(beneath) or _after(path, decisions, sides) is None:
            continue
        for directory in ancestors(path):
            if directory not in doomed:
                continue
            if doomed[directory].after is None:
                spared[directory] = doomed[directory].keep()
            else:
                spared[directory] = doomed[directory].block(
                    HoldReason.TYPE,
                    "Upstream has no directory here, but something in the client's stays.",
                )
    return spared


def _without_ground(decisions: Decisions, sides: Sides) -> Decisions:
    return {
        path: decision.block(
            HoldReason.TYPE, "The client has no directory here that could take it in."
        )
        for path, decision in decisions.items()
        if decision.act is not None
        and decision.after is not None
        and not _has_ground(path, decisions, sides)
    }


def _has_ground(path: str, decisions: Decisions, sides: Sides) -> bool:
    """Return whether ``path`` will lie in a directory, or in one that can be created."""
    for directory in ancestors(path):
        entry = _after(directory, decisions, sides)
        if entry is not None:
            return entry.kind is Kind.DIRECTORY
        is_held = directory in decisions and decisions[directory].hold is not None
        if is_held or (directory in sides.theirs and not _is_directory(sides.theirs[directory])):
            return False
    return True


def _missing_directories(
    decisions: Decisions, sides: Sides, treatment: Callable[[str], Treatment]
) -> Decisions:
    missing = {
        directory
        for path, decision in decisions.items()
        if decision.act is not None and decision.after is not None
        for directory in ancestors(path)
        if _after(directory, decisions, sides) is None
    }
    created: Decisions = {}
    for directory in missing:
        base, theirs = sides.base.get(directory), sides.theirs.get(directory)
        entry = theirs or sides.mirror.get(directory) or PLAIN_DIRECTORY
        undecided = Decision(directory, treatment(directory), base, None, theirs, None, None)
        created[directory] = undecided.put(Act.WRITE, entry, "needed for what it will hold")
    return created


def _after(path: str, decisions: Decisions, sides: Sides) -> Entry | None:
    return decisions[path].after if path in decisions else sides.present(path)


def _is_directory(entry: Entry | None) -> bool:
    return entry is not None and entry.kind is Kind.DIRECTORY
