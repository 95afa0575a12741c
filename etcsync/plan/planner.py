"""From (base, ours, theirs, policy) to a plan: what is done, held, drift and local.

A pure function, called for every client in every run. Most paths are the same on all sides, so it
looks only at those that are not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from etcsync.entries import METADATA_PATH, ROOT, Kind
from etcsync.plan.accounts import accounts_to_merge, decide_accounts
from etcsync.plan.decision import (
    UNRECORDED_DETAIL,
    Decision,
    decide,
    decide_choice,
    decide_creation,
    decide_mirror,
)
from etcsync.plan.merger import Merger
from etcsync.plan.model import (
    Act,
    Action,
    Difference,
    Hold,
    HoldReason,
    Plan,
    Refusal,
    Sides,
    changed_paths,
    difference,
    directories_to_retain,
    id_on,
)
from etcsync.plan.structure import Decisions, settle
from etcsync.policy.treatment import Strategy, Treatment

IN_THE_WAY = "Something beneath it stays, or what is above it is no directory."


def plan(
    sides: Sides,
    treatment: Callable[[str], Treatment],
    merger: Merger,
    *,
    client: str,
    conflict_key: bytes,
    recorded_holds: Mapping[str, str] = {},
    upstream_changes: AbstractSet[str] | None = None,
    refused: Mapping[tuple[str, str], Refusal] = {},
) -> Plan:
    """Plan the reconciliation of one client.

    Args:
        sides: The client's tree, its base, and upstream.
        treatment: What policy says about a path, for this client.
        merger: Merges contents; shared by all clients.
        client: The client's name; part of the ids of conflicts.
        conflict_key: Makes ids that tell nothing of contents; see `conflict_id`.
        recorded_holds: What is held already: conflict ids by path. The same conflict is no new
            action.
        upstream_changes: The paths where base and theirs differ, if the caller knows them already,
            as it does for all clients that share a base.
        refused: Contents that are not to be put in place because no validator accepted them, by
            path and blob id.
    """
    if upstream_changes is None:
        upstream_changes = changed_paths(sides.base, sides.theirs)
    candidates = changed_paths(sides.base, sides.ours) | upstream_changes
    candidates.update(sides.mirror, sides.seeds, sides.choices)
    decisions = _decide_all(candidates, sides, treatment, merger)
    decisions = settle(_without_refused(decisions, refused), sides, treatment)
    in_order = [decisions[path] for path in sorted(decisions)]
    holds = tuple(_hold(conflict_key, client, d, d.hold) for d in in_order if d.hold is not None)
    actions = {
        **{path: _release(path, sides, treatment) for path in recorded_holds},
        **{d.path: _action(d, d.act) for d in in_order if d.act is not None},
        **{hold.path: _hold_action(hold) for hold in holds},
    }
    for hold in holds:
        if recorded_holds.get(hold.path) == hold.id:
            del actions[hold.path]
    return Plan(
        actions=tuple(actions[path] for path in sorted(actions)),
        holds=holds,
        drift=_differences(in_order, local=False),
        local=_differences(in_order, local=True),
        retained=directories_to_retain(sides.base, sides.theirs, holds),
        unmet=tuple(_unmet(sides, decisions, refused)),
    )


def _decide_all(
    candidates: AbstractSet[str],
    sides: Sides,
    treatment: Callable[[str], Treatment],
    merger: Merger,
) -> Decisions:
    accounts = accounts_to_merge(candidates - sides.choices.keys(), sides, treatment)
    alone = (path for path in candidates if path not in accounts)
    decided = (_decide(path, sides, treatment(path), merger) for path in alone)
    decisions = {decision.path: decision for decision in decided if decision is not None}
    return decisions | decide_accounts(accounts, decisions, sides, merger)


def _decide(path: str, sides: Sides, treatment: Treatment, merger: Merger) -> Decision | None:
    """Decide what becomes of one path; None where planning has no say."""
    if treatment.strategy is Strategy.IGNORE or path == METADATA_PATH:
        return None
    base, ours, theirs = sides.base.get(path), sides.recorded(path), sides.theirs.get(path)
    undecided = Decision(path, treatment, base, ours, theirs, None, ours)
    choice = sides.choices.get(path)
    if choice and (ours is None or ours.kind is not Kind.OTHER or choice.entry == ours):
        return decide_choice(undecided, choice)
    is_mirrored = treatment.strategy is Strategy.MIRROR and theirs is None
    if is_mirrored and path in sides.mirror:
        entry = sides.mirror[path]
        return decide_mirror(undecided._replace(base=entry, theirs=entry))
    is_unknown = base is None and theirs is None
    if is_unknown and (is_mirrored or (ours is not None and ours.kind is Kind.OTHER)):
        return None
    return _decide_by_policy(undecided, sides, merger)


def _decide_by_policy(undecided: Decision, sides: Sides, merger: Merger) -> Decision | None:
    if undecided.path == ROOT:
        return _decide_root(undecided, sides.creating, merger)
    if sides.creating and undecided.ours is None:
        return decide_creation(undecided, sides.seeds.get(undecided.path))
    decision = decide(undecided, merger)
    if decision.act is Act.HEAL and decision.path in sides.contested:
        return decision.contest(sides.contested[decision.path])
    return decision


def _decide_root(undecided: Decision, creating: bool, merger: Merger) -> Decision | None:
    """Decide what becomes of the tree's own directory, which is never deleted."""
    if undecided.theirs is None:
        return None
    if creating or undecided.ours is None:
        # Its mode so far is not a client's choice.
        undecided = undecided._replace(base=undecided.ours)
    return decide(undecided, merger)


def _without_refused(decisions: Decisions, refused: Mapping[tuple[str, str], Refusal]) -> Decisions:
    blocked = {
        path: decision.block(*refused[path, decision.after.oid])
        for path, decision in decisions.items()
        if decision.act is not None
        and decision.after is not None
        and (path, decision.after.oid) in refused
        and (decision.ours is None or not decision.after.same_content(decision.ours))
    }
    return decisions | blocked


def _action(decision: Decision, act: Act) -> Action:
    return Action(
        decision.path,
        act,
        decision.treatment.strategy,
        decision.reason,
        decision.ours,
        decision.after,
        decision.needs_voucher,
    )


def _hold_action(hold: Hold) -> Action:
    return Action(hold.path, Act.HOLD, hold.strategy, hold.detail, hold.ours, hold.ours)


def _release(path: str, sides: Sides, treatment: Callable[[str], Treatment]) -> Action:
    ours = sides.recorded(path)
    return Action(path, Act.RELEASE, treatment(path).strategy, "no longer held", ours, ours)


def _hold(key: bytes, client: str, decision: Decision, reason: HoldReason) -> Hold:
    path, treatment, base, ours, theirs, *_ = decision
    hold = Hold("", path, reason, decision.reason, base, ours, theirs, treatment.strategy)
    return replace(hold, id=id_on(key, client, hold))


def _unmet(
    sides: Sides, decisions: Decisions, refused: Mapping[tuple[str, str], Refusal]
) -> Iterator[tuple[str, str]]:
    """Yield the choices that other paths, or a validator, stand in the way of, with the reason."""
    for path, (entry, _) in sorted(sides.choices.items()):
        decision = decisions.get(path)
        if decision is not None and decision.after == entry:
            continue
        reason = IN_THE_WAY if decision else UNRECORDED_DETAIL
        if decision is not None and decision.hold is not None:
            reason = decision.reason
        elif entry is not None and (path, entry.oid) in refused:
            reason = refused[path, entry.oid].detail
        yield path, reason


def _differences(decisions: Iterable[Decision], *, local: bool) -> tuple[Difference, ...]:
    """Return what will differ from upstream without being held: the client's own, or drift."""
    return tuple(
        Difference(decision.path, change, decision.treatment.strategy, decision.after)
        for decision in decisions
        if decision.hold is None
        and (change := difference(decision.after, decision.theirs)) is not None
        and local is (decision.treatment.expected or decision.treatment.strategy is Strategy.CLIENT)
    )
