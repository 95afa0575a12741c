"""Where things stand in a TOML text, however it is written."""

from collections.abc import Callable

import pytest

from etcsync.config import parse_settings
from etcsync.errors import SettingsError
from etcsync.policy.rules import parse_rules
from etcsync.toml_text import Lines, statements

TRICKY = '''\
# [not.a.header]
top = """
[[rule]]   # not a header either, nor a comment
key = 1 \\""" still text
"""    # behind
"quoted = key" = 'it''s = "x" #'
[table]  # with a comment
list = [
  "a]", # ]
  { x = 1, y = [2] },
]
dotted.key = 1
other.'key' = ''\'
line
''\'
[[things]]
name = "one"
[things.part]
deep = true
[[things]]

[[things.more]]
n = 1
[[things.more]]
n = 2
'''.replace("it''s", "its")


def test_every_key_has_its_line() -> None:
    lines = Lines(TRICKY)
    assert lines.of(("top",)) == 2
    assert lines.of(("quoted = key",)) == 6
    assert lines.of(("table",)) == 7
    assert lines.of(("table", "list", 1, "y", 0)) == 8
    assert lines.of(("table", "dotted", "key")) == 12
    assert lines.of(("table", "other", "key")) == 13
    assert lines.of(("things", 0, "name")) == 17
    assert lines.of(("things", 0, "part", "deep")) == 19
    assert lines.of(("things", 1)) == 20
    assert lines.of(("things", 1, "more", 1, "n")) == 25


def test_what_is_missing_is_sought_around() -> None:
    lines = Lines(TRICKY)
    assert lines.of(("things", 1, "name")) == 20
    assert lines.of(("nothing", "of", "this")) is None


def test_a_statement_may_span_lines() -> None:
    spans = {s.location: (s.first, s.last) for s in statements(TRICKY)}
    assert spans["top",] == (2, 5)
    assert spans["table", "list"] == (8, 11)


def test_line_ends_of_dos_count_once() -> None:
    assert Lines("a = 1\r\n\r\n[b]\r\nc = 2\r\n").of(("b", "c")) == 4


def test_the_last_line_needs_no_end() -> None:
    assert Lines("a = 1\nb = [\n1]").of(("b",)) == 2


LONG = "a" + ".a" * 3000


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG} = 1\n",
        f"[{LONG}]\n",
        f"[[rule]]\npaths = ['motd']\nseed.{LONG} = 1\n",
        f"[[rule]]\npaths = [{{{LONG} = 1}}]\n",
        "rule = " + "[" * 3000,
        "rule = " + "[" * 100 + "]" * 100 + "\n",
    ],
)
@pytest.mark.parametrize("parse", [parse_rules, parse_settings])
def test_what_nests_too_deeply_is_refused(parse: Callable[[str, str], object], text: str) -> None:
    with pytest.raises(SettingsError, match=r"/site\.toml is not .* nests too deeply"):
        parse(text, "/site.toml")
