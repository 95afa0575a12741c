"""What happens to hosts, fstab and other tables that a client, upstream, or both changed."""

import time

import pytest

from etcsync.plan.keyed import KeyedConflict, RecordConflict, format_for, merge_keyed
from etcsync.plan.keyed.formats import FORMATS
from etcsync.plan.text import merge_text

HOSTS = (
    b"# loopback\n127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost\n\n# servers\n10.0.0.1 nas\n"
)


def merged(table: str, base: bytes | None, ours: bytes, theirs: bytes) -> bytes:
    outcome = merge_keyed(table, base, ours, theirs)
    assert isinstance(outcome, bytes), outcome
    assert merge_keyed(table, base, outcome, theirs) == outcome
    return outcome


def the_conflict(table: str, base: bytes | None, ours: bytes, theirs: bytes) -> RecordConflict:
    outcome = merge_keyed(table, base, ours, theirs)
    assert isinstance(outcome, KeyedConflict), outcome
    assert isinstance(merge_keyed(table, base, theirs, ours), KeyedConflict)
    (conflict,) = outcome.conflicts
    return conflict


class TestAnyTable:
    def test_what_one_side_changed_comes_through_byte_for_byte(self):
        strange = b"a b c\r\n\n a b c\n\x00"
        assert merge_keyed("hosts", HOSTS, HOSTS, strange) == strange
        assert merge_keyed("hosts", HOSTS, strange, HOSTS) == strange
        assert merge_keyed("hosts", HOSTS, strange, strange) == strange
        assert merge_keyed("hosts", None, strange, strange) == strange

    def test_records_at_one_place_do_not_conflict(self):
        ours, theirs = HOSTS + b"10.0.0.9 printer\n", HOSTS + b"10.0.0.2 web\n"
        assert merged("hosts", HOSTS, ours, theirs) == HOSTS + b"10.0.0.2 web\n10.0.0.9 printer\n"

    def test_new_records_stand_behind_what_they_followed_with_their_comments(self):
        ours = HOSTS.replace(b"\n# servers", b"# this machine\n127.0.1.1 client0\n\n# servers")
        theirs = HOSTS.replace(b"10.0.0.1 nas\n", b"10.0.0.1 nas\n\n# guests\n10.1.0.1 guest\n")
        assert merged("hosts", HOSTS, ours, theirs) == (
            b"# loopback\n127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost\n# this machine\n"
            b"127.0.1.1 client0\n\n# servers\n10.0.0.1 nas\n\n# guests\n10.1.0.1 guest\n"
        )

    def test_a_comment_that_becomes_a_record_keeps_its_place_where_lines_merge(self):
        base = b"# forwarding\n#ip_forward = 1\n# routes\n\n# martians\n#log = 1\n# end\n"
        ours, theirs = base.replace(b"#ip", b"ip"), base.replace(b"#log", b"log")
        assert merged("sysctl", base, ours, theirs) == ours.replace(b"#log", b"log")

    def test_one_record_that_both_sides_add_at_different_places_is_no_clean_merge(self):
        base = b"# one\n\n# two\n\n# three\n"
        ours, theirs = base.replace(b"one\n", b"one\na=1\n"), base + b"a=2\n"
        assert merge_text(base, ours, theirs) is not None, "by line they do not meet"
        assert the_conflict("sysctl", base, ours, theirs).record == "a"

    def test_an_order_that_one_side_changed_is_taken(self):
        base = b"one\ntwo\nthree\n"
        assert merged("lines", base, b"two\none\nthree\n", base + b"4\n") == b"two\none\nthree\n4\n"
        assert merged("lines", base, base + b"4\n", b"two\none\nthree\n") == b"two\none\nthree\n4\n"

    def test_an_order_that_both_sides_changed_is_not_merged(self):
        base = b"one\ntwo\nthree\n"
        assert merge_keyed("lines", base, b"two\none\nthree\n", b"one\nthree\ntwo\n") is None

    def test_a_key_that_stands_on_several_lines_is_not_merged(self):
        base = b"a = 1\na = 2\n"
        assert merge_keyed("sysctl", base, base + b"b = 1\n", b"c = 1\n" + base) is None

    def test_what_is_not_text_is_not_merged(self):
        assert merge_keyed("hosts", HOSTS, HOSTS + b"\0", b"\n" + HOSTS) is None

    def test_lines_that_are_no_records_stay_as_they_are(self):
        base = HOSTS + b"nonsense\n"
        ours, theirs = b"10.0.0.9 printer\n" + base, base + b"10.0.0.2 web\n"
        assert merged("hosts", base, ours, theirs).endswith(b"nas\nnonsense\n10.0.0.2 web\n")

    def test_lines_that_are_no_records_and_that_both_changed_are_not_merged(self):
        assert merge_keyed("hosts", HOSTS, HOSTS + b"odd\n", HOSTS + b"strange\n") is None

    def test_a_record_deleted_and_changed_conflicts(self):
        ours, theirs = HOSTS.replace(b"10.0.0.1 nas\n", b""), HOSTS.replace(b".1 nas", b".2 nas")
        assert the_conflict("hosts", HOSTS, ours, theirs) == RecordConflict(
            "hosts",
            "IPv4 nas",
            "",
            None,
            "changed",
            "The client deleted IPv4 nas from hosts, but upstream changed it",
        )

    def test_a_file_that_both_sides_created_is_merged(self):
        assert merged("lines", None, b"/bin/zsh\n", b"/bin/fish\n") == b"/bin/fish\n/bin/zsh\n"

    def test_hostile_lines_take_no_time(self):
        started = time.process_time()
        for table in FORMATS:
            for line in (b" " * 200_000 + b"x", b"-" * 200_000, b'"' * 200_000, b"a " * 100_000):
                merge_keyed(table, line, line + b"\nq = 1", b"\n" + line)
        assert time.process_time() - started < 20


MERGES = [
    ("hosts", b"10.0.0.1 a b c", b"10.0.0.9 A b c d",
     b"10.0.0.1  a c e # x", b"10.0.0.9  A c e d # x"),
    ("hosts", b"::1 a", b"::1 a b", b"::1 a c", b"::1 a c b"),
    ("services", b"http 80/tcp", b"http 80/tcp www # web",
     b"http\t80/tcp h", b"http\t80/tcp h www # web"),
    ("protocols", b"ip 0 IP", b"ip 0 IP # one", b"ip 0 ip", b"ip 0 ip # one"),
    ("networks", b"lan 10.0.0.0", b"lan 10.0.0.0 home", b"lan 10.1.0.0", b"lan 10.1.0.0 home"),
    ("rpc", b"nfs 100003", b"nfs 100003 nfsprog",
     b"nfs\t100003\tnfsd", b"nfs\t100003 nfsd nfsprog"),
    ("ethers", b"0:1:2:3:4:AA c0", b"0:1:2:3:4:aa c0",
     b"0:1:2:3:4:AA c0 # old", b"0:1:2:3:4:aa c0 # old"),
    ("fstab", b"/dev/a / ext4 rw 0 1", b"/dev/a / ext4 ro 0 1",
     b"/dev/b /  ext4 rw 0 0", b"/dev/b /  ext4 ro 0 0"),
    ("crypttab", b"c /dev/a none luks",
     b"c /dev/b none luks", b"c /dev/a k luks", b"c /dev/b k luks"),
    ("exports", b'"/a b" *(ro)', b'/x *(rw) \\\n  y(ro)\n"/a b" *(ro)',
     b'"/a b" *(rw)', b'/x *(rw) \\\n  y(ro)\n"/a b" *(rw)'),
    ("aliases", b"root: a", b"Root: a\nwww: a,\n b", b"root: b", b"Root: b\nwww: a,\n b"),
    ("nsswitch", b"passwd: files", b"passwd: files # x",
     b"passwd:  files sss", b"passwd:  files sss # x"),
    ("sysctl", b"a.b = 1", b"-a.b = 1", b"a/b = 2", b"-a/b = 2"),
    ("environment", b"A=1", b"export A=1", b"A=2", b"export A=2"),
    ("settings", b"UMASK 022\n", b"UMASK 022\n#\nFOO\n", b"UMASK\t077\n", b"UMASK\t077\n#\nFOO\n"),
    ("modules", b"kvm-intel", b"kvm-intel nested=1", b"kvm_intel", b"kvm_intel nested=1"),
    ("lines", b"/bin/sh", b"/bin/sh\n/bin/zsh",
     b"/bin/sh \n/bin/ash", b"/bin/sh \n/bin/ash\n/bin/zsh"),
]  # fmt: skip

CONFLICTS = [
    ("hosts", b"10.0.0.1 db", b"10.0.0.2 db", b"10.0.0.3 db", "IPv4 db", "address"),
    ("protocols", b"ip 0", b"ip 1", b"ip 2", "ip", "number"),
    ("ethers", b"0:1:2:3:4:5 a", b"0:1:2:3:4:5 b", b"0:1:2:3:4:5 c", "0:1:2:3:4:5", "host"),
    ("fstab", b"/a /m x rw", b"/b /m x rw", b"/c /m/ x rw", "/m", "device"),
    ("fstab", b"/a none swap sw", b"/a none swap a", b"/a swap swap b", "/a swap", "options"),
    ("sysctl", b"a.b/c = 1", b"a.b/c = 2", b"a/b.c = 3", "a.b/c", "value"),
    ("environment", b"A=1", b"A=2", b"A = 3", "A", "value"),
    ("nsswitch", b"hosts: a", b"hosts: b a", b"hosts: a b", "hosts", "sources"),
]


class TestFormats:
    @pytest.mark.parametrize(("table", "base", "ours", "theirs", "expected"), MERGES)
    def test_fields_merge_each_by_itself(
        self, table: str, base: bytes, ours: bytes, theirs: bytes, expected: bytes
    ):
        assert merged(table, base, ours, theirs) == expected

    @pytest.mark.parametrize(("table", "base", "ours", "theirs", "record", "field"), CONFLICTS)
    def test_a_field_that_both_changed_conflicts(
        self, table: str, base: bytes, ours: bytes, theirs: bytes, record: str, field: str
    ):
        conflict = the_conflict(table, base, ours, theirs)
        assert (conflict.file, conflict.record, conflict.field) == (table, record, field)

    def test_every_format_is_tried_here(self):
        assert {case[0] for case in MERGES} == FORMATS.keys()

    def test_one_address_may_stand_on_several_lines(self):
        base = b"127.0.0.1 localhost\n127.0.0.1 loghost\n"
        ours = base.replace(b"loghost", b"loghost client0")
        assert merged("hosts", base, ours, base + b"127.0.0.1 db\n") == ours + b"127.0.0.1 db\n"

    def test_a_setting_put_into_force_stays_in_its_place(self):
        base = b"# Forwarding\n#net.ipv4.ip_forward=1\n\n# Other\nvm.swappiness=10\n"
        ours = base.replace(b"#net", b"net")
        theirs = base.replace(b"10", b"5")
        assert merged("sysctl", base, ours, theirs) == ours.replace(b"10", b"5")


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "table"),
        [
            ("hosts", "hosts"),
            ("fstab", "fstab"),
            ("sysctl.d/99-local.conf", "sysctl"),
            ("modules-load.d/zfs.conf", "modules"),
            ("sysctl.d/README", None),
            ("sysctl.d/conf", None),
            ("sysctl.d/old/10.conf", None),
            ("passwd", None),
            ("opt/hosts", None),
        ],
    )
    def test_each_path_has_its_format_or_none(self, path: str, table: str | None):
        assert format_for(path) == table
        assert table is None or table in FORMATS
