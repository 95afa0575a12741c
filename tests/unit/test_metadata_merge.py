import pytest
from plan_support import directory, file, link

from etcsync.plan.metadata import Metadata, merge_metadata


def test_one_sides_change_is_taken():
    base, changed = file(mode=0o644), file(mode=0o600, uid=1, gid=2)
    assert merge_metadata(base, base, changed) == (0o600, 1, 2)
    assert merge_metadata(base, changed, base) == (0o600, 1, 2)


def test_the_same_change_on_both_sides_is_taken():
    assert merge_metadata(file(mode=0o644), file(mode=0o600), file(mode=0o600)).mode == 0o600


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (file(mode=0o600), file(mode=0o640)),
        (file(uid=1), file(uid=2)),
        (file(gid=1), file(gid=2)),
    ],
)
def test_the_same_attribute_changed_differently_is_a_contradiction(ours, theirs):
    assert merge_metadata(file(), ours, theirs) is None


def test_changes_of_different_attributes_come_together():
    assert merge_metadata(file(), file(uid=7), file(gid=42)) == Metadata(0o644, 7, 42)


def test_a_mode_meant_for_another_group_grants_only_what_both_sides_grant():
    # Ours opens the file to its group, theirs hands it to another group.
    merged = merge_metadata(file(mode=0o600), file(mode=0o640), file(mode=0o600, gid=42))
    assert merged == Metadata(0o600, 0, 42)


def test_a_mode_meant_for_another_owner_does_not_keep_setuid():
    merged = merge_metadata(file(mode=0o755), file(mode=0o4755, uid=0), file(mode=0o755, uid=7))
    assert merged == Metadata(0o755, 7, 0)


def test_what_both_added_is_upstreams_with_the_permissions_that_both_grant():
    merged = merge_metadata(None, file(mode=0o644, uid=1), file(mode=0o4750, gid=42))
    assert merged == Metadata(0o640, 0, 42)


def test_the_metadata_of_another_kind_is_no_base():
    assert merge_metadata(directory(0o755), file(mode=0o600), file(mode=0o644)).mode == 0o600
    assert merge_metadata(link(b"x"), file(mode=0o640), file(mode=0o604)).mode == 0o600
