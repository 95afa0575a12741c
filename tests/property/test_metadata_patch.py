"""A metadata file brought up to date is the one that would be written anew."""

import hypothesis.strategies as st
from hypothesis import given, settings
from plan_situations import valid
from plan_support import directory, file

from etcsync.entries import METADATA_PATH, ROOT, Entry, Kind, parent
from etcsync.tree.accounts import parse_accounts
from etcsync.tree.metadata_file import MODE, Beside, generate
from etcsync.tree.metadata_patch import patch

NAMES = ("a", "b", "d", "d/x", "d/e", "d/e/z", "passwd", "quo'te", ".gitignore", "z\n", "é")
MANY = [
    file(),
    file(mode=0o600, uid=7),
    file(mode=0o640, gid=42),
    directory(),
    directory(0o2750, 7),
]
ACCOUNTS = (
    parse_accounts(b"root:x:0:0\ndave:x:7:7\n", b"root:x:0:\n"),
    parse_accounts(b"root:x:0:0\ndavid:x:7:7\n", b"root:x:0:\nshadow:x:42:\n"),
)
trees = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(MANY)).map(valid)
KEEPER = {METADATA_PATH: Entry(Kind.FILE, "", MODE, 0, 0)}


@settings(max_examples=200, deadline=None)
@given(trees, trees, st.booleans(), st.sampled_from(ACCOUNTS))
def test_patched_is_as_generated(before, after, hides, accounts):
    beside = Beside(hides=hides)
    hides_before, hides_after = (hides and ".gitignore" in tree for tree in (before, after))
    if hides_before != hides_after:
        return  # whether paths begin with ./ depends on it, and is not known from the file
    changes = {
        path: after.get(path)
        for path in {*before, *after, "passwd"}
        if before.get(path) != after.get(path) or path == "passwd"
    }
    content = generate(before | KEEPER, ACCOUNTS[0], beside)
    occupied = {parent(path) for path in after if path != ROOT} | {ROOT}
    patched = patch(content, changes, after, accounts, lambda path: path not in occupied)
    assert patched == generate(after | KEEPER, accounts, beside)
    assert patch(patched, {}, after, accounts, lambda _: False) == patched
