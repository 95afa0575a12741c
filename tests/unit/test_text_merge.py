import time

import pytest

from etcsync.plan.text import LINE_LIMIT, is_binary, merge_text, merge_union

BASE = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n"


def changed(**lines: bytes) -> bytes:
    """Return BASE with some lines replaced; ``n3=b"x\\n"`` replaces the third."""
    text = BASE.splitlines(keepends=True)
    for name, line in lines.items():
        text[int(name[1:]) - 1] = line
    return b"".join(text)


def test_changes_of_different_places_come_together():
    merged = merge_text(BASE, changed(n1=b"one\n"), changed(n9=b"nine\n"))
    assert merged == changed(n1=b"one\n", n9=b"nine\n")


def test_the_same_change_on_both_sides_is_no_conflict():
    ours = changed(n1=b"one\n", n5=b"five\n")
    theirs = changed(n1=b"one\n", n9=b"nine\n")
    assert merge_text(BASE, ours, theirs) == changed(n1=b"one\n", n5=b"five\n", n9=b"nine\n")


def test_a_side_that_has_the_other_sides_change_already_is_the_result():
    theirs = changed(n1=b"one\n")
    both = changed(n1=b"one\n", n9=b"nine\n")
    assert merge_text(BASE, both, theirs) == both
    assert merge_text(BASE, theirs, both) == both


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(changed(n5=b"five\n"), changed(n5=b"V\n"), id="same line"),
        pytest.param(changed(n5=b"five\n"), changed(n6=b"six\n"), id="adjoining lines"),
        pytest.param(changed(n5=b""), changed(n6=b"six\n"), id="deleted beside changed"),
        pytest.param(BASE + b"ours\n", BASE + b"theirs\n", id="both append"),
        pytest.param(changed(n5=b""), changed(n5=b"five\n"), id="deleted and changed"),
        pytest.param(BASE.rstrip(b"\n"), BASE + b"10\n", id="newline removed, line appended"),
    ],
)
def test_changes_that_touch_conflict(ours: bytes, theirs: bytes):
    assert merge_text(BASE, ours, theirs) is None
    assert merge_text(BASE, theirs, ours) is None


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        pytest.param("ab", "b", "abb", id="merged again, it would change"),
        pytest.param("acacd", "adcacbc", "acbacd", id="without ours, it is not theirs"),
        pytest.param("ddbccdac", "ddbcdac", "dabccdc", id="without theirs, it is not ours"),
    ],
)
def test_changes_that_repeated_lines_leave_open_conflict(base: str, ours: str, theirs: str):
    texts = ("".join(f"{line}\n" for line in text).encode() for text in (base, ours, theirs))
    assert merge_text(*texts) is None


def test_only_a_newline_ends_a_line():
    base = b"a\x0b\xe2\x80\xa8b\r\nx\nc\r\n"
    merged = merge_text(base, base.replace(b"a", b"A"), base.replace(b"c", b"C"))
    assert merged == b"A\x0b\xe2\x80\xa8b\r\nx\nC\r\n"


def test_a_missing_final_newline_stays_missing():
    base = BASE.rstrip(b"\n")
    assert merge_text(base, b"0\n" + base, base.replace(b"5", b"five")) == (
        b"0\n" + base.replace(b"5", b"five")
    )


def test_a_file_that_was_emptied_conflicts_with_a_change():
    assert merge_text(BASE, b"", changed(n1=b"one\n")) is None


def test_union_keeps_both_sides_lines_ours_first():
    assert merge_union(BASE, BASE + b"ours\n", BASE + b"theirs\n") == BASE + b"ours\ntheirs\n"
    assert merge_union(b"x\n", b"ours\n", b"theirs\n") == b"ours\ntheirs\n"


def test_union_keeps_the_order_of_the_base():
    ours, theirs = changed(n2=b"2\nours\n"), changed(n8=b"8\ntheirs\n")
    assert merge_union(BASE, ours, theirs) == changed(n2=b"2\nours\n", n8=b"8\ntheirs\n")


def test_union_takes_a_line_that_both_sides_added_once():
    assert merge_union(b"", b"a\nb\n", b"b\nc\n") == b"a\nb\nc\n"


def test_union_respects_what_one_side_removed_beside_a_change_of_the_other():
    assert merge_union(b"a\nb\n", b"a\n", b"a\nb\nc\n") == b"a\nc\n"


def test_union_takes_every_line_once_where_repeated_lines_leave_open_what_was_added():
    assert merge_union(b"a\nb\n", b"a\na\nb\n", b"a\nb\nb\n") == b"a\nb\n"


def test_union_separates_a_line_that_has_no_newline():
    assert merge_union(b"a\n", b"a\nours", b"a\ntheirs") == b"a\nours\ntheirs\n"


def test_union_of_nothing_is_nothing():
    assert merge_union(b"a\n", b"", b"") == b""


def test_a_nul_byte_makes_a_content_binary():
    assert is_binary(b"ELF\0")
    assert not is_binary("näßlich".encode("latin-1"))


def test_five_megabytes_take_less_than_two_seconds():
    lines = [b"0.0.0.0 tracker%d.example.net\n" % number for number in range(170_000)]
    base = b"".join(lines)
    ours = b"".join([*lines[:500], b"# ours\n", *lines[501:]])
    theirs = b"".join([*lines[:160_000], b"# theirs\n", *lines[160_001:]])
    assert len(base) > 5_000_000
    for merge in (merge_text, merge_union):
        begin = time.process_time()
        merged = merge(base, ours, theirs)
        assert time.process_time() - begin < 2
        assert merged is not None
        assert merged.count(b"# ours\n") == merged.count(b"# theirs\n") == 1


def test_a_text_of_too_many_lines_is_not_merged():
    long = b"\n" * (LINE_LIMIT + 1)
    assert merge_text(long, b"ours" + long, long + b"theirs") is None
    assert merge_union(long, b"ours" + long, long + b"theirs\n") == b"ours\n\ntheirs\n"
