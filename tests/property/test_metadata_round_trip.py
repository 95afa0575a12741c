"""Whatever names, modes and owners a tree has, its .etckeeper tells them all."""

from hypothesis import given, settings
from hypothesis import strategies as st

from etcsync.entries import METADATA_PATH, Entry, Kind, decode_path
from etcsync.tree.accounts import Accounts
from etcsync.tree.metadata_file import generate, parse

components = (
    st.binary(min_size=1, max_size=6)
    .filter(lambda name: not {0, 47} & set(name) and name not in {b".", b".."})
    .map(decode_path)
)
paths = st.lists(components, min_size=1, max_size=3).map("/".join)
entries = st.builds(
    Entry,
    st.sampled_from([Kind.FILE, Kind.DIRECTORY]),
    st.just(""),
    st.integers(0, 0o7777),
    st.integers(0, 2**32 - 2),
    st.integers(0, 2**32 - 2),
)
names = st.dictionaries(st.integers(0, 5), st.text(min_size=1).filter(lambda n: "\0" not in n))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(paths, entries), names)
def test_what_is_written_is_read_back(tree, users):
    tree.pop(METADATA_PATH, None)
    accounts = Accounts(user_names=users)
    content = generate(tree, accounts)
    read = parse(content)
    assert read.skipped == 0
    assert read.modes == {path: e.mode for path, e in tree.items()} | {METADATA_PATH: 0o700}
    assert read.owners == {
        path: users.get(e.uid, str(e.uid)) for path, e in tree.items() if e.uid != 0
    }
    assert read.groups == {path: str(e.gid) for path, e in tree.items() if e.gid != 0}
    assert generate(dict(reversed(tree.items())), accounts) == content


@settings(max_examples=150, deadline=None)
@given(st.binary(), st.lists(st.sampled_from([b"maybe chmod 0644 ", b"'", b"\n", b"mkdir -p "])))
def test_no_content_is_too_odd_to_be_read(noise, words):
    read = parse(b"".join(words) + noise + b"".join(words))
    assert all(".." not in path.split("/") for path in read.modes)
