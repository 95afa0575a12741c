"""What happens to accounts that a client, upstream, or both changed."""

import pytest

from etcsync.plan.keyed import (
    ACCOUNT_FILES,
    AccountsConflict,
    AccountsMerged,
    RecordConflict,
    merge_accounts,
)

Files = dict[str, bytes]

BASE: Files = {
    "passwd": (
        b"root:x:0:0:root:/root:/bin/bash\n"
        b"bob:x:1000:1000:Bob:/home/bob:/bin/bash\n"
        b"carol:x:1001:1001:Carol:/home/carol:/bin/bash\n"
    ),
    "group": b"root:x:0:\nbob:x:1000:\ncarol:x:1001:\ndocker:x:998:bob,carol\n",
    "shadow": (
        b"root:$6$root:19000:0:99999:7:::\n"
        b"bob:$6$bob:19000:0:99999:7:::\n"
        b"carol:$6$carol:19000:0:99999:7:::\n"
    ),
    "gshadow": b"root:*::\nbob:!::\ncarol:!::\ndocker:!:bob:bob,carol\n",
    "subuid": b"bob:100000:65536\ncarol:165536:65536\n",
    "subgid": b"bob:100000:65536\ncarol:165536:65536\n",
}

STRANGE: Files = {"passwd": b"+\nroot:x:0:0\r\n\n#\nx", "shadow": b"\xff\x00"}


def edit(*replacements: tuple[str, bytes, bytes], files: Files = BASE) -> Files:
    """Return ``files`` with text replaced; an empty old text appends."""
    new = dict(files)
    for name, old, text in replacements:
        assert old in new[name]
        new[name] = new[name].replace(old, text, 1) if old else new[name] + text
    return new


def add(name: bytes, uid: int, start: int = 231072) -> list[tuple[str, bytes, bytes]]:
    return [
        ("passwd", b"", b"%b:x:%d:%d::/home/%b:/bin/sh\n" % (name, uid, uid, name)),
        ("group", b"", b"%b:x:%d:\n" % (name, uid)),
        ("shadow", b"", b"%b:!:19100:0:99999:7:::\n" % name),
        ("gshadow", b"", b"%b:!::\n" % name),
        ("subuid", b"", b"%b:%d:65536\n" % (name, start)),
        ("subgid", b"", b"%b:%d:65536\n" % (name, start)),
    ]


def delete_bob(files: Files = BASE) -> Files:
    return edit(
        ("passwd", b"bob:x:1000:1000:Bob:/home/bob:/bin/bash\n", b""),
        ("group", b"bob:x:1000:\n", b""),
        ("group", b"bob,carol", b"carol"),
        ("shadow", b"bob:$6$bob:19000:0:99999:7:::\n", b""),
        ("gshadow", b"bob:!::\n", b""),
        ("gshadow", b"!:bob:bob,carol", b"!::carol"),
        ("subuid", b"bob:100000:65536\n", b""),
        ("subgid", b"bob:100000:65536\n", b""),
        files=files,
    )


def merged(ours: Files, theirs: Files, base: Files = BASE) -> Files:
    outcome = merge_accounts(base, ours, theirs)
    assert isinstance(outcome, AccountsMerged), outcome
    assert merge_accounts(base, outcome.files, theirs) == outcome
    return {name: content for name, content in outcome.files.items() if content is not None}


def conflicts(ours: Files, theirs: Files, base: Files = BASE) -> tuple[RecordConflict, ...]:
    outcome = merge_accounts(base, ours, theirs)
    assert isinstance(outcome, AccountsConflict), outcome
    assert isinstance(merge_accounts(base, theirs, ours), AccountsConflict)
    assert "$6$" not in str(outcome)
    return outcome.conflicts


def the_conflict(ours: Files, theirs: Files, base: Files = BASE) -> RecordConflict:
    (conflict,) = conflicts(ours, theirs, base)
    return conflict


class TestWholeFiles:
    def test_what_one_side_changed_comes_through_byte_for_byte(self):
        everything = dict.fromkeys(ACCOUNT_FILES) | STRANGE
        assert merge_accounts(BASE, BASE, STRANGE) == AccountsMerged(everything)
        assert merge_accounts(BASE, STRANGE, BASE) == AccountsMerged(everything)
        assert merge_accounts(BASE, STRANGE, STRANGE) == AccountsMerged(everything)

    def test_a_file_that_one_side_changed_comes_through_byte_for_byte(self):
        ours = edit(("subuid", b"", b"# no line feed"))
        theirs = edit(*add(b"dave", 1002)[:4], ("group", b"docker", b"\n\ndocker"))
        assert merged(ours, theirs) == theirs | {"subuid": ours["subuid"]}

    def test_a_file_deleted_on_one_side_is_deleted(self):
        ours = {name: content for name, content in BASE.items() if name != "subgid"}
        theirs = edit(("passwd", b"Bob", b"B."))
        assert "subgid" not in merged(ours, theirs)

    def test_a_file_deleted_on_one_side_and_changed_on_the_other_conflicts(self):
        ours = {name: content for name, content in BASE.items() if name != "subgid"}
        conflict = the_conflict(ours, edit(("subgid", b"65536", b"1000")))
        assert conflict == RecordConflict(
            "subgid",
            "",
            "",
            None,
            "changed",
            "The client deleted the file subgid, but upstream changed it",
        )

    def test_a_file_that_both_sides_created_is_merged(self):
        base = {name: content for name, content in BASE.items() if name != "subuid"}
        ours, theirs = base | {"subuid": b"bob:1:5\n"}, base | {"subuid": b"carol:6:5\n"}
        assert merged(ours, theirs, base)["subuid"] == b"carol:6:5\nbob:1:5\n"

    def test_a_last_line_without_line_feed_is_whole(self):
        ours = edit(("passwd", b"", b"dave:x:1002:100::/:/bin/sh"))
        theirs = edit(("passwd", b"", b"erin:x:1003:100::/:/bin/sh"))
        assert merged(ours, theirs)["passwd"].endswith(
            b"\nerin:x:1003:100::/:/bin/sh\ndave:x:1002:100::/:/bin/sh"
        )


class TestOrder:
    def test_upstreams_records_come_first_in_its_order_then_the_clients(self):
        ours = edit(
            ("passwd", b"bob:", b"dave:x:1002:100::/:/bin/sh\nbob:"),
            ("passwd", b"", b"erin:x:1003:100::/:/bin/sh\n"),
        )
        bob, carol = BASE["passwd"].splitlines(keepends=True)[1:]
        theirs = edit(("passwd", bob + carol, carol + b"frank:x:1004:100::/:/bin/sh\n" + bob))
        names = [line.split(b":")[0] for line in merged(ours, theirs)["passwd"].splitlines()]
        assert names == [b"root", b"carol", b"frank", b"bob", b"dave", b"erin"]

    def test_compat_lines_stay_last_and_in_their_own_order(self):
        base = edit(("passwd", b"", b"+@admins::::::\n+::::::\n"))
        ours = edit(
            ("passwd", b"+:", b"dave:x:1002:100::/:/bin/sh\n-mallory::::::\n+:"), files=base
        )
        theirs = edit(("passwd", b"+@", b"erin:x:1003:100::/:/bin/sh\n+@"), files=base)
        names = [line.split(b":")[0] for line in merged(ours, theirs, base)["passwd"].splitlines()]
        assert names[3:] == [b"erin", b"dave", b"+@admins", b"-mallory", b"+"]

    def test_where_nothing_but_upstreams_layout_is_left_it_is_taken_as_it_is(self):
        base = {"passwd": b"root:x:0:0:::\nbob:x:1:1:::\n+::::::\n"}
        ours = {"passwd": b"bob:x:1:1:::\nroot:x:0:0:::\n+::::::\n"}
        theirs = {"passwd": b"+::::::\nroot:x:0:0:::\nbob:x:1:1:::\n"}
        assert merged(ours, theirs, base) == theirs

    def test_comments_and_blank_lines_stay_before_their_record(self):
        base = edit(("group", b"docker", b"# containers\n\ndocker"))
        ours = edit(
            ("group", b"carol:", b"# people\ncarol:"), ("group", b"", b"# end\n"), files=base
        )
        theirs = edit(("group", b"docker", b"# since 2024\nrender:x:990:\ndocker"), files=base)
        assert merged(ours, theirs, base)["group"] == (
            b"root:x:0:\nbob:x:1000:\n# people\ncarol:x:1001:\n# containers\n\n# since 2024\n"
            b"render:x:990:\ndocker:x:998:bob,carol\n# end\n"
        )

    def test_a_comment_before_a_record_that_the_other_side_deletes_is_kept(self):
        ours = edit(("passwd", b"bob:", b"# the boss\nbob:"))
        theirs = edit(("passwd", b"Carol", b"C."), files=delete_bob())
        assert merged(ours, theirs)["passwd"].splitlines()[1] == b"# the boss"

    def test_a_comment_that_both_sides_moved_before_a_new_record_stands_once(self):
        base = edit(("group", b"docker", b"# system\ndocker"))
        ours = edit(("group", b"# system\n", b"# system\nrender:x:990:\n"), files=base)
        theirs = edit(("group", b"# system\n", b"# system\ninput:x:991:\n"), files=base)
        assert merged(ours, theirs, base)["group"].endswith(
            b"# system\ninput:x:991:\ndocker:x:998:bob,carol\nrender:x:990:\n"
        )


class TestFields:
    def test_fields_of_one_record_merge_each_by_itself(self):
        ours = edit(("passwd", b"/home/bob:/bin/bash", b"/home/bob:/bin/zsh"))
        theirs = edit(("passwd", b"Bob", b"Robert"))
        assert b"bob:x:1000:1000:Robert:/home/bob:/bin/zsh\n" in merged(ours, theirs)["passwd"]

    def test_the_same_change_on_both_sides_is_one_change(self):
        both = edit(("passwd", b"Bob", b"Robert"))
        theirs = edit(("passwd", b"Carol", b"C."), files=both)
        assert merged(both, theirs) == theirs

    def test_the_same_field_changed_on_both_sides_conflicts(self):
        ours = edit(("passwd", b"/home/bob:/bin/bash", b"/home/bob:/bin/zsh"))
        theirs = edit(("passwd", b"/home/bob:/bin/bash", b"/home/bob:/bin/fish"))
        assert the_conflict(ours, theirs) == RecordConflict(
            "passwd",
            "bob",
            "shell",
            "/bin/zsh",
            "/bin/fish",
            "Client and upstream both changed the shell of bob in passwd:"
            " client '/bin/zsh', upstream '/bin/fish'",
        )

    def test_carriage_returns_belong_to_the_line_end(self):
        ours = edit(("passwd", b"Carol", b"C."))
        theirs = {name: content.replace(b"\n", b"\r\n") for name, content in BASE.items()}
        assert b"carol:x:1001:1001:C.:/home/carol:/bin/bash\r\n" in merged(ours, theirs)["passwd"]
        assert b"docker:x:998:bob,carol\r\n" in merged(ours, theirs)["group"]

    def test_members_and_administrators_merge_as_sets(self):
        ours = edit(
            ("group", b"bob,carol", b"bob,carol,root"),
            ("gshadow", b"!:bob:bob,carol", b"!:bob,root:bob,carol,root"),
        )
        theirs = edit(
            *add(b"dave", 1002),
            ("group", b"bob,carol", b"dave,carol"),
            ("gshadow", b"!:bob:bob,carol", b"!:dave:dave,carol"),
        )
        result = merged(ours, theirs)
        assert b"docker:x:998:dave,carol,root\n" in result["group"]
        assert b"docker:!:dave,root:dave,carol,root\n" in result["gshadow"]


class TestAdding:
    def test_accounts_added_on_each_side_both_come_with_all_their_records(self):
        result = merged(edit(*add(b"dave", 1002)), edit(*add(b"erin", 1003, 300000)))
        for name in ACCOUNT_FILES:
            assert result[name].startswith(BASE[name])
            ends = [line.split(b":")[0] for line in result[name].splitlines()[-2:]]
            assert ends == [b"erin", b"dave"]

    def test_the_same_account_added_on_both_sides_is_one(self):
        theirs = edit(*add(b"erin", 1003, 300000), *add(b"dave", 1002))
        assert merged(edit(*add(b"dave", 1002)), theirs) == theirs

    def test_the_later_day_stands_where_both_sides_installed_the_same_service(self):
        ours = edit(("shadow", b"", b"redis:!:19100::::::\n"))
        theirs = edit(("shadow", b"", b"redis:!:19105::::::\n"))
        assert merged(ours, theirs)["shadow"].endswith(b"redis:!:19105::::::\n")

    def test_one_name_with_different_ids_conflicts(self):
        found = conflicts(edit(*add(b"dave", 1002)), edit(*add(b"dave", 1003)))
        assert ("passwd", "dave", "uid", "1002", "1003") in [tuple(c)[:5] for c in found]
        assert ("group", "dave", "gid", "1002", "1003") in [tuple(c)[:5] for c in found]

    def test_one_uid_for_different_names_conflicts(self):
        ours = edit(("passwd", b"", b"dave:x:1002:100::/:/bin/sh\n"))
        theirs = edit(("passwd", b"", b"erin:x:1002:100::/:/bin/sh\n"))
        assert the_conflict(ours, theirs) == RecordConflict(
            "passwd",
            "dave",
            "uid",
            "1002 (dave)",
            "1002 (erin)",
            "dave, erin would share the uid 1002 in passwd: client dave, upstream erin",
        )

    def test_one_gid_for_different_names_conflicts(self):
        ours = edit(("group", b"", b"render:x:990:\n"))
        theirs = edit(("group", b"", b"input:x:990:\n"))
        assert the_conflict(ours, theirs).field == "gid"

    def test_ids_that_base_shares_already_are_tolerated(self):
        base = edit(("passwd", b"", b"robert:x:1000:1000::/:/bin/sh\n"))
        ours = edit(("passwd", b"Carol", b"C."), files=base)
        theirs = edit(("passwd", b"Bob", b"B."), files=base)
        assert b"robert" in merged(ours, theirs, base)["passwd"]

    @pytest.mark.parametrize("line", [b"toor:x:0:0::/:/bin/sh\n", b" toor:x:00:0\n"])
    def test_a_second_uid_0_conflicts_however_it_is_written(self, line: bytes):
        ours, theirs = edit(("passwd", b"", line)), edit(("passwd", b"Bob", b"B."))
        assert the_conflict(ours, theirs).record == "toor"
        assert the_conflict(theirs, ours).ours == "0 (root)"

    def test_overlapping_subordinate_ranges_conflict(self):
        ours = edit(("subuid", b"", b"dave:231072:65536\n"))
        theirs = edit(("subuid", b"", b"erin:290000:10\n"))
        assert the_conflict(ours, theirs) == RecordConflict(
            "subuid",
            "dave",
            "start",
            "231072-296607 (dave)",
            "290000-290009 (erin)",
            "The range 231072-296607 (dave) of the client and 290000-290009 (erin) of upstream"
            " overlap in subuid",
        )

    def test_ranges_that_overlap_within_one_side_or_only_touch_are_tolerated(self):
        ours = edit(("subuid", b"", b"dave:100000:10\ndave:231072:10\n"))
        theirs = edit(("subuid", b"", b"erin:231082:10\n"))
        assert merged(ours, theirs)["subuid"].endswith(
            b"erin:231082:10\ndave:100000:10\ndave:231072:10\n"
        )

    def test_one_account_may_own_several_ranges(self):
        ours = edit(("subuid", b"", b"bob:300000:10\n"))
        theirs = edit(("subuid", b"", b"bob:400000:10\n"))
        assert merged(ours, theirs)["subuid"].count(b"bob:") == 3


class TestDeleting:
    def test_an_account_deleted_on_one_side_is_gone_from_all_files(self):
        ours = edit(*add(b"dave", 1002))
        for result in (merged(ours, delete_bob()), merged(delete_bob(), ours)):
            assert not any(b"bob" in content for content in result.values())
            assert all(b"dave" in content for content in result.values())

    def test_an_account_deleted_and_changed_conflicts(self):
        ours = edit(("passwd", b"Bob", b"B."))
        assert the_conflict(ours, delete_bob()) == RecordConflict(
            "passwd",
            "bob",
            "",
            "changed",
            None,
            "Upstream deleted bob from passwd, but the client changed it",
        )

    def test_an_account_deleted_that_got_a_new_password_conflicts(self):
        ours = edit(("shadow", b"$6$bob:19000", b"$6$new:19100"))
        assert the_conflict(ours, delete_bob()).file == "shadow"

    @pytest.mark.parametrize(
        ("file", "line"),
        [
            ("group", b"render:x:990:bob\n"),
            ("gshadow", b"render:!::bob\n"),
            ("subuid", b"bob:9:9\n"),
        ],
    )
    def test_an_account_deleted_that_is_named_anew_elsewhere_conflicts(
        self, file: str, line: bytes
    ):
        conflict = the_conflict(edit((file, b"", line)), delete_bob())
        assert (conflict.file, conflict.record) == (file, "bob")
        assert conflict.sentence.startswith("Upstream deleted bob from passwd")

    def test_members_who_live_in_no_file_are_nobodys_business(self):
        ours = edit(("group", b"", b"render:x:990:ldapuser\n"))
        assert b"ldapuser" in merged(ours, delete_bob())["group"]

    def test_a_group_deleted_that_becomes_a_primary_group_conflicts(self):
        ours = edit(("passwd", b"", b"dave:x:1002:1000::/:/bin/sh\n"))
        assert the_conflict(ours, delete_bob()) == RecordConflict(
            "group",
            "bob",
            "gid",
            "1000",
            None,
            "No group would have the gid 1000 (bob) any more, but it is the primary group of dave",
        )

    def test_a_group_renumbered_that_becomes_a_primary_group_conflicts(self):
        ours = edit(("passwd", b"", b"dave:x:1002:998::/:/bin/sh\n"))
        assert the_conflict(ours, edit(("group", b"998", b"997"))).record == "docker"

    @pytest.mark.parametrize("file", ["passwd", "group", "shadow", "gshadow"])
    def test_root_is_never_removed(self, file: str):
        first = BASE[file].splitlines(keepends=True)[0]
        ours, theirs = edit((file, first, b"")), edit(("passwd", b"Bob", b"B."))
        assert "root would be lost" in " ".join(c.sentence for c in conflicts(ours, theirs))

    def test_a_shadow_record_that_the_other_side_relies_on_is_not_lost(self):
        base = edit(("shadow", b"", b"dave:!:19000::::::\n"))
        theirs = edit(("passwd", b"", b"dave:x:1002:100::/:/bin/sh\n"), files=base)
        conflict = the_conflict(BASE, theirs, base)
        assert conflict.sentence == "dave would be in passwd but not in shadow"

    def test_what_is_incomplete_already_is_not_repaired(self):
        base = edit(
            ("passwd", b"", b"dave:x:1002:100::/:/bin/sh\n"), ("shadow", b"", b"erin:*:1\n")
        )
        ours = edit(("passwd", b"Bob", b"B."), files=base)
        theirs = edit(("passwd", b"Carol", b"C."), files=base)
        assert merged(ours, theirs, base)["shadow"] == base["shadow"]


def with_password(password: bytes, day: int | bytes, name: bytes = b"bob") -> Files:
    text = b"%b:%b:%b" % (name, password, day if isinstance(day, bytes) else b"%d" % day)
    return edit(("shadow", b"%b:$6$%b:19000" % (name, name), text))


def password_after(ours: Files, theirs: Files) -> bytes:
    changed = edit(("passwd", b"Carol", b"C."), files=theirs)
    line = merged(ours, changed)["shadow"].splitlines()[1]
    return b":".join(line.split(b":")[1:3])


class TestPasswords:
    BOB = with_password(b"$6$bob", 19000)

    def test_a_password_changed_on_one_side_is_taken(self):
        new = with_password(b"$6$new", 19100)
        carol = edit(("shadow", b"$6$carol:19000", b"$6$other:19050"))
        assert password_after(new, carol) == password_after(carol, new) == b"$6$new:19100"

    def test_of_two_new_passwords_the_later_is_taken(self):
        one, other = with_password(b"$6$one", 19100), with_password(b"$6$two", 19101)
        assert password_after(one, other) == password_after(other, one) == b"$6$two:19101"

    @pytest.mark.parametrize("days", [(19100, 19100), (b"0", 19100), (19100, b"")])
    def test_two_new_passwords_without_a_later_conflict(self, days: tuple[bytes, bytes]):
        conflict = the_conflict(
            with_password(b"$6$one", days[0]), with_password(b"$6$two", days[1])
        )
        assert conflict == RecordConflict(
            "shadow",
            "bob",
            "password",
            "password",
            "password",
            "Client and upstream both changed the password of bob in shadow: different passwords",
        )

    def test_a_lock_wins_over_a_new_password_and_keeps_it_locked(self):
        lock, new = with_password(b"!$6$bob", 19000), with_password(b"$6$new", 19100)
        assert password_after(lock, new) == password_after(new, lock) == b"!$6$new:19100"

    def test_a_lock_wins_over_a_later_password(self):
        lock, new = with_password(b"!$6$one", 19100), with_password(b"$6$new", 19101)
        assert password_after(lock, new) == password_after(new, lock) == b"!$6$new:19101"

    def test_a_lock_wins_where_no_password_is_later(self):
        lock, new = with_password(b"!$6$one", 19100), with_password(b"$6$new", 19100)
        assert password_after(lock, new) == password_after(new, lock) == b"!$6$one:19100"

    def test_a_lock_that_threw_the_hash_away_keeps_the_other_sides_hash_locked(self):
        lock, new = with_password(b"*", 19000), with_password(b"$6$new", 19100)
        assert password_after(lock, new) == password_after(new, lock) == b"*$6$new:19100"

    def test_unlocking_by_one_side_alone_is_taken(self):
        base = with_password(b"!$6$bob", 19000)
        ours, theirs = edit(("passwd", b"Carol", b"C."), files=base), self.BOB
        assert merged(ours, theirs, base)["shadow"] == theirs["shadow"]

    def test_unlocking_against_a_new_locked_password_stays_locked(self):
        base = with_password(b"!$6$bob", 19000)
        result = merged(self.BOB, with_password(b"!$6$new", 19100), base)
        assert b"bob:!$6$new:19100:" in result["shadow"]

    def test_an_older_password_never_replaces_a_newer(self):
        ours, theirs = with_password(b"$6$old", 18000), edit(("passwd", b"Carol", b"C."))
        assert the_conflict(ours, theirs).sentence == (
            "The password of bob in shadow would be replaced by an older one"
        )
        assert the_conflict(theirs, ours).field == "password"

    def test_a_demand_for_a_new_password_is_not_an_older_password(self):
        assert password_after(with_password(b"$6$new", b"0"), BASE) == b"$6$new:0"

    @pytest.mark.parametrize(
        ("file", "old"),
        [
            ("shadow", b"bob:$6$bob"),
            ("passwd", b"bob:x"),
            ("group", b"docker:x"),
            ("gshadow", b"docker:!"),
        ],
    )
    def test_a_password_never_becomes_empty(self, file: str, old: bytes):
        ours = edit((file, old, old.partition(b":")[0] + b":"))
        theirs = edit(*add(b"dave", 1002))
        assert the_conflict(ours, theirs).sentence.endswith("would become empty")
        assert the_conflict(theirs, ours).field == "password"

    def test_an_emptied_password_conflicts_with_a_new_one(self):
        ours, theirs = with_password(b"", 19100), with_password(b"$6$new", 19050)
        assert the_conflict(ours, theirs).field == "password"

    def test_the_mark_of_a_shadowed_password_conflicts_with_a_hash(self):
        base = edit(("passwd", b"bob:x", b"bob:$6$old"))
        assert (
            the_conflict(BASE, edit(("passwd", b"bob:x", b"bob:$6$new")), base).field == "password"
        )

    def test_group_passwords_have_no_day_and_conflict_unless_locked(self):
        one = edit(("gshadow", b"docker:!", b"docker:$6$one"))
        two = edit(("gshadow", b"docker:!", b"docker:$6$two"))
        assert the_conflict(one, two).record == "docker"
        locked = edit(("gshadow", b"docker:!", b"docker:!!$6$two"))
        assert b"docker:!!$6$two:" in merged(one, locked)["gshadow"]

    def test_different_days_without_a_new_password_conflict(self):
        ours = with_password(b"$6$bob", b"0")
        assert the_conflict(ours, with_password(b"$6$bob", 19100)).field == "lastchg"


class TestOddLines:
    def test_a_line_that_is_not_well_formed_stays_as_it_is(self):
        base = edit(("passwd", b"carol", b"broken:x:y\n\xff\x00 nothing at all\ncarol"))
        ours = edit(("passwd", b"Carol", b"C."), files=base)
        theirs = edit(("passwd", b"Bob", b"B."), files=base)
        result = merged(ours, theirs, base)["passwd"]
        assert b"broken:x:y\n\xff\x00 nothing at all\ncarol:x:1001:1001:C." in result

    def test_a_line_that_is_not_well_formed_conflicts_when_both_sides_change_it(self):
        base = edit(("shadow", b"", b"old:$6$hash:1\n"))
        ours = edit(("shadow", b"", b"old:$6$other:1\n"))
        theirs = edit(("shadow", b"", b"old:$6$third:1\n"))
        conflict = the_conflict(ours, theirs, base)
        assert (conflict.record, conflict.ours, conflict.theirs) == ("old", "changed", "changed")

    def test_a_name_on_several_lines_follows_the_side_that_changed_it(self):
        base = edit(("group", b"docker", b"docker:x:998:root\ndocker"))
        ours = edit(("group", b"docker:x:998:root\n", b""), files=base)
        theirs = edit(("group", b"bob:x", b"bob:!"), files=base)
        assert merged(ours, theirs, base)["group"].count(b"docker") == 1
        assert merged(theirs, ours, base)["group"].count(b"docker") == 1

    def test_a_name_on_several_lines_conflicts_when_both_sides_changed_it(self):
        base = edit(("group", b"docker", b"docker:x:998:root\ndocker"))
        ours = edit(("group", b"998:root", b"998:"), files=base)
        theirs = edit(("group", b"998:bob", b"998:"), files=base)
        assert the_conflict(ours, theirs, base).sentence == (
            "docker stands on several lines of group, and client and upstream both changed them"
        )

    def test_a_hundred_thousand_lines_and_one_of_a_megabyte_are_no_matter(self):
        lines = b"".join(b"u%d:x:%d:100::/:/bin/sh\n" % (n, n) for n in range(2000, 102000))
        base = {"passwd": BASE["passwd"] + lines}
        ours = {"passwd": base["passwd"] + b"big:x:9:9:" + b"x" * 2**20 + b"::\n"}
        theirs = {"passwd": base["passwd"].replace(b"u5000:", b"u5000a:")}
        outcome = merge_accounts(base, ours, theirs)
        assert isinstance(outcome, AccountsMerged)
        assert len(outcome.files["passwd"] or b"") == len(ours["passwd"]) + 1

    def test_long_values_are_cut_in_conflicts(self):
        ours = edit(("passwd", b"Bob", b"B" * 5000))
        theirs = edit(("passwd", b"Bob", b"R" * 5000))
        assert len(the_conflict(ours, theirs).sentence) < 600
