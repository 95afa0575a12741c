"""Sentences about what is wrong in a settings or rule file: where it stands and what was meant."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from etcsync.errors import SettingsError
from etcsync.toml_text import Lines, Location

_EXPECTED = {
    "bool_type": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes",
    "model_attributes_type": "must be a table",
    "model_type": "must be a table",
    "string_type": "must be text in quotes",
    "tuple_type": "must be a list",
}
"""What is said instead of pydantic's words, which speak of Python types."""


class Problem(NamedTuple):
    """One thing that is wrong in a file; as text, one sentence that says where and what."""

    source: str
    line: int | None
    place: str
    """The table, client or rule concerned; empty for a file's top level."""
    what: str

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        return f"{', '.join(filter(None, (self.source, line, self.place)))}: {self.what}"


def refusal(problems: Iterable[Problem], *, hint: str | None = None) -> SettingsError:
    """Return one error that lists all ``problems``, a line each."""
    return SettingsError("\n".join(map(str, problems)), hint=hint)


def suggestion(word: str, valid: Iterable[str]) -> str:
    """Return ``; did you mean …?`` with the nearest of ``valid``, or else a list of them.

    The text continues a sentence; it is empty where nothing is near and the list would be long.
    """
    choices = list(valid)
    if close := get_close_matches(word.lower(), choices, n=1, cutoff=0.5):
        return f"; did you mean {close[0]!r}?"
    return f"; valid: {', '.join(choices)}" if 0 < len(choices) < 20 else ""


def place_of(location: Location, data: Mapping[str, Any]) -> str:
    """Return how a person calls the table at ``location``, or the one that holds the key there.

    ``[daemon]``, ``clients[2] ("client2")``, or nothing for a document's top level.
    """
    if isinstance(location[-1], str):
        location = location[:-1]
    if not location:
        return ""
    name, position = str(location[0]), location[1] if len(location) > 1 else None
    if not isinstance(position, int):
        return f"[{name}]"
    element = data[name][position]
    own = element.get("name") if isinstance(element, dict) else None
    return f"{name}[{position}]" + (
        f' ("{own}")' if isinstance(own, str) and own.isprintable() else ""
    )


def _keys_at(model: type[BaseModel], location: Location) -> list[str]:
    """Return the keys that are valid in the table at ``location`` of a document of ``model``."""
    table: Any = model
    for step in location:
        if isinstance(step, str):
            annotation = table.model_fields[step].annotation
            table = next(iter(get_args(annotation)), annotation)
    return [field.alias or name for name, field in table.model_fields.items()]


def _sentence(error: ErrorDetails, model: type[BaseModel], key: str) -> str:
    """Return what is wrong, in the words of a person who looks at the file."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key {key!r}" + suggestion(key, _keys_at(model, error["loc"][:-1]))
    if kind == "missing":
        return f"{key!r} is missing"
    if kind == "enum":
        valid = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return f"{key} = {error['input']!r} is unknown" + suggestion(str(error["input"]), valid)
    if kind == "value_error":
        return f"{key}: {context['error']}"
    if kind == "too_short":
        return f"{key} must not be empty"
    return f"{key} {_EXPECTED.get(kind, '')}" if kind in _EXPECTED else f"{key}: {error['msg']}"


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    *,
    data: Mapping[str, Any],
    source: str,
    text: str,
    place: Callable[[Location, Mapping[str, Any]], str] = place_of,
) -> list[Problem]:
    """Return what pydantic found wrong with a document, one problem each.

    Args:
        error: What pydantic raised.
        model: What the whole document was read as.
        data: The document.
        source: What the document is called.
        text: What the document was parsed from, to find lines; empty: no lines are given.
        place: How the table of a key is called, from the key's location and the document.
    """
    lines = Lines(text)
    found = []
    for detail in error.errors():
        location = detail["loc"]
        split = max(i for i, step in enumerate(location) if isinstance(step, str))
        key = str(location[split]) + "".join(f"[{step}]" for step in location[split + 1 :])
        what = _sentence(detail, model, key)
        found.append(Problem(source, lines.of(location), place(location[: split + 1], data), what))
    return sorted(found, key=lambda problem: problem.line or 0)
