"""Restricting a plan to some paths: everywhere else the tree stays as it is."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from etcsync.entries import Entry, Kind, ancestors
from etcsync.plan.model import Act, Action, Change, Difference, Plan, difference


def restricted(plan: Plan, paths: AbstractSet[str]) -> Plan:
    """Return ``plan`` with its writes at ``paths`` alone; without any paths it only tells of drift.

    The outcome is a tree still: directories that something at ``paths`` needs are made as well, and
    a directory stays while anything in it does. Groups are not looked at: whoever chooses the paths
    answers for them.

    Nothing is held or released. What the client changed at other paths is drift, also where the
    plan would have undone the change or held upstream's.
    """
    wanted = {action.path: action for action in plan.writes if action.path in paths}
    needed = {
        directory
        for path, action in wanted.items()
        if action.after is not None
        for directory in ancestors(path)
    }
    kept = {
        action.path
        for action in plan.writes
        if action.path in wanted or (action.path in needed and not _is_directory(action.before))
    }
    left_out = {action.path for action in plan.writes} - kept
    actions = tuple(
        action
        for action in plan.writes
        if action.path in kept
        and not (_ends_a_directory(action) and _any_in(action.path, left_out))
    )
    drift = {each.path: each for each in (*plan.drift, *_unsettled(plan, kept))}
    return Plan(
        actions=actions,
        drift=tuple(drift[path] for path in sorted(drift)),
        local=plan.local,
        unmet=plan.unmet,
    )


def _ends_a_directory(action: Action) -> bool:
    return _is_directory(action.before) and not _is_directory(action.after)


def _is_directory(entry: Entry | None) -> bool:
    return entry is not None and entry.kind is Kind.DIRECTORY


def _any_in(directory: str, paths: AbstractSet[str]) -> bool:
    return any(path.startswith(directory + "/") for path in paths)


def _unsettled(plan: Plan, kept: AbstractSet[str]) -> Iterator[Difference]:
    """Yield the client's changes that the whole plan would have undone, or met with a hold."""
    for action in plan.actions:
        if action.act is Act.HEAL and action.path not in kept:
            change = difference(action.before, action.after) or Change.MODIFIED
            yield Difference(action.path, change, action.strategy)
    for hold in plan.holds:
        met = difference(hold.ours, hold.theirs)
        if met is not None and hold.ours != hold.base:
            yield Difference(hold.path, met, hold.strategy)
