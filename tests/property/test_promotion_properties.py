"""What holds for every promotion, whatever the trees, contents and policies."""

from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import assume, given, settings
from plan_situations import ALL_PATHS, situations
from plan_support import BLOBS, DEFAULT, applied, is_tree, planned, policy

from etcsync.entries import ROOT, Entry, Kind
from etcsync.plan.model import Plan, Sides, result_tree
from etcsync.plan.promotion import Planned, Selection, select_promoted
from etcsync.policy.treatment import Promote, Strategy, Treatment

Rules = dict[str, Treatment]


@st.composite
def promotions(draw: st.DrawFn) -> tuple[Sides, Rules, tuple[str, ...]]:
    """Return a client, its policy, and what somebody asks to be promoted."""
    sides, rules = draw(situations())
    assume(not sides.creating)  # what was never reconciled has no drift
    for path in draw(st.sets(st.sampled_from(ALL_PATHS))):
        promote = draw(st.sampled_from(Promote))
        rules[path] = replace(rules.get(path, DEFAULT), promote=promote)
    names = draw(st.lists(st.sampled_from([*ALL_PATHS, ROOT]), max_size=4, unique=True))
    return sides, rules, tuple(names)


def judged(sides: Sides, plan: Plan, rules: Rules) -> Planned:
    return Planned(
        plan,
        sides,
        result_tree(sides.ours, plan),
        policy(rules),
        BLOBS.__getitem__,
        records_directories=True,
        refusals={},
    )


def chosen(sides: Sides, rules: Rules, names: tuple[str, ...]) -> tuple[Plan, Selection]:
    plan = planned(sides, rules)
    return plan, select_promoted(judged(sides, plan, rules), names)


def after(sides: Sides, selection: Selection) -> dict[str, Entry]:
    kept = {p: e for p, e in sides.theirs.items() if p not in selection.entries}
    return kept | {p: e for p, e in selection.entries.items() if e is not None}


@settings(max_examples=120, deadline=None)
@given(promotions())
def test_upstream_stays_a_tree_and_gets_what_the_plan_makes_of_each_path(situation):
    sides, rules, names = situation
    plan, selection = chosen(sides, rules, names)
    assert is_tree({p: e for p, e in after(sides, selection).items() if p != ROOT})
    result = result_tree(sides.ours, plan)
    for path, entry in selection.entries.items():
        assert entry == result.get(path)
        assert entry != sides.theirs.get(path)
        assert entry is None or entry.kind is not Kind.OTHER


@settings(max_examples=120, deadline=None)
@given(promotions())
def test_only_drift_goes_and_never_what_policy_or_a_conflict_keeps(situation):
    sides, rules, names = situation
    plan, selection = chosen(sides, rules, names)
    drift = {difference.path for difference in plan.drift}
    for path in selection.entries:
        treatment = rules.get(path, DEFAULT)
        assert path in drift
        assert treatment.promote is not Promote.NEVER
        assert treatment.strategy not in {Strategy.CLIENT, Strategy.IGNORE}
        assert not treatment.expected
    assert not selection.conflicts or not selection.entries


@settings(max_examples=120, deadline=None)
@given(promotions())
def test_every_drifted_path_is_promoted_or_left_out_with_a_reason(situation):
    sides, rules, _ = situation
    plan, selection = chosen(sides, rules, ())
    left_out = {each.path: each.reason for each in selection.left_out}
    assert all(left_out.values())
    assert not left_out.keys() & selection.entries.keys()
    differing = {d.path for d in (*plan.drift, *plan.local)} | {h.path for h in plan.holds}
    assert differing == (differing & left_out.keys()) | selection.entries.keys()


@settings(max_examples=120, deadline=None)
@given(promotions())
def test_groups_go_all_or_none(situation):
    sides, rules, names = situation
    plan, selection = chosen(sides, rules, names)
    groups = {rules.get(path, DEFAULT).group for path in selection.entries} - {None}
    for difference in plan.drift:
        if rules.get(difference.path, DEFAULT).group in groups:
            assert difference.path in selection.entries


@settings(max_examples=100, deadline=None)
@given(promotions())
def test_promoted_and_synced_nothing_is_left_to_promote_and_nothing_is_undone(situation):
    sides, rules, names = situation
    _, selection = chosen(sides, rules, names)
    if not selection.entries:
        return
    promoted = replace(sides, theirs=after(sides, selection), seeds={}, mirror={})
    plan = planned(promoted, rules)
    synced = applied(promoted, plan)
    for path, entry in selection.entries.items():
        assert synced.ours.get(path) == entry, "the client has what it promoted"
    assert not {hold.path for hold in plan.holds} & selection.entries.keys()
    again, rest = chosen(synced, rules, names)
    assert not selection.entries.keys() & rest.entries.keys()
    assert again.writes == ()
