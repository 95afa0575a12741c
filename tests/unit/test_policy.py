"""How rules come together for one path and one client."""

import json
import time

import pytest

from etcsync.policy.policy import Policy, PolicySet
from etcsync.policy.rules import parse_rules
from etcsync.policy.treatment import Promote, Strategy, Treatment


def policy(text: str, name: str = "client0", labels: tuple[str, ...] = ()) -> Policy:
    return Policy(parse_rules(text, "mine.toml"), name, labels)


def secret(*patterns: str) -> Policy:
    """Return a policy under which what ``patterns`` match is secret."""
    return policy(f"[[rule]]\npaths = {json.dumps(patterns)}\nsecret = true\n")


def test_without_rules_everything_is_merged() -> None:
    assert policy("").treatment("motd") == Treatment()


def test_the_last_match_wins_key_by_key() -> None:
    found = policy("""
        [[rule]]
        paths = ["*"]
        strategy = "union"
        secret = true
        reason = "general"
        [[rule]]
        paths = ["ssh/"]
        strategy = "client"
        promote = "never"
        [[rule]]
        paths = ["motd"]
        strategy = "upstream"
        [[rule]]
        paths = ["/ssh/sshd_config"]
        promote = "named"
        reason = "particular"
    """)
    assert found.treatment("ssh/sshd_config") == Treatment(
        strategy=Strategy.CLIENT, secret=True, promote=Promote.NAMED, reason="particular"
    )
    assert found.treatment("motd").strategy is Strategy.UPSTREAM
    assert found.treatment("hosts").strategy is Strategy.UNION


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("hostname", ["hostname", "a/hostname", "hostname/below"], ["hostname2", "a.hostname"]),
        ("/hostname", ["hostname", "hostname/below"], ["a/hostname"]),
        ("ssh/key", ["ssh/key", "ssh/key/below"], ["a/ssh/key", "key"]),
        ("private/", ["private/a", "x/private/a/b"], ["private", "x/private"]),
        ("/a/*.conf", ["a/x.conf", "a/.conf"], ["a/b/x.conf", "a/x.conf2", "b/x.conf"]),
        ("/a/**/b", ["a/b", "a/x/b", "a/x/y/b/c"], ["b", "a/xb"]),
        ("rc?.d/", ["rc0.d/S01", "x/rcS.d/y"], ["rc10.d/S01", "rc0.d"]),
        ("x[0-9]", ["x1", "a/x9"], ["xa", "x10"]),
        ("\\#*#", ["#a#", "b/#c#"], ["a#"]),
        ("with space", ["with space"], ["with", "space"]),
        ("*", ["a", "a/b", ".hidden"], []),
    ],
)
def test_patterns_match_as_in_gitignore(pattern, matching, other) -> None:
    found = secret(pattern)
    assert [path for path in matching if not found.treatment(path).secret] == []
    assert [path for path in other if found.treatment(path).secret] == []


def test_a_directory_pattern_matches_the_directory_too() -> None:
    found = secret("private/")
    assert found.treatment("private", directory=True).secret
    assert not found.treatment("private", directory=False).secret


def test_an_exclamation_mark_takes_paths_out_of_the_same_rule() -> None:
    found = secret("/ssl/", "!/ssl/public.pem", "!*.crt")
    assert found.treatment("ssl/a.pem").secret
    assert not found.treatment("ssl/public.pem").secret
    assert not found.treatment("ssl/deep/a.crt").secret


@pytest.mark.parametrize(
    "path",
    ["private/a\nb", "x\ny/private/a", "private/\n", "private/\udcff\udc80", "\udcff/private/x"],
)
def test_no_name_escapes_a_pattern_by_strange_bytes(path) -> None:
    assert secret("private/").treatment(path).secret
    assert secret("/**/private/**", "private/*").treatment(path).secret


def test_a_line_break_in_a_name_is_not_its_end() -> None:
    assert not secret("/hostname").treatment("hostname\n").secret
    assert secret("/hostname?").treatment("hostname\n").secret
    assert secret("/hostname").treatment("host\nname").secret is False
    assert policy('[[rule]]\npaths = ["/a\\nb"]\nsecret = true\n').treatment("a\nb").secret


def test_the_trees_own_directory_is_matched_by_nothing() -> None:
    assert secret("*", "**", ".*", "/**").treatment(".", directory=True) == Treatment()


@pytest.mark.parametrize(
    ("path", "strategy"),
    [
        (".etckeeper", Strategy.UPSTREAM),
        (".git", Strategy.IGNORE),
        (".git/config", Strategy.IGNORE),
    ],
)
def test_what_etcsync_derives_is_out_of_reach_of_rules(path, strategy) -> None:
    found = policy('[[rule]]\npaths = ["*", ".etc*", ".git"]\nstrategy = "client"\n')
    assert found.treatment(path).strategy is strategy
    assert found.treatment(path).promote is Promote.NEVER
    assert found.explain(path).matches == ()
    assert found.treatment("a/.etckeeper").strategy is Strategy.CLIENT
    assert found.treatment(".etckeeper2").strategy is Strategy.CLIENT


SELECTIVE = """
[[rule]]
paths = ["motd"]
strategy = "client"
clients = ["client0", "label:desktop"]
"""


def test_a_rule_may_be_for_some_clients() -> None:
    assert policy(SELECTIVE, "client0").treatment("motd").strategy is Strategy.CLIENT
    assert policy(SELECTIVE, "client1", ("desktop",)).treatment("motd").strategy is Strategy.CLIENT
    assert policy(SELECTIVE, "client1").treatment("motd").strategy is Strategy.MERGE
    assert policy(SELECTIVE, "desktop").treatment("motd").strategy is Strategy.MERGE


def test_clients_with_the_same_rules_share_one_policy() -> None:
    policies = PolicySet(parse_rules(SELECTIVE, ""))
    plain = {id(policies.for_client(f"c{i}", ("x",) if i % 2 else ())) for i in range(1000)}
    assert len(plain) == 1
    desktop = policies.for_client("c7", ("desktop",))
    assert desktop is policies.for_client("client0")
    assert id(desktop) not in plain
    assert desktop.treatment("motd").strategy is Strategy.CLIENT


def test_a_thousand_clients_with_rules_of_their_own_match_each_path_once() -> None:
    text = "".join(
        f'[[rule]]\npaths = ["/dir{i % 50}/"]\nexpected = true\nclients = ["c{i}"]\n'
        for i in range(1000)
    )
    policies = PolicySet(parse_rules('[[rule]]\npaths = ["*.x"]\nsecret = true\n' + text, ""))
    paths = [f"dir{i % 50}/file{i}.x" for i in range(300)]
    started = time.process_time()
    for client in range(1000):
        found = policies.for_client(f"c{client}")
        expected = [path for path in paths if found.treatment(path).expected]
        assert expected == [path for path in paths if path.startswith(f"dir{client % 50}/")]
    assert time.process_time() - started < 3


def test_what_is_mirrored_is_told_as_by_the_treatment() -> None:
    found = policy("""
        [[rule]]
        paths = ["cache/", "*.bin", "!own.bin"]
        strategy = "mirror"
        [[rule]]
        paths = ["cache/kept"]
        strategy = "client"
        [[rule]]
        paths = ["a.bin"]
        secret = true
        [[rule]]
        paths = ["other/"]
        clients = ["client1"]
        strategy = "mirror"
    """)
    paths = ["cache/x", "cache/kept", "a.bin", "own.bin", "other/x", "motd", ".etckeeper", ".git/x"]
    mirrored = [path for path in paths if found.mirrors(path)]
    assert mirrored == ["cache/x", "a.bin"]
    assert mirrored == [p for p in paths if found.treatment(p).strategy is Strategy.MIRROR]


def test_equal_treatments_are_one_object() -> None:
    found = secret("*.key")
    assert found.treatment("a.key") is found.treatment("b.key")


def test_an_explanation_names_rules_keys_and_survivors() -> None:
    found = policy("""
[[rule]]
paths = ["*"]
strategy = "union"
secret = true
[[rule]]
paths = ["other"]
secret = false
[[rule]]
paths = ["motd"]
strategy = "client"
reason = "mine"
[[rule]]
paths = ["motd"]
strategy = "client"
clients = ["client9"]
""")
    explained = found.explain("motd")
    assert explained.treatment == found.treatment("motd")
    assert [(m.rule.line, m.sets, m.survives) for m in explained.matches] == [
        (2, ("secret", "strategy"), ("secret",)),
        (9, ("reason", "strategy"), ("reason", "strategy")),
    ]


def test_of_two_equal_keys_only_the_last_survives() -> None:
    twice = '[[rule]]\npaths = ["a"]\nsecret = true\n' * 2
    assert [m.survives for m in policy(twice).explain("a").matches] == [(), ("secret",)]


def test_two_thousand_paths_and_120_rules_take_well_under_half_a_second() -> None:
    text = "".join(
        f'[[rule]]\npaths = ["/dir{i}/", "name{i}", "{"*" if i % 3 == 0 else "x"}.kind{i}"]\n'
        for i in range(120)
    )
    found = policy(text)
    paths = [f"dir{i % 150}/sub/name{i}.kind{i % 20}" for i in range(2000)]
    started = time.process_time()
    for path in paths:
        found.treatment(path)
    assert time.process_time() - started < 0.5
    started = time.process_time()
    for path in paths:
        found.treatment(path)
    assert time.process_time() - started < 0.02


def test_files_that_rules_spell_out_are_seeded_wherever_they_are_the_client_s() -> None:
    rules = """
        [[rule]]
        paths = ["/hostname", "machine-id", "iscsi/name", "/ids/*", "/k/", "!/kept", "/a[1]", "/b"]
        strategy = "client"
        seed = "{name}"
        [[rule]]
        paths = ["/shared", "/b"]
        strategy = "merge"
        [[rule]]
        paths = ["/none"]
        strategy = "client"
        seed = false
        [[rule]]
        paths = ["/upstream-s"]
        strategy = "client"
        seed = true
        [[rule]]
        paths = ["/kiosk"]
        strategy = "client"
        seed = "kiosk"
        clients = ["label:kiosk"]
    """
    assert policy(rules).seeded_paths == ("hostname", "iscsi/name", "machine-id")
    assert "kiosk" in policy(rules, labels=("kiosk",)).seeded_paths
