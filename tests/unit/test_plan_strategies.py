"""The table of strategies in docs and design, cell by cell."""

import pytest
from plan_support import BLOBS, applied, directory, file, link, planned, tree

from etcsync.entries import Entry
from etcsync.plan.model import Act, Change, Difference, HoldReason, Plan, Sides
from etcsync.policy.treatment import Strategy, Treatment

BASE = b"1\n2\n3\n4\n5\n"
OURS = b"one\n2\n3\n4\n5\n"
THEIRS = b"1\n2\n3\n4\nfive\n"
CLASH = b"ONE\n2\n3\n4\n5\n"

TEXTUAL = [Strategy.MERGE, Strategy.KEYED]
TAKING = [Strategy.MERGE, Strategy.ATOMIC, Strategy.KEYED, Strategy.UNION, Strategy.UPSTREAM]
KEEPING = [Strategy.MERGE, Strategy.ATOMIC, Strategy.KEYED, Strategy.UNION, Strategy.REVIEW]


def one(strategy: Strategy, base, ours, theirs, **treatment) -> tuple[Plan, Entry | None]:
    """Plan for the single path ``p``; return the plan and what the tree has there afterwards."""
    sides = Sides(tree(p=base), tree(p=ours), tree(p=theirs))
    plan = planned(sides, {"p": Treatment(strategy, **treatment)})
    return plan, applied(sides, plan).ours.get("p")


def acts(plan: Plan) -> list[tuple[str, Act]]:
    return [(action.path, action.act) for action in plan.actions]


def is_drift(plan: Plan, change: Change, strategy: Strategy) -> bool:
    return not plan.actions and plan.drift == (Difference("p", change, strategy),)


# Client unchanged, upstream changed.


@pytest.mark.parametrize("strategy", [*TAKING, Strategy.MIRROR])
@pytest.mark.parametrize(
    ("base", "theirs", "act"),
    [
        pytest.param(file(BASE), file(THEIRS), Act.WRITE, id="content"),
        pytest.param(file(BASE), file(BASE, 0o600), Act.CHMOD, id="metadata"),
        pytest.param(file(BASE), link(b"x"), Act.WRITE, id="kind"),
        pytest.param(None, file(THEIRS), Act.WRITE, id="new"),
        pytest.param(file(BASE), None, Act.DELETE, id="deleted"),
    ],
)
def test_upstreams_change_is_taken_where_the_client_changed_nothing(strategy, base, theirs, act):
    plan, result = one(strategy, base, base, theirs)
    assert acts(plan) == [("p", act)]
    assert result == theirs
    assert not plan.drift + plan.local + plan.holds


def test_client_keeps_the_client_s_version_of_what_upstream_changed():
    plan, result = one(Strategy.CLIENT, file(BASE), file(BASE), file(THEIRS))
    assert plan.actions == plan.drift == plan.holds == ()
    assert plan.local == (Difference("p", Change.MODIFIED, Strategy.CLIENT),)
    assert result == file(BASE)


def test_review_holds_upstreams_change_until_it_is_approved():
    for base in (file(BASE), None):
        plan, result = one(Strategy.REVIEW, base, base, file(THEIRS))
        assert [hold.reason for hold in plan.holds] == [HoldReason.REVIEW]
        assert result == base


# Client changed, upstream unchanged.


@pytest.mark.parametrize("strategy", KEEPING)
@pytest.mark.parametrize(
    ("base", "ours", "change"),
    [
        pytest.param(file(BASE), file(OURS), Change.MODIFIED, id="content"),
        pytest.param(file(BASE), file(BASE, 0o600), Change.METADATA, id="metadata"),
        pytest.param(file(BASE), link(b"x"), Change.TYPE, id="kind"),
        pytest.param(None, file(OURS), Change.ADDED, id="new"),
        pytest.param(file(BASE), None, Change.DELETED, id="deleted"),
    ],
)
def test_the_client_s_change_is_kept_and_is_drift(strategy, base, ours, change):
    plan, result = one(strategy, base, ours, base)
    assert is_drift(plan, change, strategy)
    assert result == ours


@pytest.mark.parametrize("strategy", KEEPING)
def test_a_difference_that_is_expected_is_local(strategy):
    plan, _ = one(strategy, file(BASE), file(OURS), file(BASE), expected=True)
    assert plan.actions == plan.drift == ()
    assert plan.local == (Difference("p", Change.MODIFIED, strategy),)


@pytest.mark.parametrize("strategy", [Strategy.UPSTREAM, Strategy.MIRROR])
@pytest.mark.parametrize("theirs", [file(BASE), file(THEIRS), None])
@pytest.mark.parametrize("ours", [file(OURS), file(BASE, 0o600), link(b"x"), None])
def test_upstream_is_put_back_over_the_client_s_change(strategy, ours, theirs):
    plan, result = one(strategy, file(BASE), ours, theirs)
    assert result == theirs
    assert acts(plan) == ([] if ours == theirs else [("p", Act.HEAL)])
    assert plan.drift == ()


def test_what_a_client_adds_among_upstreams_own_is_removed():
    plan, result = one(Strategy.UPSTREAM, None, file(OURS), None)
    assert acts(plan) == [("p", Act.HEAL)]
    assert result is None


# Both changed.


@pytest.mark.parametrize("strategy", [*TEXTUAL, Strategy.UNION])
def test_changes_of_different_lines_come_together(strategy):
    plan, result = one(strategy, file(BASE), file(OURS), file(THEIRS))
    assert acts(plan) == [("p", Act.MERGE)]
    assert result is not None
    assert BLOBS[result.oid] == b"one\n2\n3\n4\nfive\n"
    assert plan.drift == (Difference("p", Change.MODIFIED, strategy),)


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        (Strategy.MERGE, HoldReason.CONTENT),
        (Strategy.KEYED, HoldReason.CONTENT),
        (Strategy.ATOMIC, HoldReason.CONTENT),
        (Strategy.REVIEW, HoldReason.REVIEW),
    ],
)
def test_changes_of_the_same_lines_are_held(strategy, reason):
    plan, result = one(strategy, file(BASE), file(OURS), file(CLASH))
    assert acts(plan) == [("p", Act.HOLD)]
    assert [hold.reason for hold in plan.holds] == [reason]
    assert plan.drift == ()
    assert result == file(OURS)


def test_atomic_holds_even_what_would_merge():
    plan, _ = one(Strategy.ATOMIC, file(BASE), file(OURS), file(THEIRS))
    assert [hold.reason for hold in plan.holds] == [HoldReason.CONTENT]


def test_union_takes_both_sides_lines():
    plan, result = one(Strategy.UNION, file(BASE), file(OURS), file(CLASH))
    assert acts(plan) == [("p", Act.MERGE)]
    assert result is not None
    assert BLOBS[result.oid] == b"one\nONE\n2\n3\n4\n5\n"


def test_client_keeps_its_own_and_is_not_asked_again():
    plan, result = one(Strategy.CLIENT, file(BASE), file(OURS), file(CLASH))
    assert plan.actions == plan.holds == plan.drift == ()
    assert [difference.change for difference in plan.local] == [Change.MODIFIED]
    assert result == file(OURS)


@pytest.mark.parametrize("strategy", [s for s in Strategy if s is not Strategy.IGNORE])
def test_the_same_change_on_both_sides_needs_nothing(strategy):
    plan, result = one(strategy, file(BASE), file(OURS), file(OURS))
    assert plan == Plan()
    assert result == file(OURS)


def test_what_is_ignored_is_in_no_decision():
    ignored = Treatment(Strategy.IGNORE)
    sides = Sides(tree(p=file(BASE)), tree(), tree(p=file(THEIRS)), unmanaged={"p": file(OURS)})
    assert planned(sides, {"p": ignored}) == Plan()


@pytest.mark.parametrize("strategy", [*TEXTUAL, Strategy.UNION])
def test_a_merge_that_is_in_place_already_needs_nothing(strategy):
    merged = file(b"one\n2\n3\n4\nfive\n")
    plan, result = one(strategy, file(BASE), merged, file(THEIRS))
    assert is_drift(plan, Change.MODIFIED, strategy)
    assert result == merged


# What comes together besides text.


def test_content_of_one_side_and_metadata_of_the_other_come_together():
    plan, result = one(Strategy.ATOMIC, file(BASE), file(BASE, 0o600), file(THEIRS))
    assert acts(plan) == [("p", Act.MERGE)]
    assert result == file(THEIRS, 0o600)
    plan, result = one(Strategy.ATOMIC, file(BASE), file(OURS), file(BASE, 0o600))
    assert acts(plan) == [("p", Act.CHMOD)]
    assert result == file(OURS, 0o600)


def test_contradicting_metadata_are_held():
    plan, result = one(Strategy.MERGE, file(BASE), file(BASE, 0o600), file(BASE, 0o640))
    assert [hold.reason for hold in plan.holds] == [HoldReason.METADATA]
    assert result == file(BASE, 0o600)


def test_binary_files_that_both_changed_are_held():
    plan, _ = one(Strategy.MERGE, file(b"\0base"), file(b"\0ours"), file(b"\0theirs"))
    assert [hold.reason for hold in plan.holds] == [HoldReason.BINARY]


def test_links_that_both_changed_are_held_whatever_the_strategy_for_text():
    for strategy in (Strategy.MERGE, Strategy.UNION, Strategy.KEYED):
        plan, _ = one(strategy, link(b"a"), link(b"b"), link(b"c"))
        assert [hold.reason for hold in plan.holds] == [HoldReason.CONTENT]


@pytest.mark.parametrize("strategy", [*TEXTUAL, Strategy.ATOMIC, Strategy.UNION])
def test_a_deletion_meets_a_change(strategy):
    for ours, theirs in [(None, file(THEIRS)), (file(OURS), None), (None, file(BASE, 0o600))]:
        plan, result = one(strategy, file(BASE), ours, theirs)
        assert [hold.reason for hold in plan.holds] == [HoldReason.DELETE_MODIFY]
        assert result == ours


@pytest.mark.parametrize(
    "sides",
    [
        pytest.param((file(BASE), link(b"x"), file(THEIRS)), id="ours became a link"),
        pytest.param((file(BASE), file(OURS), link(b"x")), id="theirs became a link"),
        pytest.param((None, link(b"x"), file(BASE)), id="added as different kinds"),
        pytest.param((link(b"x"), file(OURS), file(THEIRS)), id="both became files"),
        pytest.param((file(BASE), directory(), file(THEIRS)), id="ours became a directory"),
        pytest.param((file(BASE), file(BASE, 0o600), link(b"x")), id="metadata and kind"),
    ],
)
def test_kinds_that_differ_after_changes_on_both_sides_are_held(sides):
    for strategy in (Strategy.MERGE, Strategy.UNION, Strategy.ATOMIC):
        plan, result = one(strategy, *sides)
        assert [hold.reason for hold in plan.holds] == [HoldReason.TYPE]
        assert result == sides[1]


def test_both_added_the_same_content():
    plan, result = one(Strategy.MERGE, None, file(BASE, 0o644), file(BASE, 0o640, 0, 42))
    assert acts(plan) == [("p", Act.CHMOD)]
    assert result == file(BASE, 0o640, 0, 42)


@pytest.mark.parametrize("strategy", [*TEXTUAL, Strategy.ATOMIC])
def test_both_added_different_content(strategy):
    plan, result = one(strategy, None, file(OURS), file(THEIRS))
    assert [hold.reason for hold in plan.holds] == [HoldReason.ADD_ADD]
    assert result == file(OURS)


def test_both_added_lines_of_a_union():
    plan, result = one(Strategy.UNION, None, file(b"a\n", 0o600), file(b"b\n"))
    assert acts(plan) == [("p", Act.MERGE)]
    assert result == file(b"a\nb\n", 0o600)


def test_both_added_a_directory():
    plan, result = one(Strategy.MERGE, None, directory(0o755), directory(0o750, 0, 42))
    assert acts(plan) == [("p", Act.CHMOD)]
    assert result == directory(0o750, 0, 42)
