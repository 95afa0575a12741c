"""Whatever three sides hold: a table that merges by key merges so again, and loses nothing."""

import hypothesis.strategies as st
from hypothesis import given, settings

from etcsync.plan.keyed import KeyedConflict, merge_keyed
from etcsync.plan.keyed.formats import FORMATS

POTS = {
    "hosts": [
        b"127.0.0.1 localhost",
        b"127.0.0.1\tlocalhost loopback # here",
        b"127.0.0.1 localhost a  b",
        b"::1 localhost",
        b"10.0.0.1 nas",
        b"10.0.0.2 nas store",
        b"10.0.0.1 db",
    ],
    "fstab": [
        b"/dev/a / ext4 rw 0 1",
        b"/dev/a / ext4 ro 0 1",
        b"/dev/b\t/ ext4 rw",
        b"/dev/c none swap sw",
        b"/dev/c swap swap pri=1 0 0",
        b"proc /proc proc",
        b"/dev/d /srv/ xfs noauto 0 0",
        b"/dev/d /srv xfs defaults",
    ],
    "sysctl": [
        b"a.b = 1",
        b"a/b=2",
        b"-a.b = 1",
        b"; remark",
        b"c = 1",
        b"c = 2\r",
        b"nothing",
    ],
    "aliases": [b"root: alice", b"ROOT: bob", b"  carol,", b"www: root", b"www:root", b"odd"],
    "exports": [b"/srv *(ro)", b"/srv \\", b"  10.0.0.1(rw)", b'"/a b" *(ro)', b"/home x(rw)"],
    "lines": [b"/bin/sh", b"/bin/zsh", b" /bin/sh", b"/bin/fish", b"/bin/ash"],
}
REMARKS = [b"", b"# one", b"# two", b"#", b" # one"]


def contents(table: str) -> st.SearchStrategy[bytes]:
    lines = st.lists(
        st.sampled_from(POTS[table]) | st.sampled_from(REMARKS), max_size=7, unique=True
    )
    ends = st.sampled_from([b"\n", b"\n", b""])
    return st.builds(lambda some, end: b"\n".join(some) + end if some else b"", lines, ends)


def sides() -> st.SearchStrategy[tuple[str, bytes | None, bytes, bytes]]:
    def of(table: str) -> st.SearchStrategy[tuple[str, bytes | None, bytes, bytes]]:
        side = contents(table)
        return st.tuples(st.just(table), st.none() | side | side | side, side, side)

    return st.sampled_from(sorted(POTS)).flatmap(of)


@settings(max_examples=700, deadline=None)
@given(sides())
def test_tables_are_merged_stably_or_not_at_all(
    given_sides: tuple[str, bytes | None, bytes, bytes],
):
    table, base, ours, theirs = given_sides
    if base is not None:
        assert merge_keyed(table, base, base, theirs) == theirs
        assert merge_keyed(table, base, ours, base) == ours
    assert merge_keyed(table, base, ours, ours) == ours
    outcome = merge_keyed(table, base, ours, theirs)
    exchanged = merge_keyed(table, base, theirs, ours)
    assert isinstance(outcome, KeyedConflict) is isinstance(exchanged, KeyedConflict)
    if isinstance(outcome, KeyedConflict):
        assert outcome.conflicts
    if isinstance(outcome, bytes):
        assert merge_keyed(table, base, outcome, theirs) == outcome
        old, our, their, new = map(lines, (base, ours, theirs, outcome))
        assert (our - old) & their | (their - old) & our <= new
        assert comments(our - old) | comments(their - old) <= new
        if isinstance(exchanged, bytes):
            assert records(table, outcome) == records(table, exchanged)


def records(table: str, content: bytes) -> dict[tuple[bytes, ...], dict[str, frozenset[bytes]]]:
    """Return every record's fields as sets of words, by key."""
    entry = FORMATS[table]
    return {
        slot.key: {
            field: frozenset(text.lower().split())
            for field, text in entry.match(record.text).groupdict().items()
        }
        for slot, record in entry.read(content).records.items()
    }


def lines(content: bytes | None) -> set[bytes]:
    return set((content or b"").split(b"\n"))


def comments(some: set[bytes]) -> set[bytes]:
    return {line for line in some if line.lstrip().startswith(b"#") and line.strip(b"# ")}
