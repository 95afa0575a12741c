"""Which paths go upstream with others, and which are no drift to begin with."""

from collections.abc import Mapping

from plan_support import BLOBS, directory, file, planned, policy, tree

from etcsync.entries import Entry
from etcsync.plan.model import Sides, result_tree
from etcsync.plan.promotion import Planned, Selection, select_promoted
from etcsync.policy.treatment import Promote, Strategy, Treatment

MINE = file(b"mine\n")
THEIRS = file(b"theirs\n")


def selected(sides: Sides, rules: Mapping[str, Treatment], *names: str) -> Selection:
    plan = planned(sides, dict(rules))
    result = result_tree(sides.ours, plan)
    judged = Planned(plan, sides, result, policy(rules), BLOBS.__getitem__, True, {})
    return select_promoted(judged, names)


def drifted(theirs: dict[str, Entry], ours: dict[str, Entry]) -> Sides:
    return Sides(base=tree(theirs), ours=tree(ours), theirs=tree(theirs))


def reasons(selection: Selection) -> dict[str, str]:
    return {each.path: each.reason for each in selection.left_out}


def test_account_files_go_together_also_where_no_rule_groups_them() -> None:
    root = file(b"root:x:0:0::/:/bin/sh\n")
    keyed = dict.fromkeys(("passwd", "group"), Treatment(Strategy.KEYED))
    sides = drifted(
        {"passwd": root, "group": file(b"root:x:0:\n")},
        {"passwd": file(b"no account\n"), "group": file(b"root:x:0:\nnew:x:9:\n")},
    )
    selection = selected(sides, keyed)
    assert selection.entries == {}
    assert "goes together with passwd" in reasons(selection)["group"]


def test_a_new_directory_comes_along_with_what_is_promoted_in_it() -> None:
    rules = {"d": Treatment(promote=Promote.NAMED)}
    selection = selected(drifted({}, {"d/new": MINE}), rules)
    assert selection.entries == {"d": directory(), "d/new": MINE}
    assert selection.left_out == ()


def test_a_directory_in_the_place_of_upstreams_file_does_not_come_along() -> None:
    rules = {"d": Treatment(promote=Promote.NAMED)}
    selection = selected(drifted({"d": THEIRS}, {"d/new": MINE}), rules)
    assert selection.entries == {}
    assert reasons(selection) == {
        "d": "policy promotes it only when it is named",
        "d/new": "its directory d is not promoted",
    }


def test_what_is_copied_from_the_root_outside_git_is_no_drift_to_promote() -> None:
    sides = Sides(
        base=tree(d=THEIRS), ours=tree(d=THEIRS), theirs=tree(d=THEIRS), mirror={"d/cache": MINE}
    )
    selection = selected(sides, {"d/cache": Treatment(Strategy.MIRROR)})
    assert selection.entries == {}
