"""Three versions of a text side by side."""

from etcsync.report.excerpts import LINES_SHOWN, WIDTH_SHOWN
from etcsync.report.three_way import Mark, side_by_side


def rows(base: str | None, ours: str | None, theirs: str | None) -> list[str]:
    """Return each row as the three lines with the first letter of their marks."""
    columns = side_by_side(base, ours, theirs)
    return [
        "|".join(f"{line.mark[0]}:{line.text}" for line in row)
        for row in zip(*columns, strict=True)
    ]


BASE = "a\nb\nc\n"


def test_what_differs_stands_side_by_side_and_is_marked_on_the_side_that_changed_it() -> None:
    assert rows(BASE, "a\nB\nX\nc\n", BASE) == [
        "s:a|s:a|s:a",
        "c:b|c:B|k:b",
        "f:|c:X|f:",
        "s:c|s:c|s:c",
    ]
    assert rows(BASE, "a\nB\nc\n", "a\nc\n") == ["s:a|s:a|s:a", "c:b|c:B|f:", "s:c|s:c|s:c"]


def test_lines_far_from_any_difference_are_left_out_and_counted() -> None:
    many = [f"line {number}\n" for number in range(100)]
    other = [*many[:50], "other\n", *many[51:]]
    (column, *_) = side_by_side("".join(many), "".join(other), "".join(many))
    assert [line.text for line in column] == [
        "… 47 lines alike",
        *(f"line {number}" for number in range(47, 54)),
        "… 46 lines alike",
    ]


def test_where_one_version_is_absent_the_other_two_are_compared() -> None:
    assert rows(None, "a\nb\n", "a\nc\n") == ["f:|s:a|s:a", "f:|c:b|c:c"]
    assert rows("a\nb\n", None, "a\nc\n") == ["s:a|f:|s:a", "c:b|f:|c:c"]
    assert rows("a\nb\n", "a\nc\n", None) == ["s:a|s:a|f:", "c:b|c:c|f:"]
    assert rows(None, None, "a\n") == ["f:|f:|c:a"]
    assert rows(None, None, None) == []


def test_a_missing_newline_at_the_end_is_a_difference() -> None:
    assert rows("a\n", "a", "a\n") == ["c:a|c:a  (no newline at the end)|k:a"]


def test_columns_and_lines_are_cut_and_say_so() -> None:
    (_, ours, _) = side_by_side("", "x" * 1000 + "\n" + "line\n" * 5000, "")
    assert len(ours) == LINES_SHOWN + 1
    assert ours[-1] == ("… 4901 more lines", Mark.NOTE)
    assert ours[0].text == "x" * WIDTH_SHOWN + "…"
    (_, ours, _) = side_by_side("", "\U000e0001" * WIDTH_SHOWN + "\n", "")
    assert len(ours[0].text) == WIDTH_SHOWN + 1


def test_no_line_can_steer_a_terminal() -> None:
    (_, ours, _) = side_by_side("", "\x1b[31m\u202e\udcff\r\n\ttab\n", "")
    assert [line.text for line in ours] == ["\\x1b[31m\\u202e\\xff\\r", "\ttab"]
