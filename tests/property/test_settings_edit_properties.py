"""Edits of a settings text change what they are to change, and no other line."""

import tomllib
from difflib import ndiff
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from etcsync.config import Client, parse_settings
from etcsync.settings_edit import with_clients, with_item, with_value, without_client

COMMENTS = ("", "# a comment", '# "quoted" [not.a.table]', "# writer = 1", "# staging = 'x'", "\t ")
COMMENT = st.sampled_from(COMMENTS)
STATE = st.sampled_from(("", 'state_dir = "/s"', 'state_dir = """/\\\n  s"""  # long'))
TABLES = (
    ['[boot] # "', 'mount = "/b"'],
    ["[trees]", "path = '/t/{client}'"],
    ["[daemon]"],
    ["[policy]", 'packs = [\n  "base", # [\n]'],
    *([" [[clients]]", f'name = "c{i}"', 'labels = [ "x" ]'] for i in range(3)),
)
VALUES: dict[tuple[str, str], Any] = {
    ("", "state_dir"): "/other",
    ("boot", "mount"): "/m",
    ("trees", "staging"): "/new",
    ("daemon", "listen"): "[::1]:80",
    ("policy", "packs"): ["base", "arch"],
    ("limits", "max_delete_percent"): 7,
    ("upstream", "auto_commit"): True,
}


@st.composite
def documents(draw: st.DrawFn) -> str:
    tables = draw(st.lists(st.sampled_from(TABLES), unique_by=tuple, max_size=6))
    tables.insert(draw(st.integers(0, len(tables))), ["[upstream]", "root = '/r'"])
    lines = [draw(COMMENT), draw(STATE)]
    for line in (line for table in tables for line in table):
        lines += [draw(COMMENT), line]
    return "\n".join([*lines, draw(COMMENT)]) + draw(st.sampled_from(("", "\n", "\n\n")))


def taken_away(before: str, after: str) -> list[str]:
    """Return the lines that are gone or changed, blank ones left out."""
    difference = ndiff(before.split("\n"), after.split("\n"))
    return [line[2:] for line in difference if line[0] == "-" and line[2:].strip()]


@settings(max_examples=100, deadline=None)
@given(documents(), st.sampled_from(sorted(VALUES)))
def test_a_value_is_set_and_nothing_else(text, where) -> None:
    (table, key), value = where, VALUES[where]
    expected = tomllib.loads(text)
    (expected.setdefault(table, {}) if table else expected)[key] = value
    edited = with_value(text, table, key, value)
    assert tomllib.loads(edited) == expected
    gone = "\n".join(taken_away(text, edited))
    assert gone in {"", "# staging = 'x'", 'mount = "/b"', 'packs = [\n  "base", # [\n]'} or (
        key == "state_dir" and gone.startswith(key)
    )
    assert with_value(edited, table, key, value) == edited


@settings(max_examples=60, deadline=None)
@given(documents())
def test_adding_a_client_takes_nothing_away_and_removing_it_is_the_way_back(text) -> None:
    edited = with_clients(text, [Client(name="new", address="10.0.0.1", labels=("a", "b"))])
    assert taken_away(text, edited) == []
    expected = tomllib.loads(text)
    expected.setdefault("clients", []).append(
        {"name": "new", "address": "10.0.0.1", "labels": ["a", "b"]}
    )
    assert tomllib.loads(edited) == expected
    assert parse_settings(edited, "/x").client("new").address == "10.0.0.1"
    back = without_client(edited, "new")
    assert [line for line in back.split("\n") if line.strip()] == [
        line for line in text.split("\n") if line.strip()
    ]


@settings(max_examples=60, deadline=None)
@given(documents())
def test_removing_a_client_takes_only_its_own_keys_away(text) -> None:
    data = tomllib.loads(text)
    for client in data.get("clients", []):
        rest = without_client(text, client["name"])
        left = [other for other in data["clients"] if other != client]
        assert tomllib.loads(rest).get("clients", []) == left
        others = {key: value for key, value in data.items() if key != "clients"}
        assert {k: v for k, v in tomllib.loads(rest).items() if k != "clients"} == others


LISTS = (
    "",
    "[policy]",
    "[policy]\nfiles = []",
    '[policy]\nfiles = ["/a", "b"] # two',
    '[policy]\nfiles = [ "/a", # one\n]',
    '[policy]\nfiles = [\n  "/a",\n  "/b" # no comma\n]',
    "[policy]\n# files = []",
    'policy = {files = ["/a"]}',
    "policy.files = [ # none\n]",
)


@given(st.sampled_from(LISTS), COMMENT)
def test_an_item_comes_last_in_its_list_and_comments_stay(policy, comment) -> None:
    text = f"{policy}\n{comment}\n[upstream]\nroot = '/r'\n"
    expected = tomllib.loads(text)
    expected.setdefault("policy", {}).setdefault("files", []).append("/new")
    edited = with_item(text, "policy", "files", "/new")
    assert tomllib.loads(edited) == expected
    for remark in ("# two", "# one", "# no comma", "# none", comment.strip()):
        assert (remark in edited) == (remark in text)
