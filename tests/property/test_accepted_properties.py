"""Accepting a path makes it expected, and no other; the rule file's own lines stay."""

import tomllib
from difflib import ndiff

from hypothesis import example, given, settings
from hypothesis import strategies as st

from etcsync.policy.accepted import with_expected
from etcsync.policy.patterns import check_pattern, pattern_of
from etcsync.policy.policy import Policy
from etcsync.policy.rules import parse_rules

NAME = st.text(
    st.one_of(
        st.sampled_from("ab*?[]!#\\ \t\n-{}~.$'\"\x85\xa0"),
        st.characters(exclude_categories=("Cs",), exclude_characters="/\0"),
    ),
    min_size=1,
    max_size=6,
).filter(lambda name: name not in {".", "..", ".git", ".etckeeper"})
PATH = st.lists(st.one_of(NAME, st.sampled_from(["etc", "a"])), min_size=1, max_size=3).map(
    "/".join
)
REASON = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
PIECES = (
    "# a comment\n",
    "\n",
    '[[rule]] # mine\npaths = [\n  "a", # first\n]\nexpected = false\n',
    '  [[ rule ]]\n  paths = ["/b"]\n  clients = ["client0"] # why\n',
    '[[rule]]\nreason = """\n[[rule]]\n# """\npaths = ["c"]\n',
    "# [[rule]]",
)
FILES = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=4).map("\n".join),
    st.just('rule = [ {paths = ["/a"]}, # mine\n]\n'),
)


def lines_gone(before: str, after: str) -> list[str]:
    difference = ndiff(before.splitlines(), after.splitlines())
    return [line[2:] for line in difference if line[0] == "-" and line[2:].strip()]


@settings(max_examples=300, deadline=None)
@given(PATH, PATH)
@example("etc/x", "x")
@example(" ", "a")
def test_a_pattern_names_its_path_and_no_other(path: str, other: str) -> None:
    pattern = check_pattern(pattern_of(path))
    policy = Policy(parse_rules(with_expected("", [pattern], "c", ""), ""), "c")
    assert policy.treatment(path).expected
    beneath = other.startswith(f"{path}/")
    assert policy.treatment(other).expected == (other == path or beneath)


@settings(max_examples=200, deadline=None)
@given(FILES, PATH, REASON, st.sampled_from(["client0", "label:kiosk"]))
def test_an_accepted_path_is_expected_for_the_client_and_the_rest_stays(
    text: str, path: str, reason: str, client: str
) -> None:
    patterns = [pattern_of(path)]
    edited = with_expected(text, patterns, client, reason)
    rules = parse_rules(edited, "accepted.toml")
    treatment = Policy(rules, "client0", ["kiosk"]).treatment(path)
    assert (treatment.expected, treatment.reason) == (True, reason)
    old = tomllib.loads(text).get("rule", [])
    assert tomllib.loads(edited)["rule"][: len(old)] == old
    if "rule = [" not in text:
        assert lines_gone(text, edited) == []
    assert with_expected(edited, patterns, client, reason) == edited

    shared = with_expected(edited, patterns, "client1", reason)
    assert len(tomllib.loads(shared)["rule"]) == len(old) + 1
    assert Policy(parse_rules(shared, ""), "client1").treatment(path).expected
    assert Policy(parse_rules(shared, ""), "client0", ["kiosk"]).treatment(path).expected


@given(PATH)
def test_of_a_directory_alone_nothing_beneath_it_is_meant(path: str) -> None:
    pattern = pattern_of(path)
    text = with_expected("", [pattern, f"!{pattern}/*"], "c", "")
    policy = Policy(parse_rules(text, ""), "c")
    assert policy.treatment(path).expected
    assert not policy.treatment(f"{path}/x").expected
    assert not policy.treatment(f"{path}/x/y").expected
