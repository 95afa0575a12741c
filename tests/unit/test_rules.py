"""Rule files: what is read, what is refused, and in which words."""

import pytest

from etcsync.errors import SettingsError
from etcsync.policy.check import check
from etcsync.policy.rules import fill_seed, parse_rules
from etcsync.policy.treatment import Promote, Strategy, Treatment

CONTRACT = """
[[rule]]
paths    = ["hostname", "ssh/ssh_host_*"]   # gitignore patterns, relative to /etc
strategy = "client"                         # merge atomic keyed union …
secret   = true
group    = "accounts"
validate = ["visudo", "-cf", "{file}"]
seed     = "{name}\\n"
promote  = "yes"
expected = true
clients  = ["client0", "label:desktop"]
reason   = "identity of one machine"
"""


def rule(*lines: str) -> str:
    return "\n".join(["[[rule]]", 'paths = ["x"]', *lines, ""])


def refused(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        parse_rules(text, "mine.toml")
    assert caught.value.exit_status == 2
    return caught.value.message


def test_the_contracts_example_is_read() -> None:
    [found] = parse_rules(CONTRACT, "mine.toml")
    assert found.paths == ("hostname", "ssh/ssh_host_*")
    assert found.clients == ("client0", "label:desktop")
    assert (found.source, found.line) == ("mine.toml", 2)
    assert Treatment(**found.effects) == Treatment(
        strategy=Strategy.CLIENT,
        secret=True,
        group="accounts",
        validate=("visudo", "-cf", "{file}"),
        seed="{name}\n",
        promote=Promote.YES,
        expected=True,
        reason="identity of one machine",
    )


def test_a_rule_sets_only_what_it_names() -> None:
    [found] = parse_rules(rule("secret = false"), "")
    assert dict(found.effects) == {"secret": False}


def test_effects_never_change() -> None:
    [found] = parse_rules(rule("secret = true"), "")
    with pytest.raises(TypeError):
        found.effects["secret"] = False


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ('group = ""', "group", None),
        ("validate = []", "validate", None),
        ("seed = true", "seed", None),
        ("seed = false", "seed", False),
        ('seed = ""', "seed", ""),
    ],
)
def test_what_an_earlier_rule_set_can_be_taken_back(line, key, value) -> None:
    [found] = parse_rules(rule(line), "")
    assert dict(found.effects) == {key: value}


def test_rules_know_the_line_they_begin_on() -> None:
    text = '# [[rule]]\n\n[[rule]]\npaths = ["""\n[rule]\n""",\n"b"]\n\n  [[ rule ]] # here\n'
    assert [r.line for r in parse_rules(text + 'paths = ["c"]\n', "")] == [3, 9]


def test_a_file_without_rules_is_no_error() -> None:
    assert parse_rules("# nothing yet\n", "") == ()


def test_an_unknown_key_is_named_with_file_line_rule_and_the_nearest_key() -> None:
    text = rule() + rule('stratgy = "client"')
    assert refused(text) == (
        "mine.toml, line 5, rule 2: unknown key 'stratgy'; did you mean 'strategy'?"
    )
    assert refused('[[rules]]\npaths = ["x"]\n') == (
        "mine.toml, line 1: unknown key 'rules'; did you mean 'rule'?"
    )
    assert "did you mean 'validate'?" in refused(rule('validator = ["x"]'))


def test_all_errors_are_listed() -> None:
    assert refused("[[rule]]\n[[rule]]\npaths = []\nsecret = 1\n").split("\n") == [
        "mine.toml, line 1, rule 1: 'paths' is missing",
        "mine.toml, line 3, rule 2: paths must not be empty",
        "mine.toml, line 4, rule 2: secret must be true or false, without quotes",
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('strategy = "clint"', "strategy = 'clint' is unknown; did you mean 'client'?"),
        ('promote = "maybe"', "promote = 'maybe' is unknown"),
        ('secret = "yes"', "secret must be true or false"),
        ("seed = 3", "seed: must be text in quotes, false or true"),
        ('seed = "{hostname}"', "seed: {hostname} is unknown"),
        ('clients = "client0"', "clients must be a list"),
        ('clients = ["labels:x"]', "neither a client's name nor 'label:NAME'"),
        ('clients = ["label:"]', "neither a client's name nor 'label:NAME'"),
        ('validate = "visudo -c"', "validate must be a list"),
        ("group = 1", "group must be text in quotes"),
    ],
)
def test_a_wrong_value_is_refused_with_a_reason(line, words) -> None:
    message = refused(rule(line))
    assert message.startswith("mine.toml, line 3, rule 1: ")
    assert words in message


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("", "matches nothing"),
        ("  ", "matches nothing"),
        ("/", "matches nothing"),
        ("!", "matches nothing"),
        ("# all", "matches nothing"),
        ("/etc/hostname", "is relative to /etc already; write '/hostname'"),
        ("etc/ssh/", "is relative to /etc already"),
        ("./hostname", "no path has"),
        ("../x", "no path has"),
        ("a//b", "no path has"),
        (".", "no path has"),
        ("a\\", "not a valid gitignore pattern"),
        ("a[", "not a valid gitignore pattern"),
        ("a[z-a]", "not a valid gitignore pattern"),
        ("a[[:alpha:]]", "uses a character class"),
        ("a[[x]", "not a valid gitignore pattern"),
    ],
)
def test_a_pattern_that_cannot_match_is_refused(pattern, words) -> None:
    text = f"[[rule]]\npaths = [\n  'fine', '{pattern}'\n]\n"
    message = refused(text)
    assert message.startswith("mine.toml, line 2, rule 1: paths[1]: the pattern ")
    assert words in message


@pytest.mark.parametrize(
    "pattern", ["*", "**", "a/**/b", "!x", "\\#x", "\\!x", "x y", "a[!b]", "ü"]
)
def test_a_gitignore_pattern_is_taken(pattern) -> None:
    [found] = parse_rules(f"[[rule]]\npaths = ['{pattern}']\n", "")
    assert found.paths == (pattern,)


def test_what_is_not_toml_is_refused_with_its_file() -> None:
    assert refused("[[rule]\n").startswith("mine.toml is not valid TOML")


def test_a_seed_is_filled_once() -> None:
    values = {"name": "{mac}", "address": "10.0.0.1", "mac": "m", "uuid": "u"}
    assert fill_seed("{name} {address}\n{uuid}{mac} {} {x y}", **values) == (
        "{mac} 10.0.0.1\num {} {x y}"
    )


def test_check_finds_nothing_in_good_rules() -> None:
    accounts = '[[rule]]\npaths = ["/passwd", "/group"]\nstrategy = "keyed"\ngroup = "accounts"\n'
    assert check([("a", CONTRACT), ("b", accounts), ("c", rule('seed = "x"'))]) == ()


def test_check_lists_what_is_wrong_in_every_file() -> None:
    problems = check([("a", "[["), ("b", rule("x = 1")), ("c", rule("secret = true"))])
    assert [problem.source for problem in problems] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('reason = "why not"', "sets nothing"),
        ('clients = ["a"]', "sets nothing"),
        ('validate = ["visudo", "-c"]', "does not contain {file}"),
        ('group = "alone"', "the group 'alone' has one path only"),
        ('strategy = "merge"\nseed = false', "seed has no meaning with strategy 'merge'"),
    ],
)
def test_check_finds_what_cannot_be_meant(line, words) -> None:
    found = check([("good", CONTRACT), ("mine.toml", rule("secret = true") + rule(line))])
    assert [words in str(problem) for problem in found] == [True]
    assert str(found[0]).startswith("mine.toml, line 4, rule 2: ")
