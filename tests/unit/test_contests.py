import pytest
from plan_support import file, planned, tree

from etcsync.daemon.contests import OFTEN, SPAN, Contests
from etcsync.entries import Entry
from etcsync.plan.model import Act, HoldReason, Sides, base_after
from etcsync.policy.treatment import Strategy, Treatment


@pytest.fixture
def contests():
    return Contests()


def heal(contests, times, pause, path="p", start=0.0):
    return [contests.note("a", [path], (), start + n * pause) for n in range(times)]


def test_a_path_that_is_put_back_often_within_a_short_time_is_contested(contests):
    assert heal(contests, OFTEN, 10.0) == [[]] * (OFTEN - 1) + [["p"]]
    assert contests.contested(["a", "b"]).keys() == {"a"}
    assert "a and upstream" in contests.contested(["a"])["a"]["p"]


def test_now_and_then_is_not_often(contests):
    assert heal(contests, OFTEN * 4, SPAN / (OFTEN - 1) + 1) == [[]] * (OFTEN * 4)


def test_each_path_of_each_client_counts_for_itself(contests):
    for n in range(OFTEN - 1):
        assert not contests.note("a", ["p"], (), n)
        assert not contests.note("b", ["p"], (), n)
        assert not contests.note("a", ["q"], (), n)
    assert contests.note("a", ["p"], (), OFTEN) == ["p"]


def test_what_is_held_need_not_be_remembered(contests):
    heal(contests, OFTEN, 1.0)
    contests.note("a", (), ["p"], OFTEN)
    assert not contests.contested(["a"])


def test_what_is_not_put_back_again_for_long_is_forgotten(contests):
    heal(contests, OFTEN, 1.0)
    contests.note("b", (), (), SPAN * 2)
    assert not contests.contested(["a"]).get("a")


UPSTREAM = {"p": Treatment(strategy=Strategy.UPSTREAM)}
OLD, MINE = file(b"old\n"), file(b"mine\n")


def contested(ours: Entry | None, theirs: Entry | None = OLD) -> Sides:
    return Sides(base=tree(p=OLD), ours=tree(p=ours), theirs=tree(p=theirs), contested={"p": "!"})


@pytest.mark.parametrize("ours", [MINE, None])
def test_a_contested_path_is_held_and_its_base_stays(ours):
    sides = contested(ours)
    plan = planned(sides, UPSTREAM)
    (hold,) = plan.holds
    assert (hold.path, hold.reason, hold.detail) == ("p", HoldReason.CONTESTED, "!")
    assert [action.act for action in plan.actions] == [Act.HOLD]
    assert base_after(sides.theirs, plan) == sides.theirs


def test_it_is_the_same_conflict_whatever_the_client_writes():
    first, second = (planned(contested(ours), UPSTREAM).holds[0] for ours in (MINE, None))
    assert first.id == second.id


def test_a_contested_path_is_released_once_the_client_has_upstreams_version():
    plan = planned(contested(OLD), UPSTREAM, recorded_holds={"p": "1"})
    assert [action.act for action in plan.actions] == [Act.RELEASE]


def test_a_contested_path_that_policy_no_longer_puts_back_is_not_held():
    plan = planned(contested(MINE), {}, recorded_holds={"p": "1"})
    assert not plan.holds
    assert [each.path for each in plan.drift] == ["p"]
