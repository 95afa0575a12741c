"""What somebody decided by hand wins over the sides and over policy, and settles the path."""

import pytest
from plan_support import FIFO, applied, directory, file, hold_ids, planned, tree

from etcsync.plan.model import Choice, HoldReason, Refusal, Sides
from etcsync.policy.treatment import Strategy, Treatment

REFUSED = Refusal(HoldReason.INVALID, "The validator refused it.")
BASE, OURS, THEIRS = (file(text) for text in (b"one\n", b"ours\n", b"theirs\n"))


def in_conflict(**choices: Choice) -> Sides:
    return Sides(
        base=tree(motd=BASE), ours=tree(motd=OURS), theirs=tree(motd=THEIRS), choices=choices
    )


def test_the_choice_of_upstreams_version_writes_it_and_releases_the_path() -> None:
    held = planned(in_conflict())
    result = planned(
        in_conflict(motd=Choice(THEIRS, "upstream's version")), recorded_holds=hold_ids(held)
    )
    (action,) = result.actions
    assert (action.path, action.act, action.after) == ("motd", "write", THEIRS)
    assert action.reason == "upstream's version"
    assert (result.holds, result.drift, result.unmet) == ((), (), ())


def test_the_choice_of_the_clients_version_writes_nothing_and_is_not_asked_again() -> None:
    held = planned(in_conflict())
    sides = in_conflict(motd=Choice(OURS, "the client's version"))
    result = planned(sides, recorded_holds=hold_ids(held))
    assert [(a.path, a.act) for a in result.actions] == [("motd", "release")]
    assert [difference.path for difference in result.drift] == ["motd"]
    again = planned(applied(sides, result))
    assert (again.actions, again.holds) == ((), ())
    assert [difference.path for difference in again.drift] == ["motd"]


def test_a_chosen_content_of_neither_side_is_written() -> None:
    third = file(b"both\n", mode=0o600)
    sides = in_conflict(motd=Choice(third, "a content of its own"))
    result = planned(sides)
    assert applied(sides, result).ours["motd"] == third
    assert result.holds == ()


@pytest.mark.parametrize("strategy", [Strategy.CLIENT, Strategy.UPSTREAM, Strategy.REVIEW])
def test_a_choice_wins_over_every_strategy(strategy: Strategy) -> None:
    sides = in_conflict(motd=Choice(BASE, "an earlier version"))
    result = planned(sides, {"motd": Treatment(strategy=strategy)})
    assert applied(sides, result).ours["motd"] == BASE


def test_the_choice_of_nothing_deletes_with_all_that_was_chosen_beneath() -> None:
    entries = tree({"d/a": OURS, "d/b": OURS})
    nothing = Choice(None, "discarded")
    sides = Sides(
        base=tree(),
        ours=entries,
        theirs=tree(),
        choices={"d": nothing, "d/a": nothing, "d/b": nothing},
    )
    assert applied(sides, planned(sides)).ours == tree()


def test_a_directory_in_which_something_stays_is_not_deleted_and_the_choice_is_unmet() -> None:
    nothing = Choice(None, "discarded")
    sides = Sides(
        base=tree(), ours=tree({"d/a": OURS, "d/b": OURS}), theirs=tree(),
        choices={"d": nothing, "d/a": nothing},
    )  # fmt: skip
    result = planned(sides)
    assert [action.path for action in result.actions] == ["d/a"]
    assert [path for path, _ in result.unmet] == ["d"]


def test_what_is_not_recorded_is_not_overwritten() -> None:
    sides = Sides(
        base=tree(),
        ours=tree(),
        theirs=tree(),
        unmanaged={"pipe": FIFO},
        choices={"pipe": Choice(OURS, "restored")},
    )
    result = planned(sides)
    assert result.actions == ()
    ((path, reason),) = result.unmet
    assert path == "pipe"
    assert "not recorded" in reason


def test_a_chosen_content_that_a_validator_refuses_is_not_put_in_place() -> None:
    sides = in_conflict(motd=Choice(THEIRS, "upstream's version"))
    result = planned(sides, refused={("motd", THEIRS.oid): REFUSED})
    assert [hold.reason for hold in result.holds] == ["invalid"]
    assert result.unmet == (("motd", "The validator refused it."),)


def test_a_refused_choice_is_unmet_also_where_upstream_changed_nothing() -> None:
    sides = Sides(
        base=tree(motd=BASE), ours=tree(motd=OURS), theirs=tree(motd=BASE),
        choices={"motd": Choice(THEIRS, "restored")},
    )  # fmt: skip
    result = planned(sides, refused={("motd", THEIRS.oid): REFUSED})
    assert (result.actions, result.holds) == ((), ())
    assert result.unmet == (("motd", "The validator refused it."),)


def test_a_chosen_file_brings_the_directories_above_it() -> None:
    sides = Sides(
        base=tree(), ours=tree(), theirs=tree(), choices={"d/e/f": Choice(OURS, "restored")}
    )
    assert set(applied(sides, planned(sides)).ours) == {".", "d", "d/e", "d/e/f"}


def test_choices_touch_no_other_path() -> None:
    sides = Sides(
        base=tree(motd=BASE, hosts=BASE),
        ours=tree(motd=OURS, hosts=OURS),
        theirs=tree(motd=THEIRS, hosts=THEIRS),
        choices={"motd": Choice(THEIRS, "upstream's version")},
    )
    result = planned(sides)
    assert {action.path: action.act for action in result.actions} == {
        "motd": "write",
        "hosts": "hold",
    }


def test_one_account_file_can_be_decided_while_the_others_are_merged() -> None:
    keyed = Treatment(strategy=Strategy.KEYED, group="accounts")
    root = b"root:x:0:0::/root:/bin/sh\n"
    chosen = file(root + b"bob:x:1001:1001::/:/bin/sh\nann:x:1002:1002::/:/bin/sh\n")
    sides = Sides(
        base=tree(passwd=file(root)),
        ours=tree(passwd=file(root + b"ann:x:1001:1001::/:/bin/sh\n")),
        theirs=tree(passwd=file(root + b"bob:x:1001:1001::/:/bin/sh\n")),
    )
    assert [hold.reason for hold in planned(sides, {"passwd": keyed}).holds] == ["account"]
    decided = Sides(
        sides.base, sides.ours, sides.theirs, choices={"passwd": Choice(chosen, "by hand")}
    )
    result = planned(decided, {"passwd": keyed})
    assert applied(decided, result).ours["passwd"] == chosen
    assert result.holds == ()


def test_the_trees_own_directory_can_get_other_metadata() -> None:
    sides = Sides(
        base=tree(), ours=tree(), theirs=tree(), choices={".": Choice(directory(0o750), "restored")}
    )
    assert [(a.path, a.act) for a in planned(sides).actions] == [(".", "chmod")]
