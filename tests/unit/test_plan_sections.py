"""What merges by section and key only: held, unless a validator could vouch for it."""

from plan_support import applied, directory, file, hold_ids, planned, tree

from etcsync.entries import Entry
from etcsync.plan.decision import unvouched
from etcsync.plan.model import Act, HoldReason, Plan, Refusal, Sides
from etcsync.policy.treatment import Strategy, Treatment

PATH = "ssh/sshd_config"
BASE = b"X11Forwarding yes\nPrintMotd no\n"
OURS, THEIRS = BASE.replace(b"yes", b"no"), BASE.replace(b"Motd no", b"Motd yes")
MERGED = b"X11Forwarding no\nPrintMotd yes\n"
CHECKED = {PATH: Treatment(validate=("sshd", "-t", "-f", "{file}"))}


def sides(
    base: bytes = BASE, ours: bytes = OURS, theirs: bytes = THEIRS, path: str = PATH
) -> Sides:
    return Sides(*(tree({path: file(content)}) for content in (base, ours, theirs)))


def the_hold(plan: Plan) -> tuple[HoldReason, str]:
    (hold,) = plan.holds
    assert [action.act for action in plan.actions] == [Act.HOLD]
    return hold.reason, hold.detail


def after(plan: Plan, path: str = PATH) -> Entry | None:
    (action,) = plan.writes
    assert action.path == path
    return action.after


def test_with_a_validator_it_is_to_be_merged_if_that_vouches_for_it():
    for strategy in (Strategy.MERGE, Strategy.KEYED):
        plan = planned(sides(), {PATH: Treatment(strategy, validate=("sshd",))})
        (action,) = plan.actions
        assert (action.act, action.needs_voucher) == (Act.MERGE, True)
        assert after(plan) == file(MERGED)


def test_what_merges_by_line_needs_nobody_to_vouch_for_it():
    base = b"A 1\nB 1\nC 1\nD 1\n"
    plan = planned(sides(base, base.replace(b"A 1", b"A 2"), base.replace(b"D 1", b"D 2")), CHECKED)
    assert [action.needs_voucher for action in plan.actions] == [False]


def test_without_a_rule_that_names_a_validator_it_is_held():
    reason, detail = the_hold(planned(sides()))
    assert reason is HoldReason.CONTENT
    assert detail == unvouched("no rule names a validator that could vouch for it").detail


def test_what_nobody_vouched_for_is_held_for_that_reason():
    refused = {(PATH, file(MERGED).oid): Refusal(HoldReason.CONTENT, "Nobody vouched.")}
    first = planned(sides(), CHECKED, refused=refused)
    assert the_hold(first) == (HoldReason.CONTENT, "Nobody vouched.")
    again = planned(sides(), CHECKED, hold_ids(first), refused=refused)
    assert again.actions == ()
    assert again.holds == first.holds


def test_once_merged_there_is_nothing_left_to_do():
    settled = applied(sides(), planned(sides(), CHECKED))
    assert planned(settled, CHECKED).actions == ()
    assert planned(settled).holds == ()


def test_a_client_that_took_in_upstream_s_change_itself_needs_no_validator():
    plan = planned(sides(ours=MERGED + b"UseDNS no\n"), recorded_holds={PATH: "00000000"})
    assert [action.act for action in plan.actions] == [Act.RELEASE]


def test_both_values_of_what_is_in_dispute_are_told():
    plan = planned(sides(theirs=BASE.replace(b"yes", b"maybe")), CHECKED)
    assert the_hold(plan) == (
        HoldReason.CONTENT,
        (
            "Client and upstream both changed the value of x11forwarding in sshd_config: "
            "client 'no', upstream 'maybe'."
        ),
    )


def test_values_of_what_is_secret_are_not():
    secret = {PATH: Treatment(secret=True)}
    theirs = BASE.replace(b"yes", b"maybe")
    closed = Sides(*(tree({PATH: file(c, 0o600)}) for c in (BASE, OURS, theirs)))
    for plan in (planned(sides(theirs=theirs), secret), planned(closed)):
        assert "maybe" not in the_hold(plan)[1]
    base = b"[connection]\na=1\npsk=hunter2\nb=1\n"
    nm = "NetworkManager/conf.d/x.conf"
    plan = planned(sides(base, base.replace(b"b=1", b"b=2"), base.replace(b"b=1", b"b=3"), nm))
    assert "b=" not in the_hold(plan)[1]
    assert "'" not in the_hold(plan)[1]


def test_files_that_both_added_and_other_strategies_are_held_as_ever():
    added = Sides(tree(ssh=directory()), tree({PATH: file(OURS)}), tree({PATH: file(THEIRS)}))
    assert the_hold(planned(added, CHECKED))[0] is HoldReason.ADD_ADD
    plan = planned(sides(), {PATH: Treatment(Strategy.ATOMIC, validate=("sshd",))})
    assert the_hold(plan)[0] is HoldReason.CONTENT
    other = planned(sides(path="motd"))
    assert "section" not in the_hold(other)[1]
