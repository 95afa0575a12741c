"""The outcome of a plan is a tree, and nothing in it is buried."""

import pytest
from plan_support import FIFO, applied, directory, file, link, planned, tree

from etcsync.plan.model import Act, Change, HoldReason, Plan, Sides
from etcsync.policy.treatment import Strategy, Treatment

OLD, NEW, MINE = file(b"old\n"), file(b"new\n"), file(b"mine\n")
UPSTREAM = Treatment(Strategy.UPSTREAM)
DETAIL_OF_GROUND = "The client has no directory here that could take it in."


def acts(plan: Plan) -> list[tuple[str, Act]]:
    return [(action.path, action.act) for action in plan.actions]


def held(plan: Plan) -> list[tuple[str, HoldReason]]:
    return [(hold.path, hold.reason) for hold in plan.holds]


def drift(plan: Plan) -> list[tuple[str, Change]]:
    return [(difference.path, difference.change) for difference in plan.drift]


WITH_FILE = tree({"d/x": OLD})
SURVIVORS = [
    pytest.param({"ours": tree({"d/x": OLD, "d/mine": MINE})}, id="addition"),
    pytest.param({"unmanaged": {"d/fifo": FIFO}}, id="special file"),
    pytest.param({"hidden": frozenset({"d/hidden"})}, id="hidden file"),
    pytest.param({"mirrored": {"d/cache": MINE}}, id="mirrored file"),
]


def test_a_directory_that_upstream_deleted_goes_with_its_files():
    sides = Sides(WITH_FILE, WITH_FILE, tree())
    assert acts(planned(sides)) == [("d", Act.DELETE), ("d/x", Act.DELETE)]


@pytest.mark.parametrize("survivor", SURVIVORS)
def test_a_directory_is_not_deleted_while_something_in_it_stays(survivor):
    sides = Sides(**{"base": WITH_FILE, "ours": WITH_FILE, "theirs": tree(), **survivor})
    plan = planned(sides, {"d/cache": Treatment(Strategy.MIRROR)})
    assert acts(plan) == [("d/x", Act.DELETE)]
    assert plan.holds == ()
    assert ("d", Change.ADDED) in drift(plan)
    assert "d" not in applied(sides, plan).base


def test_of_the_directories_that_upstream_deleted_those_without_content_go():
    base = tree({"d/e/f/x": OLD, "d/g/x": OLD, "d/stays": OLD})
    ours = {**base, "d/e/mine": MINE}
    plan = planned(Sides(base, ours, tree({"d/stays": OLD})))
    assert acts(plan) == [
        ("d/e/f", Act.DELETE),
        ("d/e/f/x", Act.DELETE),
        ("d/g", Act.DELETE),
        ("d/g/x", Act.DELETE),
    ]
    assert drift(plan) == [("d/e", Change.ADDED), ("d/e/mine", Change.ADDED)]


@pytest.mark.parametrize("survivor", SURVIVORS)
@pytest.mark.parametrize("theirs", [NEW, link(b"x")])
def test_a_directory_does_not_become_something_else_over_what_stays_in_it(survivor, theirs):
    sides = Sides(**{"base": WITH_FILE, "ours": WITH_FILE, "theirs": tree(d=theirs), **survivor})
    plan = planned(sides, {"d/cache": Treatment(Strategy.MIRROR)})
    assert held(plan) == [("d", HoldReason.TYPE)]
    assert applied(sides, plan).ours["d"] == directory()


def test_an_empty_directory_becomes_something_else():
    sides = Sides(WITH_FILE, WITH_FILE, tree(d=link(b"x")))
    assert acts(planned(sides)) == [("d", Act.WRITE), ("d/x", Act.DELETE)]


def test_a_file_becomes_a_directory_with_content():
    sides = Sides(tree(d=OLD), tree(d=OLD), WITH_FILE)
    assert acts(planned(sides)) == [("d", Act.WRITE), ("d/x", Act.WRITE)]


def test_a_held_file_keeps_its_directory_and_the_directory_s_base():
    sides = Sides(WITH_FILE, tree({"d/x": MINE}), tree())
    plan = planned(sides)
    assert held(plan) == [("d/x", HoldReason.DELETE_MODIFY)]
    assert applied(sides, plan).base == WITH_FILE
    decided = Sides(WITH_FILE, WITH_FILE, tree())
    assert acts(planned(decided)) == [("d", Act.DELETE), ("d/x", Act.DELETE)]


def test_nothing_is_written_beneath_what_stays_a_file():
    sides = Sides(tree(d=OLD), tree(d=MINE), tree({"d/e/x": NEW}))
    plan = planned(sides)
    assert held(plan) == [
        ("d", HoldReason.TYPE),
        ("d/e", HoldReason.TYPE),
        ("d/e/x", HoldReason.TYPE),
    ]
    assert plan.holds[2].detail == DETAIL_OF_GROUND
    assert applied(sides, plan).base == tree(d=OLD)


@pytest.mark.parametrize(
    "blocked",
    [
        pytest.param({"unmanaged": {"d": FIFO}}, id="special file"),
        pytest.param({"unmanaged": {"d": OLD}}, id="ignored file"),
        pytest.param({"hidden": frozenset({"d"})}, id="hidden file"),
        pytest.param({"ours": tree(d=link(b"/"))}, id="link"),
    ],
)
def test_nothing_is_written_through_what_is_no_directory(blocked):
    base = tree(d=directory())
    sides = Sides(**{"base": base, "ours": tree(), "theirs": WITH_FILE, **blocked})
    assert held(planned(sides)) == [("d/x", HoldReason.TYPE)]


def test_a_file_is_written_into_an_ignored_directory_that_is_there():
    sides = Sides(tree(), tree(), WITH_FILE, unmanaged={"d": directory()})
    plan = planned(sides, {"d": Treatment(Strategy.IGNORE)})
    assert acts(plan) == [("d/x", Act.WRITE)]


def test_a_directory_that_the_client_deleted_comes_back_for_a_new_file():
    base = tree({"d/x": OLD}, d=directory(0o750))
    sides = Sides(base, tree(), {**base, "d/new": NEW})
    plan = planned(sides)
    assert acts(plan) == [("d", Act.WRITE), ("d/new", Act.WRITE)]
    assert plan.actions[0].after == directory(0o750)
    assert drift(plan) == [("d/x", Change.DELETED)]


def test_a_directory_that_is_held_as_deleted_does_not_come_back():
    theirs = tree({"d/new": NEW}, d=directory(0o700))
    sides = Sides(tree(d=directory()), tree(), theirs)
    plan = planned(sides)
    assert held(plan) == [("d", HoldReason.DELETE_MODIFY), ("d/new", HoldReason.TYPE)]
    assert applied(sides, plan).ours == tree()


def test_healing_does_not_bury_what_the_client_put_beneath():
    sides = Sides(tree(d=OLD), tree({"d/mine": MINE}), tree(d=OLD))
    plan = planned(sides, {"d": UPSTREAM})
    assert plan.actions == plan.holds == ()
    assert drift(plan) == [("d", Change.TYPE), ("d/mine", Change.ADDED)]


def test_healing_clears_what_is_upstreams_all_the_way_down():
    sides = Sides(tree(d=OLD), tree({"d/mine": MINE}), tree(d=OLD))
    plan = planned(sides, {"d": UPSTREAM, "d/mine": UPSTREAM})
    assert acts(plan) == [("d", Act.HEAL), ("d/mine", Act.HEAL)]
    assert applied(sides, plan).ours == tree(d=OLD)


def test_a_mirrored_file_keeps_a_directory_that_git_has_no_longer():
    sides = Sides(tree(d=directory()), tree(d=directory()), tree(), mirror={"d/cache": NEW})
    plan = planned(sides, {"d/cache": Treatment(Strategy.MIRROR)})
    assert acts(plan) == [("d/cache", Act.MIRROR)]


def test_a_directory_with_mirrored_files_does_not_become_something_else():
    # Upstream's last commit has a file here, its live tree a directory.
    base = tree({"d/e/z": OLD}, d=directory())
    sides = Sides(base, base, tree(d=NEW), mirror={"d/e/z": MINE, "d/y": MINE})
    rules = dict.fromkeys(sides.mirror, Treatment(Strategy.MIRROR))
    plan = planned(sides, rules)
    assert held(plan) == [("d", HoldReason.TYPE)]
    assert acts(plan) == [("d", Act.HOLD), ("d/e/z", Act.MIRROR), ("d/y", Act.MIRROR)]


def test_what_a_group_holds_back_keeps_its_directory_too():
    # y conflicts; so d/x, of the same group, stays; so d stays a directory.
    rules = {"d/x": Treatment(group="g"), "y": Treatment(group="g")}
    sides = Sides(tree({"d/x": OLD}, y=OLD), tree({"d/x": OLD}, y=MINE), tree(d=NEW, y=NEW))
    plan = planned(sides, rules)
    assert held(plan) == [
        ("d", HoldReason.TYPE),
        ("d/x", HoldReason.GROUP),
        ("y", HoldReason.CONTENT),
    ]
    assert plan.writes == ()
