"""What planning does beyond one path's strategy: holds, releases, groups, creation, mirrors."""

import pytest
from plan_support import FIFO, applied, directory, file, hold_ids, link, planned, tree

from etcsync.entries import ROOT
from etcsync.plan.model import Act, Change, Difference, HoldReason, Plan, Refusal, Sides
from etcsync.policy.treatment import Strategy, Treatment

OLD, NEW, MINE = file(b"old\n"), file(b"new\n"), file(b"mine\n")
CLIENT, UPSTREAM = Treatment(Strategy.CLIENT), Treatment(Strategy.UPSTREAM)
NO = Refusal(HoldReason.INVALID, "No.")
MIRROR, REVIEW = Treatment(Strategy.MIRROR), Treatment(Strategy.REVIEW)


def acts(plan: Plan) -> list[tuple[str, Act]]:
    return [(action.path, action.act) for action in plan.actions]


def held(plan: Plan) -> list[tuple[str, HoldReason]]:
    return [(hold.path, hold.reason) for hold in plan.holds]


def drift(plan: Plan) -> list[tuple[str, Change]]:
    return [(difference.path, difference.change) for difference in plan.drift]


# Holding and releasing.


def test_what_is_held_already_is_no_new_action():
    sides = Sides(tree(p=OLD), tree(p=MINE), tree(p=NEW))
    first = planned(sides)
    again = planned(sides, recorded_holds=hold_ids(first))
    assert acts(first) == [("p", Act.HOLD)]
    assert again.actions == ()
    assert again.holds == first.holds


def test_a_conflict_that_changed_is_a_new_hold():
    first = planned(Sides(tree(p=OLD), tree(p=MINE), tree(p=NEW)))
    other = Sides(tree(p=OLD), tree(p=MINE), tree(p=file(b"newer\n")))
    assert acts(planned(other, recorded_holds=hold_ids(first))) == [("p", Act.HOLD)]


def test_a_hold_that_is_over_is_released():
    settled = Sides(tree(p=OLD), tree(p=NEW), tree(p=NEW))
    plan = planned(settled, recorded_holds={"p": "00000000"})
    assert acts(plan) == [("p", Act.RELEASE)]
    assert plan.actions[0].before == plan.actions[0].after == NEW
    assert plan.writes == ()


def test_a_hold_that_ends_with_a_write_is_the_write_alone():
    plan = planned(Sides(tree(p=OLD), tree(p=OLD), tree(p=NEW)), recorded_holds={"p": "00000000"})
    assert acts(plan) == [("p", Act.WRITE)]


def test_a_held_path_keeps_its_base_and_the_others_move():
    sides = Sides(tree(p=OLD, q=OLD), tree(p=MINE, q=OLD), tree(p=NEW, q=NEW))
    assert applied(sides, planned(sides)).base == tree(p=OLD, q=NEW)


def test_the_action_of_a_hold_says_why_without_content():
    plan = planned(Sides(tree(p=OLD), tree(p=MINE), tree(p=NEW)))
    assert plan.actions[0].reason == plan.holds[0].detail
    assert plan.holds[0].detail.endswith(".")
    assert "mine" not in plan.holds[0].detail


# What a validator refused.


def test_content_that_was_refused_is_held():
    sides = Sides(tree(p=OLD), tree(p=OLD), tree(p=NEW))
    plan = planned(
        sides, refused={("p", NEW.oid): Refusal(HoldReason.INVALID, "visudo does not accept it.")}
    )
    assert held(plan) == [("p", HoldReason.INVALID)]
    assert plan.holds[0].detail == "visudo does not accept it."


def test_only_the_refused_content_of_the_refused_path_is_held():
    sides = Sides(tree(p=OLD), tree(p=OLD), tree(p=NEW))
    refused = {("p", MINE.oid): NO, ("q", NEW.oid): NO}
    assert acts(planned(sides, refused=refused)) == [("p", Act.WRITE)]


def test_refused_content_that_is_there_already_does_not_hold_its_mode():
    sides = Sides(tree(p=OLD), tree(p=OLD), tree(p=file(b"old\n", 0o600)))
    assert acts(planned(sides, refused={("p", OLD.oid): NO})) == [("p", Act.CHMOD)]


# Groups.

GROUP = Treatment(group="accounts")
GROUPED = {"passwd": GROUP, "shadow": GROUP, "group": GROUP}


def test_one_held_path_holds_its_group():
    base = tree(passwd=OLD, shadow=OLD, group=OLD, motd=OLD)
    ours = tree(passwd=OLD, shadow=MINE, group=OLD, motd=OLD)
    theirs = tree(passwd=NEW, shadow=NEW, group=OLD, motd=NEW)
    plan = planned(Sides(base, ours, theirs), GROUPED)
    assert held(plan) == [("passwd", HoldReason.GROUP), ("shadow", HoldReason.CONTENT)]
    assert "shadow" in plan.holds[0].detail
    assert [action.path for action in plan.writes] == ["motd"]


def test_a_group_in_which_nothing_is_held_is_applied():
    theirs = tree(passwd=NEW, shadow=NEW)
    plan = planned(Sides(tree(passwd=OLD), tree(passwd=OLD), theirs), GROUPED)
    assert acts(plan) == [("passwd", Act.WRITE), ("shadow", Act.WRITE)]


def test_a_held_group_does_not_stop_what_upstream_did_not_change():
    rules = {**GROUPED, "group": Treatment(Strategy.UPSTREAM, group="accounts")}
    base, ours = tree(shadow=OLD, group=OLD), tree(shadow=MINE, group=MINE)
    plan = planned(Sides(base, ours, tree(shadow=NEW, group=OLD)), rules)
    assert acts(plan) == [("group", Act.HEAL), ("shadow", Act.HOLD)]


def test_the_sentence_names_the_first_path_that_holds_the_group():
    names = list("badce")
    rules = dict.fromkeys([*names, "f"], GROUP)
    theirs = tree(dict.fromkeys([*names, "f"], NEW))
    sides = Sides(tree(dict.fromkeys(names, OLD)), tree(dict.fromkeys(names, MINE)), theirs)
    assert planned(sides, rules).holds[-1].detail == "a, of the same group, is held."


def test_a_member_held_for_the_tree_s_sake_holds_its_group():
    rules = {"d/passwd": GROUP, "shadow": GROUP}
    sides = Sides(tree(shadow=OLD), tree(shadow=OLD, d=MINE), tree({"d/passwd": NEW}, shadow=NEW))
    assert held(planned(sides, rules)) == [
        ("d", HoldReason.TYPE),
        ("d/passwd", HoldReason.TYPE),
        ("shadow", HoldReason.GROUP),
    ]


# What is in the tree but not recorded.


@pytest.mark.parametrize("strategy", [Strategy.MERGE, Strategy.UPSTREAM, Strategy.REVIEW])
@pytest.mark.parametrize(
    "uncaptured",
    [{"unmanaged": {"p": FIFO}}, {"hidden": frozenset("p")}],
    ids=["special", "hidden"],
)
def test_what_is_not_recorded_is_never_overwritten(strategy, uncaptured):
    rules = {"p": Treatment(strategy)}
    for base, theirs in [(None, NEW), (OLD, NEW), (OLD, None)]:
        plan = planned(Sides(tree(p=base), tree(), tree(p=theirs), **uncaptured), rules)
        assert held(plan) == [("p", HoldReason.TYPE)]
    unchanged = planned(Sides(tree(p=OLD), tree(), tree(p=OLD), **uncaptured), rules)
    assert unchanged.actions == ()
    assert drift(unchanged) == [("p", Change.TYPE)]
    assert planned(Sides(tree(), tree(), tree(), **uncaptured), rules) == Plan()


def test_a_client_may_have_something_special_where_the_path_is_its_own():
    sides = Sides(tree(p=OLD), tree(), tree(p=NEW), unmanaged={"p": FIFO})
    plan = planned(sides, {"p": CLIENT})
    assert plan.actions == ()
    assert plan.local == (Difference("p", Change.TYPE, Strategy.CLIENT),)


# The tree's own directory and the metadata file.


def test_the_metadata_file_is_not_planned():
    entries = {".etckeeper": NEW}
    assert planned(Sides(tree(), tree({".etckeeper": MINE}), tree(entries))) == Plan()


def test_the_tree_itself_takes_upstreams_metadata_and_is_never_deleted():
    root, closed = {ROOT: directory()}, {ROOT: directory(0o700)}
    assert acts(planned(Sides(root, root, closed))) == [(ROOT, Act.CHMOD)]
    assert drift(planned(Sides(root, closed, root))) == [(ROOT, Change.METADATA)]
    assert planned(Sides(root, root, {})) == Plan()
    assert acts(planned(Sides({}, {}, root), {ROOT: UPSTREAM})) == [(ROOT, Act.WRITE)]


# Creating a tree.


def create(theirs, rules, seeds=None, ours=None) -> tuple[Plan, dict]:
    sides = Sides({}, ours or {ROOT: directory(0o700)}, theirs, creating=True, seeds=seeds or {})
    plan = planned(sides, rules)
    return plan, applied(sides, plan).ours


def test_a_new_tree_is_upstreams():
    theirs = tree({"ssh/sshd_config": NEW, "localtime": link(b"UTC"), "shadow": file(mode=0o640)})
    theirs[ROOT] = directory(0o755)
    plan, result = create(theirs, {"shadow": REVIEW})
    assert result == theirs
    assert not plan.holds + plan.drift + plan.local


def test_a_client_s_own_path_starts_with_its_seed_or_nothing_or_upstreams():
    theirs = tree({"hostname": NEW, "ssh/key": NEW, "fstab": NEW})
    rules = {
        "hostname": CLIENT,
        "machine-id": CLIENT,
        "fstab": CLIENT,
        "ssh/key": Treatment(Strategy.CLIENT, seed=False),
    }
    _, result = create(theirs, rules, seeds={"hostname": MINE, "machine-id": MINE})
    assert result == tree({"hostname": MINE, "machine-id": MINE, "fstab": NEW, "ssh": directory()})


def test_seeds_are_for_paths_of_the_client_alone_and_for_creation_alone():
    theirs = tree(motd=NEW)
    assert create(theirs, {}, seeds={"motd": MINE})[1]["motd"] == NEW
    sides = Sides(theirs, tree(), theirs, seeds={"motd": MINE})
    assert planned(sides, {"motd": CLIENT}).actions == ()


def test_what_a_new_tree_has_already_is_not_overwritten():
    ours = {ROOT: directory(0o700), "motd": MINE, "hostname": MINE}
    theirs = tree(motd=NEW, hostname=NEW)
    plan, result = create(theirs, {"hostname": CLIENT}, {"hostname": OLD}, ours)
    assert held(plan) == [("motd", HoldReason.ADD_ADD)]
    assert result == {ROOT: directory(), "motd": MINE, "hostname": MINE}


def test_a_client_s_own_path_is_not_held_even_where_it_cannot_be_created():
    sides = Sides({}, {}, tree({"d/id": NEW}), unmanaged={"d": FIFO}, creating=True)
    plan = planned(sides, {"d/id": CLIENT})
    assert held(plan) == [("d", HoldReason.TYPE)]
    assert plan.local == (Difference("d/id", Change.DELETED, Strategy.CLIENT),)


def test_the_directory_above_a_seed_is_created():
    _, result = create(tree(), {"iscsi/name": CLIENT}, seeds={"iscsi/name": MINE})
    assert result == tree({"iscsi/name": MINE})


# Mirrors.


def test_a_mirrored_path_is_copied_when_it_is_missing_or_differs():
    for mirrored in ({}, {"ld.so.cache": MINE}):
        sides = Sides(tree(), tree(), tree(), mirror={"ld.so.cache": NEW}, mirrored=mirrored)
        plan = planned(sides, {"ld.so.cache": MIRROR})
        assert acts(plan) == [("ld.so.cache", Act.MIRROR)]
        assert plan.actions[0].after == NEW
        assert applied(sides, plan).ours == tree()
        assert planned(applied(sides, plan), {"ld.so.cache": MIRROR}) == Plan()


def test_a_mirrored_path_that_upstream_does_not_have_is_left_alone():
    for ours, mirrored in [(tree(), {"mtab": MINE}), (tree(mtab=MINE), {})]:
        assert planned(Sides(tree(), ours, tree(), mirrored=mirrored), {"mtab": MIRROR}) == Plan()


def test_a_mirrored_path_that_git_tracks_no_longer_is_copied_from_then_on():
    sides = Sides(tree(mtab=OLD), tree(mtab=OLD), tree(), mirror={"mtab": NEW})
    plan = planned(sides, {"mtab": MIRROR})
    assert acts(plan) == [("mtab", Act.MIRROR)]
    assert applied(sides, plan).ours == tree()


def test_something_special_at_a_mirrored_path_is_not_overwritten():
    sides = Sides(tree(), tree(), tree(), unmanaged={"mtab": FIFO}, mirror={"mtab": NEW})
    plan = planned(sides, {"mtab": MIRROR})
    assert plan.actions == ()
    assert drift(plan) == [("mtab", Change.TYPE)]
