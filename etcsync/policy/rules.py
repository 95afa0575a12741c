"""Rule files: TOML texts of ``[[rule]]`` tables, read into `Rule` values.

The keys are described for users in docs/reference/policy.md.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    ValidationError,
)

from etcsync.document import Document
from etcsync.policy.patterns import check_pattern
from etcsync.policy.treatment import Promote, Strategy
from etcsync.problems import Problem, problems_of, refusal, suggestion
from etcsync.toml_text import Lines, Location, parse_toml

SEED_VALUES = ("name", "address", "mac", "uuid")
"""What may stand in braces in a seed; ``{uuid}`` is 32 hexadecimal digits, fresh per client."""

_SEED_WORD = re.compile(r"\{([A-Za-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``[[rule]]``: what it says about which paths of which clients.

    Attributes:
        paths: gitignore patterns relative to /etc; the last that matches decides.
        clients: Names, or labels as ``label:…``; empty: all clients.
        effects: The keys that the rule sets, named and valued as in `Treatment`.
        source: What the rule's file is called.
        line: The line of its ``[[rule]]`` header.
    """

    paths: tuple[str, ...]
    clients: tuple[str, ...]
    effects: Mapping[str, Any]
    source: str
    line: int

    def applies_to(self, identities: frozenset[str]) -> bool:
        """Whether the rule speaks of a client with these `identities_of`."""
        return not self.clients or not identities.isdisjoint(self.clients)


def identities_of(name: str, labels: Iterable[str]) -> frozenset[str]:
    """Return all that a rule's ``clients`` may call a client by."""
    return frozenset({name, *(f"label:{label}" for label in labels)})


def _selector(selector: str) -> str:
    if not re.fullmatch(r"(label:)?[A-Za-z0-9._-]+", selector):
        raise ValueError(f"{selector!r} is neither a client's name nor 'label:NAME'")
    return selector


def _seed(value: object) -> object:
    """Return a seed's text, False for "no file", or None for "upstream's version" (``true``)."""
    if isinstance(value, bool):
        return None if value else False
    if not isinstance(value, str):
        raise ValueError("must be text in quotes, false or true")  # noqa: TRY004  # pydantic's way
    for word in _SEED_WORD.findall(value):
        if word not in SEED_VALUES:
            raise ValueError(f"{{{word}}} is unknown{suggestion(word, SEED_VALUES)}")
    return value


class _RuleTable(Document):
    """The keys of a ``[[rule]]``; those that are not set say nothing."""

    paths: Annotated[tuple[Annotated[str, AfterValidator(check_pattern)], ...], Field(min_length=1)]
    clients: tuple[Annotated[str, AfterValidator(_selector)], ...] = ()
    strategy: Strategy = Strategy.MERGE
    secret: StrictBool = False
    group: str = ""
    validator: tuple[str, ...] = Field(default=(), alias="validate")
    seed: Annotated[str | Literal[False] | None, BeforeValidator(_seed)] = None
    promote: Promote = Promote.YES
    expected: StrictBool = False
    reason: str = ""

    def effects(self) -> Mapping[str, Any]:
        """Return what the rule sets, in the words and types of `Treatment`."""
        named = self.model_fields_set - {"paths", "clients"}
        effects = {_RuleTable.model_fields[n].alias or n: getattr(self, n) for n in sorted(named)}
        for key in ("group", "validate"):
            if key in effects:
                effects[key] = effects[key] or None
        return MappingProxyType(effects)


class _RuleFile(Document):
    rule: tuple[_RuleTable, ...] = ()


def _place(location: Location, _: Mapping[str, Any]) -> str:
    """Return how a person calls a rule: they count from 1."""
    return f"rule {int(location[1]) + 1}" if len(location) > 2 else ""


def _lines(text: str) -> Lines:
    """Return where the rules begin: with their headers, but for a list of inline tables."""
    headers = Lines(text, headers_only=True)
    return headers if headers.of(("rule", 0)) else Lines(text)


def read_rules(text: str, source: str) -> tuple[tuple[Rule, ...], list[Problem]]:
    """Return the rules in ``text``, or none and what is wrong with it.

    Raises:
        SettingsError: It is not TOML.
    """
    data = parse_toml(text, source)
    try:
        tables = _RuleFile.model_validate(data).rule
    except ValidationError as error:
        return (), problems_of(error, _RuleFile, data=data, source=source, text=text, place=_place)
    lines = _lines(text)
    rules = tuple(
        Rule(table.paths, table.clients, table.effects(), source, lines.of(("rule", index)) or 1)
        for index, table in enumerate(tables)
    )
    return rules, []


def parse_rules(text: str, source: str) -> tuple[Rule, ...]:
    """Return the rules in ``text``, in their order. Pure.

    Args:
        text: The content of a rule file.
        source: What the file is called in messages and explanations.

    Raises:
        SettingsError: Something in it is wrong; all that is wrong is listed.
    """
    rules, problems = read_rules(text, source)
    if problems:
        raise refusal(problems, hint="`etcsync policy check` checks rule files.")
    return rules


def fill_seed(seed: str, *, name: str, address: str, mac: str, uuid: str) -> str:
    """Return a seed's text with the client's own values in place of ``{name}`` and the like."""
    values = {"name": name, "address": address, "mac": mac, "uuid": uuid}
    return _SEED_WORD.sub(lambda match: values[match[1]], seed)
