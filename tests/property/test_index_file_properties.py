import hashlib
import os
import tempfile

from hypothesis import example, given, settings
from hypothesis import strategies as st

from etcsync.entries import StatKey, decode_path
from etcsync.hub.index_file import Index, read_index, write_index

OIDS = st.binary(min_size=20, max_size=20).map(bytes.hex)
NUMBERS = st.integers(0, 2**64 - 1)
# Before 2**31 seconds or so: what a file system could tell of a file written before the index was.
TIMES = st.integers(-(2**60), 1_600_000_000 * 10**9)
PATHS = st.binary(min_size=1, max_size=40).filter(lambda raw: b"\0" not in raw).map(decode_path)
ENTRIES = st.dictionaries(
    PATHS,
    st.tuples(
        st.sampled_from([0o100644, 0o100755, 0o120000]),
        OIDS,
        st.builds(StatKey, TIMES, TIMES, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    ),
    max_size=8,
)


def truncate(stat: StatKey) -> StatKey:
    """Return ``stat`` as it comes back from an index, whose fields have 32 bits each."""
    seconds = {
        name: value // 10**9 % 2**32 * 10**9 + value % 10**9
        for name, value in (("ctime", stat.ctime), ("mtime", stat.mtime))
    }
    rest = {name: getattr(stat, name) % 2**32 for name in ("ino", "size", "uid", "gid")}
    return StatKey(**seconds, **rest)


def read(content: bytes) -> Index | None:
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "index")
        with open(path, "wb") as file:
            file.write(content)
        return read_index(path)


def signed(content: bytes) -> bytes:
    return content + hashlib.sha1(content).digest()


@settings(max_examples=150, deadline=None)
@given(ENTRIES, OIDS, st.data())
def test_what_is_written_is_read_with_32_bits_a_field(entries, tree, data):
    skipped = data.draw(st.sets(st.sampled_from(sorted(entries)))) if entries else set()
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "index")
        write_index(path, entries, tree, skipped)
        found = read_index(path)
    assert found is not None
    assert found.tree == tree
    assert found.skipped == skipped
    assert found.entries.keys() == entries.keys()
    for name, (mode, oid, stat) in entries.items():
        assert found.entries[name][:2] == (mode, oid)
        # Times before 1970 come back as far in the future, hence as unknown.
        if min(stat.ctime, stat.mtime) >= 0:
            assert found.entries[name][2] == truncate(stat)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([2, 3, 4]), st.integers(0, 5))
@example(b"", 2, 0)
def test_garbage_is_no_index_and_no_error(noise, version, count):
    header = b"DIRC" + version.to_bytes(4, "big") + count.to_bytes(4, "big")
    for content in (noise, signed(noise), signed(header + noise)):
        assert read(content) is None or isinstance(read(content), Index)


@settings(max_examples=200, deadline=None)
@given(ENTRIES.filter(bool), OIDS, st.data())
def test_a_changed_byte_is_never_trusted_and_a_signed_one_no_error(entries, tree, data):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "index")
        write_index(path, entries, tree)
        with open(path, "rb") as file:
            content = bytearray(file.read())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    assert read(bytes(content)) is None
    read(signed(bytes(content[:-20])))
    cut = data.draw(st.integers(0, len(content) - 1))
    assert read(bytes(content[:cut])) is None
