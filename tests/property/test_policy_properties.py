"""The policy, with its shortcuts and memory, equals the plain meaning of its rules."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from etcsync.policy.patterns import check_pattern
from etcsync.policy.policy import Policy, PolicySet
from etcsync.policy.rules import Rule
from etcsync.policy.treatment import Promote, Strategy, Treatment

NAMES = ("a", "b", "ab", "a.key", "rc0.d", "Ä", "\udcff", "a b")
COMPONENTS = st.sampled_from(
    (*NAMES[:6], "a b", "*", "**", "?", "*.key", "[ab]", "a*", "\\a", "rc?.d")
)
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    body = "/".join(draw(st.lists(COMPONENTS, min_size=1, max_size=3)))
    return (
        draw(st.sampled_from(("", "", "", "!")))
        + draw(st.sampled_from(("", "/")))
        + body
        + draw(st.sampled_from(("", "/")))
    )


EFFECTS = st.fixed_dictionaries(
    {},
    optional={
        "strategy": st.sampled_from(Strategy),
        "secret": st.booleans(),
        "group": st.sampled_from(("g", None)),
        "promote": st.sampled_from(Promote),
        "reason": st.sampled_from(("x", "y")),
    },
)
RULES = st.lists(
    st.builds(
        Rule,
        paths=st.lists(patterns(), min_size=1, max_size=3).map(tuple),
        clients=st.sampled_from(((), (), ("c0",), ("label:x", "c1"))),
        effects=EFFECTS,
        source=st.just(""),
        line=st.just(1),
    ),
    max_size=8,
)


def plain_meaning(rules: list[Rule], path: str, directory: bool, name: str, labels: list[str]):
    effects = {}
    for rule in rules:
        selected = not rule.clients or name in rule.clients
        selected = selected or any(f"label:{label}" in rule.clients for label in labels)
        asked = f"{path}/" if directory else path
        if selected and GitIgnoreSpec.from_lines(rule.paths).match_file(asked):
            effects |= rule.effects
    return Treatment(**effects)


@settings(max_examples=150, deadline=None)
@given(
    RULES,
    st.lists(st.tuples(PATHS, st.booleans()), min_size=1, max_size=6),
    st.sampled_from(("c0", "c1", "c2")),
    st.sampled_from(([], ["x"], ["y", "x"])),
)
def test_the_policy_equals_the_plain_meaning_of_its_rules(rules, asked, name, labels) -> None:
    policy = Policy(rules, name, labels)
    shared = PolicySet(rules)
    shared.for_client("c1", ["y"])
    for path, directory in asked * 2:
        expected = plain_meaning(rules, path, directory, name, labels)
        assert policy.treatment(path, directory=directory) == expected
        assert shared.for_client(name, labels).treatment(path, directory=directory) == expected
        explained = policy.explain(path, directory=directory)
        survived = {key: m.rule.effects[key] for m in explained.matches for key in m.survives}
        assert explained.treatment == expected == Treatment(**survived)


@given(st.text(st.sampled_from("ab*?!/#. []^-\\\tÄ\udcff"), max_size=12))
@settings(max_examples=1_000)
def test_a_pattern_that_passes_the_check_is_one_that_pathspec_takes(text: str) -> None:
    try:
        pattern = check_pattern(text)
    except ValueError:
        assume(False)
    (taken,) = GitIgnoreSpec.from_lines([pattern]).patterns
    assert taken.include is not None
