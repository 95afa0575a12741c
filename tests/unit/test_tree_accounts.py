"""Names for numeric owners and back, from passwd and group files."""

import pytest

from etcsync.tree.accounts import NOBODY_KNOWN, parse_accounts

PASSWD = b"root:x:0:0:root:/root:/bin/sh\n# note\ntoor:x:0:0::/:/bin/sh\nbin:x:2:2::/:/x\n+::::::\n"
GROUP = b"root:x:0:\nshadow:x:42:a,b\nbroken\nshadow:x:43:\nodd:x:-1:\nhuge:x:4294967295:\n"


def test_both_directions_with_the_first_entry_winning():
    accounts = parse_accounts(PASSWD, GROUP)
    assert accounts.user_ids == {"root": 0, "toor": 0, "bin": 2}
    assert accounts.user_names == {0: "root", 2: "bin"}
    assert accounts.group_ids == {"root": 0, "shadow": 42}
    assert accounts.group_names == {0: "root", 42: "shadow", 43: "shadow"}


@pytest.mark.parametrize(
    ("name", "uid"),
    [("bin", 2), ("1000", 1000), ("nobody", None), ("-1", None), ("٣", None), ("", None)],
)
def test_a_name_or_a_number_gives_an_id(name, uid):
    assert parse_accounts(PASSWD, GROUP).uid(name) == uid


def test_without_accounts_numbers_still_are_ids():
    assert NOBODY_KNOWN.gid("42") == 42
    assert NOBODY_KNOWN.gid("shadow") is None


def test_names_of_any_bytes_are_kept():
    assert parse_accounts(b"\xff:x:5:5:::\n", b"").user_names == {5: "\udcff"}
