"""What is wrong, or looks wrong, in rule files before they are used."""

from collections.abc import Iterable, Iterator

from etcsync.errors import SettingsError
from etcsync.policy.rules import Rule, read_rules
from etcsync.policy.treatment import Strategy
from etcsync.problems import Problem

_WILD = frozenset("*?[")


def check(texts: Iterable[tuple[str, str]]) -> tuple[Problem, ...]:
    """Return what is wrong in rule files. Pure.

    Besides what `parse_rules` refuses: a rule that sets nothing, a validator that is not told which
    file to look at, and keys of one rule, or groups, that cannot mean anything.

    Args:
        texts: Pairs of a file's name and its content.
    """
    problems: list[Problem] = []
    rules: list[tuple[int, Rule]] = []
    for source, text in texts:
        try:
            found, wrong = read_rules(text, source)
        except SettingsError as error:
            found, wrong = (), [Problem(source, None, "", error.message)]
        problems += wrong
        rules += enumerate(found, start=1)
    problems += (
        Problem(rule.source, rule.line, f"rule {number}", what)
        for number, rule in rules
        for what in _doubts(rule)
    )
    problems += _lonely_groups(rules)
    return tuple(problems)


def _doubts(rule: Rule) -> Iterator[str]:
    """Yield what ``rule`` says that cannot be meant so."""
    effects = rule.effects
    strategy = effects.get("strategy")
    if not effects.keys() - {"reason"}:
        yield "sets nothing; name a strategy or another key that it is to set"
    if effects.get("validate") and not any("{file}" in word for word in effects["validate"]):
        yield "validate does not contain {file}, so the command would look at another file"
    if effects.get("seed") is not None and strategy not in {None, Strategy.CLIENT}:
        yield f"seed has no meaning with strategy {str(strategy)!r}; it is for client-owned files"


def _lonely_groups(rules: Iterable[tuple[int, Rule]]) -> Iterator[Problem]:
    """Yield the groups that one path alone is in, which makes "all or none" empty words."""
    members: dict[str, list[tuple[int, Rule, str]]] = {}
    for number, rule in rules:
        if group := rule.effects.get("group"):
            members.setdefault(group, []).extend((number, rule, path) for path in rule.paths)
    for group, found in members.items():
        number, rule, path = found[0]
        if len(found) == 1 and not _WILD & set(path) and not path.endswith("/"):
            what = f"the group {group!r} has one path only; all or none needs several"
            yield Problem(rule.source, rule.line, f"rule {number}", what)
