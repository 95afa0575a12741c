"""The metadata that a checkout leaves."""

import pytest

from etcsync.entries import Entry, Kind, symlink_entry
from etcsync.hub.checkout import UMASKS, Metadata, checkout_modes

COMMIT = {
    "motd": 0o100644,
    "passwd": 0o100644,
    "shadow": 0o100644,
    "cron.daily": 0o040000,
    "cron.daily/job": 0o100755,
    "localtime": 0o120000,
    "nested": 0o160000,
}


def tree(umask: int, **changed: int) -> dict[str, Entry]:
    """Return the tree that a checkout under a umask makes, with some modes changed since."""
    entries = {".": Entry(Kind.DIRECTORY, "", 0o777 & ~umask, 5, 6)}
    for path, mode in COMMIT.items():
        if mode == 0o040000:
            entries[path] = Entry(Kind.DIRECTORY, "", 0o777 & ~umask, 5, 6)
        elif mode == 0o120000:
            entries[path] = symlink_entry("1" * 40)
        elif mode != 0o160000:
            entries[path] = Entry(Kind.FILE, "1" * 40, (mode | 0o066) & 0o777 & ~umask, 5, 6)
    for path, mode in changed.items():
        entries[path] = entries[path]._replace(mode=mode)
    entries["cron.daily/job"] = entries["cron.daily/job"]._replace(mode=0o777 & ~umask)
    return entries


@pytest.mark.parametrize("umask", UMASKS)
def test_the_umask_is_found_and_every_path_explained(umask):
    entries = tree(umask)
    result = checkout_modes(entries, COMMIT)
    assert result == {
        path: Metadata(entry.mode, entry.uid, entry.gid)
        for path, entry in entries.items()
        if path != "."
    }


def test_a_mode_that_the_client_changed_stands_out():
    result = checkout_modes(tree(0o022, shadow=0o600), COMMIT)
    assert result["shadow"] == Metadata(0o644, 5, 6)


def test_a_path_that_the_client_deleted_or_replaced_is_still_described():
    entries = tree(0o027)
    del entries["motd"]
    entries["passwd"] = symlink_entry("2" * 40)
    result = checkout_modes(entries, COMMIT)
    assert result["motd"] == result["passwd"] == Metadata(0o640, 5, 6)


def test_links_have_the_mode_and_owner_that_links_always_have():
    assert checkout_modes(tree(0o077), COMMIT)["localtime"] == Metadata(0o777, 0, 0)


def test_without_evidence_the_usual_umask_is_taken():
    top = {".": Entry(Kind.DIRECTORY, "", 0o700, 0, 0)}
    assert checkout_modes(top, {"motd": 0o100644}) == {"motd": Metadata(0o644, 0, 0)}
