import pytest
from plan_support import directory, file, hold_ids, link, planned, tree

from etcsync.plan.model import (
    Act,
    Action,
    Change,
    Plan,
    Sides,
    base_after,
    changed_paths,
    conflict_id,
    difference,
    result_tree,
)
from etcsync.policy.treatment import Strategy, Treatment

OLD, NEW, MINE = file(b"old\n"), file(b"new\n"), file(b"mine\n")


KEY = bytes(32)


def test_a_conflict_s_id_is_the_same_for_the_same_conflict():
    assert conflict_id(KEY, "client0", "motd", OLD, MINE, NEW) == "677c59e6"


def test_a_conflict_s_id_differs_with_each_of_its_parts():
    conflict = (KEY, "client0", "motd", OLD, MINE, NEW)
    others = (b"another key", "client1", "issue", None, None, None)
    ids = {
        conflict_id(*conflict[:place], others[place], *conflict[place + 1 :]) for place in range(6)
    }
    assert len(ids | {conflict_id(*conflict)}) == 7


def test_names_that_run_together_do_not_share_an_id():
    assert conflict_id(KEY, "a", "bc", None, OLD, NEW) != conflict_id(
        KEY, "ab", "c", None, OLD, NEW
    )


def test_a_name_of_any_bytes_has_an_id():
    name = b'\xff\n"'.decode(errors="surrogateescape")
    assert len(conflict_id(KEY, "client0", name, OLD, OLD, OLD)) == 8


@pytest.mark.parametrize(
    ("ours", "theirs", "change"),
    [
        (OLD, OLD, None),
        (None, None, None),
        (OLD, None, Change.ADDED),
        (None, OLD, Change.DELETED),
        (OLD, link(b"x"), Change.TYPE),
        (OLD, NEW, Change.MODIFIED),
        (link(b"x"), link(b"y"), Change.MODIFIED),
        (OLD, file(b"old\n", 0o600), Change.METADATA),
        (directory(), directory(0o700), Change.METADATA),
        (file(b"new\n", 0o600), OLD, Change.MODIFIED),
    ],
)
def test_differences_are_seen_from_upstream(ours, theirs, change):
    assert difference(ours, theirs) is change


def test_changed_paths_are_those_added_deleted_or_different():
    old = tree(same=OLD, gone=OLD, other=OLD)
    assert changed_paths(old, tree(same=OLD, other=NEW, new=NEW)) == {"gone", "other", "new"}


def test_the_result_has_what_was_written_and_lacks_what_was_deleted():
    sides = Sides(tree(a=OLD, b=OLD), tree(a=OLD, b=OLD, c=MINE), tree(a=NEW))
    assert result_tree(sides.ours, planned(sides)) == tree(a=NEW, c=MINE)


def test_only_actions_that_touch_the_tree_are_writes():
    sides = Sides(tree(a=OLD, b=OLD), tree(a=MINE, b=OLD), tree(a=NEW, b=NEW))
    plan = planned(sides, recorded_holds={"c": "00000000"})
    assert [action.act for action in plan.actions] == [Act.HOLD, Act.WRITE, Act.RELEASE]
    assert [action.act for action in plan.writes] == [Act.WRITE]


def test_nothing_stands_in_the_base_beneath_what_is_held_as_no_directory():
    # Otherwise git would make the file's path a directory, and the hold would be forgotten.
    rules = {"d/mine": Treatment(Strategy.CLIENT)}
    sides = Sides(tree(), tree(d=MINE), tree({"d/x": NEW, "d/mine": NEW}))
    plan = planned(sides, rules)
    assert [*hold_ids(plan)] == ["d", "d/x"]
    assert base_after(sides.theirs, plan) == tree()


def test_an_empty_plan_changes_nothing():
    entries = tree(a=OLD)
    assert result_tree(entries, Plan()) == base_after(entries, Plan()) == entries


def test_everything_in_a_plan_is_in_the_order_of_paths():
    names = [chr(97 + number) for number in range(9)]
    rules = {name: Treatment(Strategy.CLIENT) for name in names[6:]}
    base = tree(dict.fromkeys(names, OLD))
    ours = {**base, **dict.fromkeys(names[2:], MINE)}
    theirs = {**base, **dict.fromkeys(names[:4], NEW)}
    plan = planned(Sides(base, ours, theirs), rules)
    for listed, expected in [
        (plan.actions, names[:4]),
        (plan.holds, names[2:4]),
        (plan.drift, names[4:6]),
        (plan.local, names[6:]),
    ]:
        assert [item.path for item in listed] == expected


def test_an_action_names_what_is_there_before_and_after():
    plan = planned(Sides(tree(p=OLD), tree(p=OLD), tree(p=NEW)))
    assert plan.actions == (
        Action("p", Act.WRITE, Strategy.MERGE, "upstream changed", before=OLD, after=NEW),
    )


def test_upstream_changes_may_be_given():
    sides = Sides(tree(p=OLD), tree(p=OLD), tree(p=NEW))
    assert planned(sides, upstream_changes=frozenset("p")) == planned(sides)
