"""Edits of TOML texts, statement by statement, that leave every other line as it is. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.items import Array

from etcsync.toml_text import Statement

Value = str | int | bool | Sequence[str]


def toml_value(value: Value) -> str:
    """Return ``value`` as it is written in TOML."""
    return tomlkit.item(value if isinstance(value, str | int) else list(value)).as_string()


def table_lines(header: str, values: Mapping[str, Value]) -> list[str]:
    """Return the lines of a table such as ``[[rule]]``, each key on its own."""
    return [header, *(f"{key} = {toml_value(value)}" for key, value in values.items())]


def edited(text: str, statement: Statement, edit: Callable[[Any], object]) -> str:
    """Return ``text`` with one statement edited: ``edit`` gets it as a tomlkit document."""
    lines = text.split("\n")
    document = tomlkit.parse("\n".join([*lines[statement.first - 1 : statement.last], ""]))
    edit(document)
    lines[statement.first - 1 : statement.last] = document.as_string()[:-1].split("\n")
    return "\n".join(lines)


def append(array: Array, item: object) -> None:
    """Append to a tomlkit array: on a line of its own where the array has several.

    On the last line tomlkit would write it into the comment that may stand there.
    """
    if "\n" in array.as_string():
        array.add_line(item, indent="  ")
    else:
        array.append(item)


def append_tables(array: Array, tables: Iterable[Mapping[str, Any]]) -> None:
    """Append inline tables to a tomlkit array."""
    for table in tables:
        item = tomlkit.inline_table()
        item.update(table)
        append(array, item)
