"""Text that a client chose never steers a terminal, a page or a log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etcsync.report.escape import printable
from etcsync.report.markdown import escape


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("Umlaut ä", "Umlaut ä"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\udcff", "\\xff"),
        ("\x9b0m", "\\x9b0m"),
    ],
)
def test_what_could_steer_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_characters_may_be_kept() -> None:
    assert printable("a\tb\n", keep="\t") == "a\tb\\n"


@given(st.text(st.characters(exclude_categories=())))
def test_the_result_can_always_be_printed(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode("utf-8")


def test_markdown_makes_nothing_of_a_name() -> None:
    assert escape("[x](http://y) `z` <b>") == "\\[x\\]\\(http://y\\) \\`z\\` \\<b\\>"
