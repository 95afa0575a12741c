"""What of a client's drift goes upstream: a choice made path by path, with a reason for each no.

Pure: a plan in, a selection out. What is promoted at a path is what the plan makes of it, the
client's change merged with upstream's head; so what is held never goes upstream.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from etcsync.entries import METADATA_PATH, ROOT, Entry, Kind, Tree, ancestors
from etcsync.plan.keyed import ACCOUNT_FILES, lost_records
from etcsync.plan.model import Act, Hold, LeftOut, Plan, Sides
from etcsync.policy.treatment import Promote, Strategy, Treatment
from etcsync.report.secrets import looks_secret

MIRRORED = "policy copies it from the root"


@dataclass(frozen=True, slots=True)
class Selection:
    """What is promoted, and what is not.

    Attributes:
        entries: By path, what upstream gets; None: nothing, the path is deleted.
        left_out: What differs, or was named, and stays; in path order.
        conflicts: What was named and is held; then ``entries`` is empty.
        unknown: Names at and beneath which nothing differs.
    """

    entries: Mapping[str, Entry | None]
    left_out: tuple[LeftOut, ...]
    conflicts: tuple[Hold, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """A client's plan, and what it takes to judge it.

    Attributes:
        plan: The plan.
        sides: What it was made of.
        result: The tree once the plan is applied.
        treatment: The policy for a path.
        read: Gives a blob's content, merged ones included.
        records_directories: Whether upstream records directories that are empty.
        refusals: Reasons against single paths that the caller found.
    """

    plan: Plan
    sides: Sides
    result: Tree
    treatment: Callable[[str], Treatment]
    read: Callable[[str], bytes]
    records_directories: bool
    refusals: Mapping[str, str]


def select_promoted(planned: Planned, names: Sequence[str] = ()) -> Selection:
    """Choose what is promoted.

    Args:
        planned: The client's plan.
        names: Paths to promote, with what is beneath them, and what their groups bring along;
            none: all that may be.
    """
    differing = _differing(planned, names)
    wanted = _wanted(planned, differing, names)
    unknown = tuple(name for name in names if not any(_covers(name, path) for path in differing))
    conflicts = tuple(hold for hold in planned.plan.holds if wanted.get(hold.path))
    refused = {
        path: reason
        for path, named_so in wanted.items()
        if (reason := differing[path] or _against(planned, path, path in names, named_so))
    }
    chosen = {path: planned.result.get(path) for path in wanted if path not in refused}
    _bring_directories(planned, differing, chosen)
    refused = {path: reason for path, reason in refused.items() if path not in chosen}
    while found := dict(_misfits(planned, differing, chosen, refused)):
        refused.update(found)
        for path in found:
            del chosen[path]
    if conflicts or unknown:
        chosen = {}
    left_out = (LeftOut(p, refused[p], wanted.get(p, False)) for p in sorted(refused))
    return Selection(dict(sorted(chosen.items())), tuple(left_out), conflicts, unknown)


def _wanted(
    planned: Planned, differing: Mapping[str, str], names: Sequence[str]
) -> dict[str, bool]:
    """Return what is asked for, each with whether by name.

    To name a directory is to name all beneath it; to name one of a group is to name the group. The
    tree's own directory stands for everything, as no name does, but names nothing beneath it.
    """
    named = {path for path in differing if any(_covers(n, path) for n in names if n != ROOT)}
    named |= {ROOT} & {*names}
    groups = {_group(planned, path) for path in named} - {None}
    named |= {path for path in differing if _group(planned, path) in groups}
    everything = not names or ROOT in names
    return {path: path in named for path in differing if everything or path in named}


def _covers(name: str, path: str) -> bool:
    return name in {ROOT, path} or path.startswith(name + "/")


def _differing(planned: Planned, names: Sequence[str]) -> dict[str, str]:
    """Return all paths that differ, each with what speaks against it whoever names it, or "".

    What policy keeps out of sight counts only where it is named.
    """
    sides, plan = planned.sides, planned.plan
    reasons = {METADATA_PATH: "it is made from what else is promoted"}
    reasons |= dict.fromkeys(sides.unmanaged, "policy ignores it")
    reasons |= dict.fromkeys(sides.mirrored, MIRRORED)
    reasons = {path: reason for path, reason in reasons.items() if path in names}
    special = (path for path, entry in sides.unmanaged.items() if entry.kind is Kind.OTHER)
    reasons |= dict.fromkeys(special, "it cannot be recorded")
    reasons |= {
        path: "" if planned.result.get(path) != sides.theirs.get(path) else MIRRORED
        for path in (each.path for each in plan.drift)
    }
    for local in plan.local:
        expected = planned.treatment(local.path).expected
        reasons[local.path] = (
            "policy expects it to differ" if expected else "policy gives it to the client"
        )
    for action in plan.actions:
        if action.act is Act.HEAL:
            reasons[action.path] = "policy gives it to upstream: the next sync puts that back"
    reasons |= {hold.path: f"held: {hold.detail}" for hold in plan.holds}
    return reasons | dict(planned.refusals)


def _against(planned: Planned, path: str, itself_named: bool, named: bool) -> str:
    """Return why a drifted path is not promoted, or ""."""
    treatment = planned.treatment(path)
    ours = planned.sides.recorded(path)
    if ours is not None and ours.kind is Kind.OTHER:
        return "it cannot be recorded"
    if treatment.promote is Promote.NEVER:
        return "policy never promotes it"
    if treatment.promote is Promote.NAMED and not named:
        return "policy promotes it only when it is named"
    if not itself_named and (why := _secret(planned, path, treatment)):
        return f"{why}: it is promoted only when it is named itself"
    return ""


def _secret(planned: Planned, path: str, treatment: Treatment) -> str:
    if treatment.secret:
        return "policy says that it is secret"
    for entry in (planned.result.get(path), planned.sides.theirs.get(path)):
        if entry is not None and entry.kind is Kind.FILE and looks_secret(planned.read(entry.oid)):
            return "its content looks like a key or a password"
    return ""


def _bring_directories(
    planned: Planned, differing: Mapping[str, str], chosen: dict[str, Entry | None]
) -> None:
    """Add the directories that what is chosen needs and upstream lacks."""
    for path in [path for path, entry in chosen.items() if entry is not None]:
        for above in ancestors(path):
            if above in chosen or above in planned.sides.theirs:
                continue
            allowed = not differing.get(above, "-") and not _against(planned, above, False, True)
            if allowed and _is_directory(planned.result.get(above)):
                chosen[above] = planned.result[above]


def _misfits(
    planned: Planned,
    differing: Mapping[str, str],
    chosen: Mapping[str, Entry | None],
    refused: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Yield what cannot be promoted as long as something else is not, and why."""
    after = {path: entry for path, entry in planned.sides.theirs.items() if path not in chosen}
    after |= {path: entry for path, entry in chosen.items() if entry is not None}
    holders = {above: path for path in after for above in ancestors(path)}
    for path, entry in chosen.items():
        if entry is not None and (above := _missing_directory(after, path)):
            yield path, f"its directory {above} is not promoted"
        elif path in holders and not _is_directory(entry):
            yield path, f"{holders[path]} stays beneath it"
        elif (
            not planned.records_directories
            and _is_directory(entry)
            and path not in holders
            and not _is_directory(planned.sides.theirs.get(path))
        ):
            yield path, "git does not record an empty directory, and upstream has no .etckeeper"
        elif lost := _lost_account(planned, path):
            yield path, f"{lost} was deleted from it on the client: that is not promoted"
        elif absent := _absent_member(planned, differing, chosen, path):
            why = "left out" if absent in refused else "not named"
            yield path, f"it goes together with {absent}, which is {why}"


def _missing_directory(after: Tree, path: str) -> str | None:
    return next((above for above in ancestors(path) if not _is_directory(after.get(above))), None)


def _is_directory(entry: Entry | None) -> bool:
    return entry is not None and entry.kind is Kind.DIRECTORY


def _lost_account(planned: Planned, path: str) -> str | None:
    """Return an account of upstream's that an account file lacks after the plan."""
    theirs, result = planned.sides.theirs.get(path), planned.result.get(path)
    if planned.treatment(path).strategy is not Strategy.KEYED:
        return None
    contents = (
        planned.read(entry.oid) if entry is not None and entry.kind is Kind.FILE else None
        for entry in (theirs, result)
    )
    return next(iter(lost_records(path, *contents)), None)


def _absent_member(
    planned: Planned,
    differing: Mapping[str, str],
    chosen: Mapping[str, Entry | None],
    path: str,
) -> str | None:
    """Return a path that differs too, must come together with this one, and does not."""
    group = _group(planned, path)
    if group is None:
        return None
    others = (other for other in sorted(differing) if other not in chosen)
    return next((other for other in others if _group(planned, other) == group), None)


def _group(planned: Planned, path: str) -> str | None:
    """Return what a path must come together with; account files that merge do so in any case."""
    treatment = planned.treatment(path)
    if path in ACCOUNT_FILES and treatment.strategy is Strategy.KEYED:
        return treatment.group or "the account files"
    return treatment.group
