"""What the rules make of a path: the last match wins, key by key."""

from collections.abc import Iterable, Sequence
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple

from etcsync.entries import GIT_PATH, METADATA_PATH, ROOT
from etcsync.policy.patterns import Matcher, literal_path, plain_path
from etcsync.policy.rules import Rule, identities_of
from etcsync.policy.treatment import Promote, Strategy, Treatment

MEMO_SIZE = 2**17
"""Paths for which the matching rules are remembered; clients choose names, so there is a bound."""

METADATA_FILE = Treatment(
    strategy=Strategy.UPSTREAM,
    promote=Promote.NEVER,
    reason="written by etcsync itself, from what it has recorded",
)
"""What is done with ``.etckeeper``; a client's own version is captured and then replaced."""

GIT_FILE = Treatment(
    strategy=Strategy.IGNORE,
    promote=Promote.NEVER,
    reason="leads to the hub; written by etcsync itself",
)
"""What is done with ``.git`` and what is below it."""

_METADATA_FILE, _GIT_FILE = (-1,), (-2,)
"""Stand for the indexes of the rules that match the paths which no rule reaches."""

_OUT_OF_REACH = {_METADATA_FILE: METADATA_FILE, _GIT_FILE: GIT_FILE}


class Match(NamedTuple):
    """A rule that matches a path, for an explanation."""

    rule: Rule
    sets: tuple[str, ...]
    """The keys that it sets."""
    survives: tuple[str, ...]
    """Those among them that no later rule sets again."""
    patterns: tuple[str, ...]
    """Those of its patterns that match the path by themselves."""


class Explanation(NamedTuple):
    """Why a path is treated as it is."""

    treatment: Treatment
    matches: tuple[Match, ...]
    """The rules that match, in their order."""


class Matching:
    """Which rules match a path, whoever the client is; shared by the policies of all clients."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._matchers = [Matcher(rule.paths) for rule in self.rules]
        self._everywhere = [i for i, m in enumerate(self._matchers) if m.words is None]
        self._by_word: dict[str, list[int]] = {}
        for index, matcher in enumerate(self._matchers):
            for word in matcher.words or ():
                self._by_word.setdefault(word, []).append(index)
        self.indexes = lru_cache(MEMO_SIZE)(self._indexes)
        """Return the indexes of the rules that match a path, in their order, or one of
        `_OUT_OF_REACH`; called with the path and whether a directory stands there."""

    def _indexes(self, path: str, directory: bool) -> tuple[int, ...]:
        if path == METADATA_PATH:
            return _METADATA_FILE
        if path == GIT_PATH or path.startswith(f"{GIT_PATH}/"):
            return _GIT_FILE
        if path == ROOT:
            return ()
        plain = plain_path(path, directory=directory)
        candidates = set(self._everywhere)
        for word in plain.split("/"):
            candidates.update(self._by_word.get(word, ()))
        return tuple(i for i in sorted(candidates) if self._matchers[i].matches(plain))


class Policy:
    """What holds for one client, or for all clients to which the same rules apply."""

    def __init__(
        self,
        rules: Iterable[Rule],
        client_name: str = "",
        labels: Iterable[str] = (),
        *,
        matching: Matching | None = None,
    ) -> None:
        """Keep of ``rules`` those for the client.

        Args:
            rules: All rules, in their order.
            client_name: The client's name.
            labels: The client's labels.
            matching: The same rules, compiled already.
        """
        self._matching = matching or Matching(rules)
        self._identities = identities_of(client_name, labels)
        self._treatments = cache(self._combine)
        self.treatment = lru_cache(MEMO_SIZE)(self._treatment)
        """Return what is done with a path; the tree's own directory is matched by no rule.

        Called with the path, relative to /etc, as everywhere (see `etcsync.entries`), and with
        ``directory=True`` where one stands there; some patterns mean directories only.
        """

    def _treatment(self, path: str, *, directory: bool = False) -> Treatment:
        return self._treatments(self._matching.indexes(path, directory))

    def mirrors(self, path: str) -> bool:
        """Whether the strategy of a path is mirror; quick, as few rules say so."""
        matching = self._mirroring.indexes(path, False)
        return bool(matching) and self.treatment(path).strategy is Strategy.MIRROR

    @cached_property
    def _mirroring(self) -> Matching:
        rules = self._matching.rules
        return Matching(r for r in rules if r.effects.get("strategy") is Strategy.MIRROR)

    @cached_property
    def seeded_paths(self) -> tuple[str, ...]:
        """The paths, spelled out in rules, where a new tree gets a file whoever else has one.

        They belong to the client, and their seed is a text.
        """
        named = {
            path
            for rule in self._matching.rules
            if isinstance(rule.effects.get("seed"), str) and rule.applies_to(self._identities)
            for path in map(literal_path, rule.paths)
            if path is not None
        }
        return tuple(path for path in sorted(named) if self._is_seeded(path))

    def _is_seeded(self, path: str) -> bool:
        treatment = self.treatment(path)
        return treatment.strategy is Strategy.CLIENT and isinstance(treatment.seed, str)

    def explain(self, path: str, *, directory: bool = False) -> Explanation:
        """Return the treatment of ``path`` and the rules that it comes from."""
        rules = self._applying(self._matching.indexes(path, directory))
        last = {key: rule for rule in rules for key in rule.effects}
        plain = plain_path(path, directory=directory)
        matches = tuple(
            Match(
                rule,
                sets=tuple(rule.effects),
                survives=tuple(key for key in rule.effects if last[key] is rule),
                patterns=tuple(p for p in rule.paths if Matcher([p]).matches(plain)),
            )
            for rule in rules
        )
        return Explanation(self.treatment(path, directory=directory), matches)

    def _applying(self, indexes: tuple[int, ...]) -> list[Rule]:
        """Return those of the rules at ``indexes`` that apply to the client."""
        if indexes in _OUT_OF_REACH:
            return []
        rules = (self._matching.rules[index] for index in indexes)
        return [rule for rule in rules if rule.applies_to(self._identities)]

    def _combine(self, indexes: tuple[int, ...]) -> Treatment:
        """Return one treatment from the rules at ``indexes``: a later key replaces an earlier."""
        if indexes in _OUT_OF_REACH:
            return _OUT_OF_REACH[indexes]
        effects: dict[str, Any] = {}
        for rule in self._applying(indexes):
            effects.update(rule.effects)
        return Treatment(**effects)


class PolicySet:
    """The policies of many clients.

    Patterns are matched once for all of them, and clients to which the same rules apply share one
    policy.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._matching = Matching(rules)
        self._selective: dict[str, list[int]] = {}
        for index, rule in enumerate(self._matching.rules):
            for selector in rule.clients:
                self._selective.setdefault(selector, []).append(index)
        self._policies: dict[frozenset[int], Policy] = {}

    def for_client(self, name: str, labels: Iterable[str] = ()) -> Policy:
        """Return the policy for the client ``name`` with ``labels``."""
        identities = identities_of(name, labels)
        own = frozenset(i for who in identities for i in self._selective.get(who, ()))
        if own not in self._policies:
            self._policies[own] = Policy(
                self._matching.rules, name, labels, matching=self._matching
            )
        return self._policies[own]
