"""What holds for every merge of texts."""

import hypothesis.strategies as st
from hypothesis import given, settings

from etcsync.plan.text import merge_text, merge_union

LINES = [b"%d\n" % number for number in range(12)]


@st.composite
def edited(draw: st.DrawFn, lines: list[bytes]) -> bytes:
    """Return ``lines`` after a few edits, perhaps without the final newline."""
    text = list(lines)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 2))] = draw(st.lists(st.sampled_from(LINES), max_size=2))
    whole = b"".join(text)
    return whole[:-1] if draw(st.integers(0, 9)) == 0 else whole


@st.composite
def three_texts(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    base = draw(st.one_of(st.permutations(LINES), st.lists(st.sampled_from(LINES), max_size=15)))
    return draw(edited(base)), draw(edited(base)), draw(edited(base))


@settings(max_examples=500, deadline=None)
@given(three_texts())
def test_merging_a_merge_again_changes_nothing(texts):
    base, ours, theirs = texts
    merged = merge_text(base, ours, theirs)
    if merged is not None:
        assert merge_text(base, merged, theirs) == merged


@settings(max_examples=500, deadline=None)
@given(three_texts())
def test_uniting_a_union_again_changes_nothing(texts):
    base, ours, theirs = texts
    united = merge_union(base, ours, theirs)
    assert merge_union(base, united, theirs) == united


@settings(max_examples=300, deadline=None)
@given(three_texts())
def test_every_line_of_a_merge_comes_from_a_side_and_no_line_is_glued_to_another(texts):
    base, ours, theirs = texts
    merged = merge_text(base, ours, theirs)
    if merged is not None:
        known = {*ours.splitlines(keepends=True), *theirs.splitlines(keepends=True)}
        assert set(merged.splitlines(keepends=True)) <= known


@settings(max_examples=300, deadline=None)
@given(three_texts())
def test_a_union_has_every_line_that_either_side_added(texts):
    base, ours, theirs = texts
    added = {*ours.splitlines(), *theirs.splitlines()} - {*base.splitlines()}
    assert added <= set(merge_union(base, ours, theirs).splitlines())


@settings(max_examples=300, deadline=None)
@given(three_texts())
def test_one_sides_change_alone_is_taken_as_it_is(texts):
    base, ours, _ = texts
    assert merge_text(base, ours, base) == ours
    assert merge_text(base, base, ours) == ours
    assert merge_text(base, ours, ours) == ours
