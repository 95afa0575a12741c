"""Clients that differ from upstream in the same way, and edits that a promoted change meets."""

from plan_support import FIFO, file

from etcsync.entries import Entry
from etcsync.plan.alike import drift_groups, shared_groups
from etcsync.plan.model import Change, Difference
from etcsync.policy.treatment import Strategy


def drift(
    path: str, entry: Entry | None = None, change: Change = Change.MODIFIED
) -> list[Difference]:
    return [Difference(path, change, Strategy.MERGE, entry)]


def test_equal_changes_are_one_group_and_keep_the_order_of_clients() -> None:
    edited = file(b"edited\n")
    fleet = {
        "client9": drift("motd", edited),
        "client1": drift("chrony.conf", edited) + drift("motd", edited),
        "client2": drift("motd", file(b"otherwise\n")),
        "client3": [],
    }
    groups = [(group.path, group.clients) for group in drift_groups(fleet)]
    assert groups == [
        ("chrony.conf", ("client1",)),
        ("motd", ("client9", "client1")),
        ("motd", ("client2",)),
    ]
    assert [(group.path, group.clients) for group in shared_groups(fleet)] == [groups[1]]


def test_content_mode_owner_group_and_change_all_tell_differences_apart() -> None:
    same = file(b"a\n")
    others = [
        drift("p", file(b"b\n")),
        drift("p", same._replace(mode=0o600)),
        drift("p", same._replace(uid=1)),
        drift("p", same._replace(gid=1)),
        drift("p", same, Change.ADDED),
        drift("q", same),
        drift("p", None, Change.DELETED),
    ]
    for other in others:
        assert not shared_groups({"a": drift("p", same), "b": other}), other


def test_deletions_are_alike() -> None:
    gone = drift("p", None, Change.DELETED)
    assert [group.clients for group in shared_groups({"a": gone, "b": gone})] == [("a", "b")]


def test_what_is_not_recorded_is_like_nothing_else() -> None:
    special = drift("p", FIFO, Change.TYPE)
    assert not shared_groups({"a": special, "b": special})
    assert len(drift_groups({"a": special, "b": special})) == 2


def test_the_entry_is_neither_compared_nor_shown() -> None:
    secret = file(b"root:$6$salt$hash\n")
    difference = drift("shadow", secret)[0]
    assert difference == drift("shadow")[0]
    assert secret.oid not in repr(difference)
