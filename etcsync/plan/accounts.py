"""The account files among a client's paths: decided together, because they merge together.

Where the client changed none of them, or upstream none, there is nothing to merge, and each is
decided by itself like any other path.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from etcsync.entries import Entry, Kind
from etcsync.plan.decision import Decision, decide, sentences, take_content
from etcsync.plan.keyed import ACCOUNT_FILES, AccountsConflict
from etcsync.plan.merger import Merger, Oids
from etcsync.plan.model import HoldReason, Sides
from etcsync.policy.treatment import Strategy, Treatment


def accounts_to_merge(
    candidates: AbstractSet[str], sides: Sides, treatment: Callable[[str], Treatment]
) -> dict[str, Decision]:
    """Return the changed account files of strategy keyed, undecided, if they are to be merged.

    They are when upstream changed one of them and the client has, in one of them, content that is
    neither upstream's nor the base's. A run that was killed half-way leaves only contents that are,
    on a client without accounts of its own; that is no reason to look for conflicts.
    """
    members = {
        path: Decision(path, how, base, ours, theirs, None, ours)
        for path in ACCOUNT_FILES
        if path in candidates and (how := treatment(path)).strategy is Strategy.KEYED
        for base, ours, theirs in [
            (sides.base.get(path), sides.recorded(path), sides.theirs.get(path))
        ]
    }
    changed = [tuple(map(_content, (m.base, m.ours, m.theirs))) for m in members.values()]
    ours_changed = any(ours not in (base, theirs) for base, ours, theirs in changed)
    theirs_changed = any(theirs != base for base, _, theirs in changed)
    return members if ours_changed and theirs_changed else {}


def decide_accounts(
    members: Mapping[str, Decision], others: Mapping[str, Decision], sides: Sides, merger: Merger
) -> dict[str, Decision]:
    """Decide what becomes of account files that both sides changed: all are merged, or none.

    Args:
        members: The files, undecided, as `accounts_to_merge` gave them.
        others: The decisions on all other paths. An account file that policy treats in another way
            is among them; it counts as it will be, and stays as it is.
        sides: The sides of the client.
        merger: Merges contents.
    """
    if not members:
        return {}
    odd = {path: decide(m, merger) for path, m in members.items() if not _is_plain(m)}
    if odd:
        why = f"{next(iter(odd))} is not a file on every side, so that accounts cannot be merged."
        return {
            **_held(members, why),
            **{p: d if d.hold else _hold(d, why) for p, d in odd.items()},
        }
    files = {
        path: _oids(members[path])
        if path in members
        else Oids(*[_oid(others[path].after if path in others else sides.ours.get(path))] * 3)
        for path in ACCOUNT_FILES
    }
    merged = merger.merge_accounts(files)
    if isinstance(merged, AccountsConflict):
        return _held(members, sentences(merged.conflicts))
    return _all_or_none({path: _decide(m, merged[path], merger) for path, m in members.items()})


def _held(members: Mapping[str, Decision], detail: str) -> dict[str, Decision]:
    """Hold all that upstream changed, even what the client changed alike.

    As long as one file waits, the bases of all must tell what accounts there were.
    """
    return {path: _hold(member, detail) for path, member in members.items()}


def _hold(member: Decision, detail: str) -> Decision:
    return member.block(HoldReason.ACCOUNT, detail)


def _decide(undecided: Decision, oid: str | None, merger: Merger) -> Decision:
    """Decide on one file, given its merged content."""
    _, _, base, ours, theirs, *_ = undecided
    if oid is None or ours is None or theirs is None or base in (ours, theirs):
        return decide(undecided, merger)
    return take_content(undecided, ours, theirs, oid)


def _all_or_none(decisions: dict[str, Decision]) -> dict[str, Decision]:
    culprit = next((path for path, d in decisions.items() if d.hold), None)
    why = f"{culprit}, another account file, is held."
    return {
        path: d if culprit is None or d.hold else d.block(HoldReason.GROUP, why)
        for path, d in decisions.items()
    }


def _is_plain(member: Decision) -> bool:
    return all(e is None or e.kind is Kind.FILE for e in (member.base, member.ours, member.theirs))


def _oids(member: Decision) -> Oids:
    return Oids(_oid(member.base), _oid(member.ours), _oid(member.theirs))


def _oid(entry: Entry | None) -> str | None:
    return entry.oid if entry is not None and entry.kind is Kind.FILE else None


def _content(entry: Entry | None) -> tuple[Kind, str] | None:
    return None if entry is None else (entry.kind, entry.oid)
