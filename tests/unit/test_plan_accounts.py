"""Account files in a plan: all six come together, or all that upstream changed are held."""

from typing import Any

import pytest
from plan_support import (
    BLOBS,
    FIFO,
    applied,
    blob,
    directory,
    file,
    hold_ids,
    link,
    new_merger,
    planned,
    tree,
)

from etcsync.entries import ROOT, Entry
from etcsync.plan.keyed import ACCOUNT_FILES
from etcsync.plan.model import Act, Change, HoldReason, Plan, Sides
from etcsync.plan.planner import plan
from etcsync.policy.treatment import Strategy, Treatment

KEYED = Treatment(Strategy.KEYED)
SECRET = Treatment(Strategy.KEYED, secret=True)
RULES = dict.fromkeys(ACCOUNT_FILES, KEYED) | {"shadow": SECRET, "gshadow": SECRET}
MODES = {"shadow": 0o640, "gshadow": 0o640}

PASSWD = b"root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000:Alice:/home/alice:/bin/bash\n"
SHADOW = b"root:*:19000:0:99999:7:::\nalice:$6$salt$abcdefgh:19000:0:99999:7:::\n"
GROUP = b"root:x:0:\nalice:x:1000:\n"
GSHADOW = b"root:*::\nalice:!::\n"
BASE = {"passwd": PASSWD, "shadow": SHADOW, "group": GROUP, "gshadow": GSHADOW}


def accounts(files: dict[str, bytes], **others: Entry) -> dict[str, Entry]:
    entries = {name: file(text, MODES.get(name, 0o644)) for name, text in files.items()}
    return tree({**entries, **others})


def with_user(name: str, number: int) -> dict[str, bytes]:
    return {
        "passwd": PASSWD + f"{name}:x:{number}:{number}::/home/{name}:/bin/sh\n".encode(),
        "shadow": SHADOW + f"{name}:!:19100:0:99999:7:::\n".encode(),
        "group": GROUP + f"{name}:x:{number}:\n".encode(),
        "gshadow": GSHADOW + f"{name}:!::\n".encode(),
    }


def text(entry: Entry) -> str:
    return BLOBS[entry.oid].decode()


def reasons(plan: Plan) -> dict[str, HoldReason]:
    return {hold.path: hold.reason for hold in plan.holds}


COLLIDING = Sides(
    accounts(BASE),
    accounts(with_user("mine", 1001)),
    accounts(with_user("theirs", 1001), motd=file(b"news\n")),
)


def test_users_added_on_both_sides_come_together():
    sides = Sides(
        accounts(BASE), accounts(with_user("mine", 1001)), accounts(with_user("theirs", 1002))
    )
    result = planned(sides, RULES)
    assert [(a.path, a.act) for a in result.actions] == [
        (path, Act.MERGE) for path in ("group", "gshadow", "passwd", "shadow")
    ]
    after = applied(sides, result)
    for path in ("group", "gshadow", "passwd", "shadow"):
        assert [line.split(":")[0] for line in text(after.ours[path]).splitlines()] == [
            "root", "alice", "theirs", "mine",
        ]  # fmt: skip
        assert after.ours[path].mode == MODES.get(path, 0o644)
    assert {d.path: d.change for d in result.drift} == dict.fromkeys(
        ("group", "gshadow", "passwd", "shadow"), Change.MODIFIED
    )
    assert planned(after, RULES).actions == ()


def test_a_conflict_in_one_file_holds_all_that_upstream_changed_and_nothing_else():
    result = planned(COLLIDING, RULES)
    assert reasons(result) == dict.fromkeys(
        ("group", "gshadow", "passwd", "shadow"), HoldReason.ACCOUNT
    )
    assert [(a.path, a.act) for a in result.writes] == [("motd", Act.WRITE)]
    (detail,) = {hold.detail for hold in result.holds}
    assert "would share the uid 1001 in passwd: client mine, upstream theirs." in detail
    assert "would share the gid 1001 in group: client mine, upstream theirs." in detail


def test_a_held_transaction_stays_as_it_is_until_one_side_gives_way():
    first = planned(COLLIDING, RULES)
    after = applied(COLLIDING, first)
    again = planned(after, RULES, hold_ids(first))
    assert again.actions == ()
    assert hold_ids(again) == hold_ids(first)
    mended = Sides(
        after.base, accounts(with_user("mine", 1007), motd=file(b"news\n")), after.theirs
    )
    last = planned(mended, RULES, hold_ids(first))
    assert not last.holds
    assert {a.act for a in last.actions} == {Act.MERGE}


def test_only_what_upstream_changed_is_held():
    theirs = {**BASE, "passwd": PASSWD.replace(b"/bin/bash\nalice", b"/bin/sh\nalice")}
    ours = {**with_user("mine", 1001)}
    ours["passwd"] = ours["passwd"].replace(b"/bin/bash\nalice", b"/bin/zsh\nalice")
    result = planned(Sides(accounts(BASE), accounts(ours), accounts(theirs)), RULES)
    assert reasons(result) == {"passwd": HoldReason.ACCOUNT}
    assert "the shell of root in passwd: client '/bin/zsh', upstream '/bin/sh'" in (
        result.holds[0].detail
    )
    assert {d.path for d in result.drift} == {"group", "gshadow", "shadow"}


def test_a_password_is_never_told():
    ours, theirs = (
        {**BASE, "shadow": SHADOW.replace(b"$6$salt$abcdefgh", new)}
        for new in (b"$6$salt$oursours", b"$6$salt$theirsth")
    )
    result = planned(Sides(accounts(BASE), accounts(ours), accounts(theirs)), RULES)
    assert reasons(result) == {"shadow": HoldReason.ACCOUNT}
    detail = result.holds[0].detail
    assert "the password of alice in shadow" in detail
    assert "$6$" not in detail


def test_only_the_first_conflicts_are_spelled_out():
    def shells(shell: bytes) -> dict[str, bytes]:
        users = (b"u%d:x:%d:0:::%s\n" % (n, 2000 + n, shell) for n in range(30))
        return {**BASE, "passwd": PASSWD + b"".join(users)}

    sides = Sides(*(accounts(shells(shell)) for shell in (b"/a", b"/b", b"/c")))
    detail = planned(sides, RULES).holds[0].detail
    assert detail.count("changed the shell") == 5
    assert detail.endswith(" And 25 more.")


def test_what_one_side_alone_changed_is_not_questioned():
    second_superuser = {**BASE, "passwd": PASSWD + b"toor:x:0:0::/root:/bin/sh\n"}
    taken = planned(Sides(accounts(BASE), accounts(BASE), accounts(second_superuser)), RULES)
    assert [(a.path, a.act) for a in taken.actions] == [("passwd", Act.WRITE)]
    kept = planned(Sides(accounts(BASE), accounts(second_superuser), accounts(BASE)), RULES)
    assert kept.actions == kept.holds == ()
    half_done = {**second_superuser, "shadow": SHADOW}
    theirs = {**second_superuser, "shadow": SHADOW + b"toor:*:19000:0:99999:7:::\n"}
    finished = planned(Sides(accounts(BASE), accounts(half_done), accounts(theirs)), RULES)
    assert [(a.path, a.act) for a in finished.actions] == [("shadow", Act.WRITE)]


def test_modes_are_merged_with_the_contents():
    ours = accounts(with_user("mine", 1001))
    theirs = accounts(with_user("theirs", 1002))
    theirs["shadow"] = theirs["shadow"]._replace(mode=0o600)
    theirs["subuid"] = file(b"", 0o644)
    sides = Sides(accounts(BASE), ours, theirs)
    after = applied(sides, planned(sides, RULES)).ours
    assert after["shadow"].mode == 0o600
    assert after["subuid"] == theirs["subuid"]


def test_modes_that_contradict_hold_all_files():
    ours, theirs = accounts(with_user("mine", 1001)), accounts(with_user("theirs", 1002))
    ours["group"] = ours["group"]._replace(mode=0o600)
    theirs["group"] = theirs["group"]._replace(mode=0o640)
    result = planned(Sides(accounts(BASE), ours, theirs), RULES)
    assert result.writes == ()
    assert reasons(result) == {
        "group": HoldReason.METADATA,
        "gshadow": HoldReason.GROUP,
        "passwd": HoldReason.GROUP,
        "shadow": HoldReason.GROUP,
    }


@pytest.mark.parametrize("odd", [FIFO, link(b"/run/group"), directory()])
def test_what_is_no_file_on_one_side_holds_the_others(odd):
    ours = accounts(with_user("mine", 1001))
    del ours["group"]
    unmanaged = {"group": odd} if odd is FIFO else {}
    ours |= {} if odd is FIFO else {"group": odd}
    sides = Sides(accounts(BASE), ours, accounts(with_user("theirs", 1002)), unmanaged=unmanaged)
    result = planned(sides, RULES)
    assert result.writes == ()
    assert reasons(result) == {
        "group": HoldReason.TYPE,
        "gshadow": HoldReason.ACCOUNT,
        "passwd": HoldReason.ACCOUNT,
        "shadow": HoldReason.ACCOUNT,
    }
    assert result.holds[1].detail.startswith("group is not a file on every side")


def test_a_file_that_policy_treats_in_another_way_stays_out_of_it():
    rules = {**RULES, "shadow": Treatment(Strategy.CLIENT), "gshadow": Treatment(Strategy.IGNORE)}
    sides = Sides(
        accounts(BASE), accounts(with_user("mine", 1001)), accounts(with_user("theirs", 1002))
    )
    result = planned(sides, rules)
    assert [(a.path, a.act) for a in result.actions] == [
        ("group", Act.MERGE),
        ("passwd", Act.MERGE),
    ]


def test_a_deleted_account_file_that_upstream_changed_is_held():
    ours = accounts(with_user("mine", 1001))
    del ours["gshadow"]
    result = planned(Sides(accounts(BASE), ours, accounts(with_user("theirs", 1002))), RULES)
    assert set(reasons(result).values()) == {HoldReason.ACCOUNT}
    assert result.holds[0].detail.startswith("The client deleted the file gshadow")


def test_a_merge_that_leaves_ours_as_it_is_writes_nothing():
    theirs = {**BASE, "passwd": PASSWD.replace(b"Alice", b"A.")}
    ours = {**theirs, "passwd": theirs["passwd"] + b"mine:x:1001:1000::/:/bin/sh\n"}
    result = planned(Sides(accounts(BASE), accounts(ours), accounts(theirs)), RULES)
    assert result.actions == result.holds == ()
    assert [d.path for d in result.drift] == ["passwd"]


def test_a_fleet_with_equal_accounts_merges_once():
    reads: list[str] = []

    def read(oid: str) -> bytes:
        reads.append(oid)
        return BLOBS[oid]

    merger = new_merger()
    merger._stored = read
    sides = Sides(
        accounts(BASE), accounts(with_user("mine", 1001)), accounts(with_user("theirs", 1002))
    )
    for number in range(100):
        plan(sides, lambda path: RULES.get(path, Treatment()), merger, client=f"c{number}")
    assert len(reads) == 12
    assert len(merger.contents) == 4


# Other files of strategy keyed.


def tables(path: str, base: bytes, ours: bytes, theirs: bytes, **treatment: Any) -> Plan:
    sides = Sides(*(tree({path: file(content)}) for content in (base, ours, theirs)))
    return planned(sides, {path: Treatment(Strategy.KEYED, **treatment)})


HOSTS = b"127.0.0.1 localhost\n"


def test_a_table_merges_by_record():
    result = tables("hosts", HOSTS, HOSTS + b"10.0.0.1 mine\n", HOSTS + b"10.0.0.2 theirs\n")
    (action,) = result.actions
    assert action.act is Act.MERGE
    assert set(text(action.after).splitlines()) == {
        "127.0.0.1 localhost", "10.0.0.1 mine", "10.0.0.2 theirs",
    }  # fmt: skip


def test_a_dispute_over_a_record_is_told_unless_it_is_secret():
    sides = (HOSTS, HOSTS + b"10.0.0.1 one\n", HOSTS + b"10.0.0.2 one\n")
    told = tables("hosts", *sides).holds[0]
    assert told.reason is HoldReason.CONTENT
    assert "'10.0.0.1'" in told.detail
    assert "'10.0.0.2'" in told.detail
    for secret in (tables("hosts", *sides, secret=True), *private(*sides)):
        assert secret.holds[0].reason is HoldReason.CONTENT
        assert "10.0.0" not in secret.holds[0].detail
    with_hash = [side + b"# $6$salt$abcdefgh\n" for side in sides]
    assert "10.0.0" not in tables("hosts", *with_hash).holds[0].detail


def private(*contents: bytes) -> list[Plan]:
    sides = Sides(*(tree(hosts=file(content, 0o600)) for content in contents))
    return [planned(sides, {"hosts": KEYED})]


def test_what_cannot_be_taken_apart_merges_by_line():
    twice = HOSTS + b"10.0.0.1 one\n10.0.0.9 one\n1\n2\n3\n"
    result = tables("hosts", twice, b"# mine\n" + twice, twice + b"# theirs\n")
    assert result.actions[0].act is Act.MERGE
    assert blob(b"# mine\n" + twice + b"# theirs\n") == result.actions[0].after.oid


def test_a_new_tree_takes_accounts_that_would_be_questioned_in_a_merge():
    theirs = accounts({**BASE, "passwd": PASSWD + b"toor:x:0:0::/root:/bin/sh\n"})
    begun = {ROOT: directory(), "passwd": theirs["passwd"]}
    result = planned(Sides({}, begun, theirs, creating=True), RULES)
    assert not result.holds
    assert {a.path for a in result.actions} == {"group", "gshadow", "shadow"}


def test_a_file_that_both_sides_changed_alike_waits_with_the_others():
    """Its base says what the merge of the others must not lose."""
    lost = {"passwd": b"no account at all\n"}
    sides = Sides(
        accounts(BASE),
        accounts(with_user("mine", 1001) | lost),
        accounts(with_user("theirs", 1002) | lost),
    )
    first = planned(sides, RULES)
    assert reasons(first) == dict.fromkeys(
        ("group", "gshadow", "passwd", "shadow"), HoldReason.ACCOUNT
    )
    second = planned(applied(sides, first), RULES, hold_ids(first))
    assert (second.actions, second.holds) == ((), first.holds)
