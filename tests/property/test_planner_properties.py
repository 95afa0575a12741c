"""What holds for every plan, whatever the trees, contents and policies."""

import random
from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import assume, given, settings
from plan_situations import ALL_PATHS, FILES, LINKS, PATHS, situations, strategy_of
from plan_support import (
    FIFO,
    applied,
    hold_ids,
    is_tree,
    new_merger,
    planned,
)

from etcsync.entries import ROOT, Entry, ancestors
from etcsync.plan.keyed import ACCOUNT_FILES
from etcsync.plan.model import Act, Choice, Plan, Sides, result_tree
from etcsync.plan.restriction import restricted
from etcsync.plan.structure import PLAIN_DIRECTORY
from etcsync.policy.treatment import Strategy


def present_afterwards(sides: Sides, result: Plan) -> dict[str, Entry]:
    after = applied(sides, result)
    return dict.fromkeys(sides.hidden, FIFO) | {
        **sides.unmanaged,
        **after.mirrored,
        **after.ours,
    }


@settings(max_examples=400, deadline=None)
@given(situations())
def test_the_result_is_a_tree(situation):
    sides, rules = situation
    result = planned(sides, rules)
    assert is_tree(present_afterwards(sides, result))
    assert is_tree(applied(sides, result).base)


@settings(max_examples=400, deadline=None)
@given(situations())
def test_planning_the_result_again_finds_nothing_to_do(situation):
    sides, rules = situation
    first = planned(sides, rules)
    second = planned(applied(sides, first), rules, hold_ids(first))
    assert second.actions == ()
    assert hold_ids(second) == hold_ids(first)
    assert (second.drift, second.local) == (first.drift, first.local)


@settings(max_examples=400, deadline=None)
@given(situations(), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_its_inputs(situation, order: random.Random):
    sides, rules = situation

    def shuffled(entries):
        items = list(entries.items())
        order.shuffle(items)
        return dict(items)

    names = ("base", "ours", "theirs", "unmanaged", "seeds", "mirror", "mirrored")
    mixed = replace(sides, **{name: shuffled(getattr(sides, name)) for name in names})
    assert planned(mixed, rules) == planned(sides, rules)


@settings(max_examples=400, deadline=None)
@given(situations())
def test_no_change_vanishes_unless_policy_says_so(situation):
    sides, rules = situation
    merger = new_merger()
    result = planned(sides, rules)
    after = applied(sides, result).ours
    acts = {action.path: action.act for action in result.writes}
    held = hold_ids(result)
    for path in PATHS:
        base, ours, theirs = (side.get(path) for side in (sides.base, sides.ours, sides.theirs))
        final = after.get(path)
        if path in held or path not in acts:
            assert final == ours
        strategy = strategy_of(path, rules)
        if path in held or base == theirs or strategy in {Strategy.CLIENT, Strategy.IGNORE}:
            continue
        if final == theirs or acts.get(path) is Act.MIRROR:
            continue
        if strategy is Strategy.MIRROR and theirs is None and path in sides.mirror:
            continue
        if theirs is None:
            assert any(p.startswith(path + "/") for p in present_afterwards(sides, result))
            continue
        assert final is not None
        assert final.kind is theirs.kind
        if not final.same_content(theirs) and (base is None or not theirs.same_content(base)):
            merged = merger.merge(strategy, base and base.oid, ours.oid, theirs.oid)
            assert final.oid == merged.oid


@settings(max_examples=400, deadline=None)
@given(situations(), st.sets(st.sampled_from([ROOT, *PATHS])))
def test_a_run_that_was_interrupted_is_finished_or_held(situation, done):
    sides, rules = situation
    first = planned(sides, rules)
    part = replace(first, actions=tuple(a for a in first.actions if a.path in done))
    ours = result_tree(sides.ours, part)
    interrupted = replace(sides, ours=ours, mirrored=applied(sides, part).mirrored)
    assume(is_tree(present_afterwards(sides, part)))
    second = planned(interrupted, rules)
    final, held = applied(interrupted, second).ours, hold_ids(second)
    for path in ALL_PATHS:
        if path in held:
            assert final.get(path) == ours.get(path)
        else:
            assert final.get(path) == applied(sides, first).ours.get(path)


@settings(max_examples=400, deadline=None)
@given(situations())
def test_nobody_may_do_what_neither_side_allows(situation):
    sides, rules = situation
    for action in planned(sides, rules).writes:
        if action.after is None or action.after == PLAIN_DIRECTORY:
            continue
        granted = 0
        for side in (sides.ours, sides.theirs, sides.mirror, sides.seeds):
            granted |= side[action.path].mode if action.path in side else 0
        assert not action.after.mode & 0o7077 & ~granted


@settings(max_examples=200, deadline=None)
@given(situations(accounts_in=1))
def test_account_files_move_together_or_not_at_all(situation):
    sides, rules = situation
    result = planned(sides, rules)
    both_changed = any(
        sides.recorded(path) not in (sides.base.get(path), sides.theirs.get(path))
        for path in ACCOUNT_FILES
    ) and any(sides.base.get(path) != sides.theirs.get(path) for path in ACCOUNT_FILES)
    held = {hold.path for hold in result.holds} & set(ACCOUNT_FILES)
    written = {action.path for action in result.writes} & set(ACCOUNT_FILES)
    if both_changed and held:
        assert not written


@settings(max_examples=400, deadline=None)
@given(situations(), st.data())
def test_a_choice_is_carried_out_or_said_not_to_be_and_lasts(situation, data: st.DataObject):
    sides, rules = situation
    assume(not sides.creating)  # nobody has yet decided anything about a tree that is not there
    entries = [*FILES[:3], FILES[5], LINKS[0], None]
    choices = {
        path: Choice(data.draw(st.sampled_from(entries)), "chosen")
        for path in data.draw(st.sets(st.sampled_from(["a", "b", "d/x", "d/e/z"]), min_size=1))
    }
    chosen = replace(sides, choices=choices)
    first = planned(chosen, rules)
    after = applied(chosen, first)
    unmet = dict(first.unmet)
    assert is_tree(present_afterwards(chosen, first))
    for path, (entry, _) in choices.items():
        if path not in unmet and strategy_of(path, rules) is not Strategy.MIRROR:
            assert after.ours.get(path) == entry
            assert path not in hold_ids(first)
    second = planned(after, rules, hold_ids(first))
    # Beneath what is held nothing is settled: it has no base until that is decided.
    held = hold_ids(first)
    open_still = {path for path in choices if not held.keys().isdisjoint(ancestors(path))}
    undone = {action.path for action in second.actions} & choices.keys()
    assert {strategy_of(path, rules) for path in undone - unmet.keys() - open_still} <= {
        Strategy.UPSTREAM, Strategy.MIRROR,
    }  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(situations(), st.sets(st.sampled_from([ROOT, *PATHS])))
def test_a_restricted_plan_writes_at_the_chosen_paths_and_leaves_a_tree(situation, chosen):
    sides, rules = situation
    part = restricted(planned(sides, rules), chosen)
    assert is_tree(present_afterwards(sides, part))
    above = {a for path in chosen for a in ancestors(path)}
    assert {action.path for action in part.actions} <= chosen | above
    assert part.holds == ()
