"""Whatever three sides hold: a file that merges by section merges so again, and loses nothing."""

import re

import hypothesis.strategies as st
from hypothesis import example, given, settings

from etcsync.plan.keyed import KeyedConflict
from etcsync.plan.sections import merge_sections
from etcsync.plan.sections.formats import FORMATS
from etcsync.plan.sections.reading import is_header, read_sections

INI = [b"[A]", b"[B]", b"[C]", b" [A]\r"]
ASSIGNMENTS = [b"a=1", b"a=2", b" a = 1", b"b=1", b"b=", b"c=1", b"odd line"]
POTS = {
    "systemd": [
        *INI, *ASSIGNMENTS, b"a=1 \\", b"; two", b"ConditionHost=a", b"ConditionVirtualization=",
    ],
    "pacman.conf": [*INI, *ASSIGNMENTS, b"Color", b"a", b"Include = x"],
    "NetworkManager.conf": [*INI, *ASSIGNMENTS, b"a+=1", b"a-=1", b"name[de]=x"],
    "sshd_config": [
        b"Match User a", b"match user A", b"Match all", b"Port 1", b"PORT=1", b"Port 2",
        b"UseDNS no", b"Include x", b"KeepAlive no", b"TCPKeepAlive yes", b"= odd",
    ],
    "ssh_config": [b"Host a", b"Match all", b"  Port 1", b"User a", b"User b", b"Include x"],
}  # fmt: skip
REMARKS = [b"", b"# one", b"# two", b"#", b"# a=1"]


def contents(form: str) -> st.SearchStrategy[bytes]:
    lines = st.lists(st.sampled_from(POTS[form]) | st.sampled_from(REMARKS), max_size=8)
    first = st.just([] if FORMATS[form].begins is not None else [b"[A]"]) | st.just([])
    ends = st.sampled_from([b"\n", b"\n", b""])
    return st.builds(
        lambda head, some, end: b"\n".join([*head, *some]) + end if head or some else b"",
        first, lines, ends,
    )  # fmt: skip


@st.composite
def edited(draw: st.DrawFn, form: str, base: bytes) -> bytes:
    """Return a base with a few lines taken out, put in or exchanged."""
    lines = base.split(b"\n")
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(lines)))
        new = draw(st.lists(st.sampled_from(POTS[form]) | st.sampled_from(REMARKS), max_size=2))
        lines[place : place + draw(st.integers(0, 2))] = new
    return b"\n".join(lines)


@st.composite
def sides(draw: st.DrawFn) -> tuple[str, bytes, bytes, bytes]:
    form = draw(st.sampled_from(sorted(POTS)))
    base = draw(contents(form))
    side = edited(form, base) | contents(form)
    return form, base, draw(side), draw(side)


@settings(max_examples=700, deadline=None)
@given(sides())
def test_files_of_sections_are_merged_stably_or_not_at_all(
    given_sides: tuple[str, bytes, bytes, bytes],
):
    form, base, ours, theirs = given_sides
    assert merge_sections(form, base, base, theirs) == theirs
    assert merge_sections(form, base, ours, base) == ours
    assert merge_sections(form, base, ours, ours) == ours
    outcome = merge_sections(form, base, ours, theirs)
    exchanged = merge_sections(form, base, theirs, ours)
    assert isinstance(outcome, KeyedConflict) is isinstance(exchanged, KeyedConflict)
    if isinstance(outcome, KeyedConflict):
        assert outcome.conflicts
    if not isinstance(outcome, bytes) or base in {ours, theirs} or ours == theirs:
        return
    assert merge_sections(form, base, outcome, theirs) == outcome
    old, our, their, new = (settings_of(form, each) for each in (base, ours, theirs, outcome))
    for key in old.keys() | our.keys() | their.keys() | new.keys():
        was, is_ours, is_theirs = old.get(key), our.get(key), their.get(key)
        assert new.get(key) == (is_theirs if is_ours == was else is_ours)
        assert was in (is_ours, is_theirs) or is_ours == is_theirs
    kept = comments(outcome)
    assert comments(ours) - comments(base) <= kept
    assert comments(theirs) - comments(base) <= kept
    if isinstance(exchanged, bytes):
        assert new == settings_of(form, exchanged)


@settings(max_examples=300, deadline=None)
@given(sides())
@example(("ssh_config", b"", b"Port 1\nUser a\n", b"User a\nPort 1\n"))
def test_what_is_read_in_order_stays_in_each_side_s_order(
    given_sides: tuple[str, bytes, bytes, bytes],
):
    form, base, ours, theirs = given_sides
    outcome = merge_sections(form, base, ours, theirs)
    if not FORMATS[form].records_in_order or not isinstance(outcome, bytes):
        return
    if base in {ours, theirs} or ours == theirs:
        return
    merged = order(form, outcome)
    for side in (ours, theirs):
        own = [slot for slot in order(form, side) if slot in merged]
        assert [slot for slot in merged if slot in own] == own


def order(form: str, content: bytes) -> list[object]:
    document = read_sections(FORMATS[form], content)
    assert document is not None
    return [*document.records]


def settings_of(form: str, content: bytes) -> dict[tuple[bytes, ...], list[bytes]]:
    """Return all that a file sets, by section and key, in order."""
    document = read_sections(FORMATS[form], content)
    assert document is not None
    found: dict[tuple[bytes, ...], list[bytes]] = {}
    for slot, record in document.records.items():
        found.setdefault(slot.key, []).append(record.text)
        assert is_header(slot) or slot.key[0] == FORMATS[form].begins or slot.key[:1] in found
    return found


def comments(content: bytes) -> set[bytes]:
    return set(re.findall(rb"^# \w.*$", content, re.MULTILINE))
