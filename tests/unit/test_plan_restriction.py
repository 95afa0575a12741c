"""A restricted plan writes at the chosen paths alone, and tells of the rest as drift."""

from plan_support import directory, file, link, planned, tree

from etcsync.plan.model import Act, Change, Plan, Sides
from etcsync.plan.restriction import restricted
from etcsync.policy.treatment import Strategy, Treatment

OLD, NEW, MINE = file(b"old\n"), file(b"new\n"), file(b"mine\n")


def acts(plan: Plan) -> list[tuple[str, Act]]:
    return [(action.path, action.act) for action in plan.actions]


def drift(plan: Plan) -> list[tuple[str, Change]]:
    return [(each.path, each.change) for each in plan.drift]


def test_without_paths_nothing_is_done_held_or_released():
    sides = Sides(tree(a=OLD, b=OLD), tree(a=OLD, b=MINE), tree(a=NEW, b=NEW))
    whole = planned(sides, recorded_holds={"c": "0" * 8})
    assert acts(whole) == [("a", Act.WRITE), ("b", Act.HOLD), ("c", Act.RELEASE)]
    left = restricted(whole, frozenset())
    assert (left.actions, left.holds, left.retained) == ((), (), ())


def test_what_the_client_changed_is_drift_whatever_the_plan_wanted_with_it():
    sides = Sides(
        tree(drifted=OLD, healed=OLD, contested=OLD, theirs=OLD, reviewed=OLD),
        tree(drifted=MINE, healed=MINE, contested=MINE, theirs=OLD, reviewed=OLD),
        tree(drifted=OLD, healed=OLD, contested=NEW, theirs=NEW, reviewed=NEW),
    )
    rules = {"healed": Treatment(Strategy.UPSTREAM), "reviewed": Treatment(Strategy.REVIEW)}
    left = restricted(planned(sides, rules), frozenset())
    modified = Change.MODIFIED
    assert drift(left) == [("contested", modified), ("drifted", modified), ("healed", modified)]


def test_what_is_healed_at_a_chosen_path_is_no_drift():
    sides = Sides(tree(a=OLD), tree(a=MINE), tree(a=OLD))
    left = restricted(planned(sides, {"a": Treatment(Strategy.UPSTREAM)}), {"a"})
    assert acts(left) == [("a", Act.HEAL)]
    assert left.drift == ()


def test_what_is_local_stays_local():
    sides = Sides(tree(a=OLD), tree(a=MINE), tree(a=OLD))
    whole = planned(sides, {"a": Treatment(expected=True)})
    assert restricted(whole, frozenset()).local == whole.local != ()


def test_the_chosen_paths_are_written_with_the_directories_that_they_need():
    theirs = tree({"d/e/x": NEW, "d/y": NEW, "z": NEW})
    whole = planned(Sides(tree(), tree(), theirs))
    assert [path for path, _ in acts(restricted(whole, {"d/e/x"}))] == ["d", "d/e", "d/e/x"]
    assert acts(restricted(whole, {"d/f"})) == []


def test_a_directory_above_a_chosen_path_keeps_its_mode():
    sides = Sides(tree({"d/x": OLD}), tree({"d/x": OLD}), tree({"d/x": NEW}, d=directory(0o700)))
    assert acts(restricted(planned(sides), {"d/x"})) == [("d/x", Act.WRITE)]


def test_a_directory_stays_while_something_in_it_does():
    old = tree({"d/x": OLD, "d/y": OLD})
    for theirs in (tree(), tree(d=link(b"elsewhere"))):
        whole = planned(Sides(old, old, theirs))
        assert [path for path, _ in acts(restricted(whole, {"d", "d/x"}))] == ["d/x"]
        assert restricted(whole, {"d", "d/x", "d/y"}).actions == whole.actions
