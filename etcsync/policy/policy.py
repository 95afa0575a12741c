"""What the rules make of a path: the last match wins, key by key."""

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from etcsync.entries import GIT_PATH, METADATA_PATH, ROOT
from etcsync.policy.patterns import compile_patterns, plain_path
from etcsync.policy.rules import Rule, identities_of
from etcsync.policy.treatment import Promote, Strategy, Treatment

MEMO_SIZE = 2**17
"""Paths whose treatment a policy remembers; clients choose names, so there is a bound."""

DERIVED = Treatment(
    strategy=Strategy.IGNORE,
    promote=Promote.NEVER,
    reason="written by etcsync itself, from what it has recorded",
)
"""What is done with ``.git`` and ``.etckeeper``: no rule reaches them."""


class Match(NamedTuple):
    """A rule that matches a path, for an explanation."""

    rule: Rule
    sets: tuple[str, ...]
    """The keys that it sets."""
    survives: tuple[str, ...]
    """Those among them that no later rule sets again."""


class Explanation(NamedTuple):
    """Why a path is treated as it is."""

    treatment: Treatment
    matches: tuple[Match, ...]
    """The rules that match, in their order."""


class Policy:
    """The rules that apply to one client, or to all clients to which the same rules apply."""

    def __init__(
        self, rules: Iterable[Rule], client_name: str = "", labels: Iterable[str] = ()
    ) -> None:
        """Keep of ``rules`` those for the client; remember every answer given.

        Args:
            rules: All rules, in their order.
            client_name: The client's name.
            labels: The client's labels.
        """
        identities = identities_of(client_name, labels)
        self.rules = tuple(rule for rule in rules if rule.applies_to(identities))
        self._matchers = [compile_patterns(rule.paths) for rule in self.rules]
        self._everywhere = [i for i, m in enumerate(self._matchers) if m.words is None]
        self._by_word: dict[str, list[int]] = {}
        for index, matcher in enumerate(self._matchers):
            for word in matcher.words or ():
                self._by_word.setdefault(word, []).append(index)
        self._combined = cache(self._combine)
        self._remembered = lru_cache(MEMO_SIZE)(self._resolve)

    def treatment(self, path: str, *, directory: bool = False) -> Treatment:
        """Return what is done with ``path``; the tree's own directory is matched by no rule.

        Args:
            path: Relative to /etc, as everywhere (see `etcsync.entries`).
            directory: Whether a directory stands there; some patterns mean directories only.
        """
        return self._remembered(path, directory)

    def explain(self, path: str, *, directory: bool = False) -> Explanation:
        """Return the treatment of ``path`` and the rules that it comes from."""
        rules = [self.rules[index] for index in self._matching(path, directory)]
        last = {key: rule for rule in rules for key in rule.effects}
        matches = tuple(
            Match(
                rule,
                sets=tuple(rule.effects),
                survives=tuple(key for key in rule.effects if last[key] is rule),
            )
            for rule in rules
        )
        return Explanation(self.treatment(path, directory=directory), matches)

    def _resolve(self, path: str, directory: bool) -> Treatment:
        return DERIVED if _is_derived(path) else self._combined(self._matching(path, directory))

    def _matching(self, path: str, directory: bool) -> tuple[int, ...]:
        """Return the indexes of the rules that match ``path``, in their order."""
        if path == ROOT or _is_derived(path):
            return ()
        plain = plain_path(path, directory=directory)
        candidates = set(self._everywhere)
        for word in plain.split("/"):
            candidates.update(self._by_word.get(word, ()))
        return tuple(i for i in sorted(candidates) if self._matchers[i].matches(plain))

    def _combine(self, indexes: tuple[int, ...]) -> Treatment:
        """Return one treatment from the rules at ``indexes``: a later key replaces an earlier."""
        effects: dict[str, Any] = {}
        for index in indexes:
            effects.update(self.rules[index].effects)
        return Treatment(**effects)


def _is_derived(path: str) -> bool:
    return path in {METADATA_PATH, GIT_PATH} or path.startswith(f"{GIT_PATH}/")


class PolicySet:
    """The policies of many clients; those with the same rules share one, and what it remembers."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._selective = [i for i, rule in enumerate(self._rules) if rule.clients]
        self._policies: dict[frozenset[int], Policy] = {}

    def for_client(self, name: str, labels: Iterable[str] = ()) -> Policy:
        """Return the policy for the client ``name`` with ``labels``."""
        identities = identities_of(name, labels)
        own = frozenset(i for i in self._selective if self._rules[i].applies_to(identities))
        if own not in self._policies:
            self._policies[own] = Policy(self._rules, name, labels)
        return self._policies[own]
