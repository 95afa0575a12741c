"""Edits of a settings file's text that leave every line alone that they do not concern. Pure.

New lines are put into the text where a person would put them: in place of the commented default, or
below the table's last key. Values that stand there already are exchanged with tomlkit. The text
must be a valid settings file.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import tomlkit
from tomlkit.items import AoT, Array

from etcsync.config import Client
from etcsync.errors import UsageError
from etcsync.toml_text import Location, Statement, parse_toml, statements

Value = str | int | bool | Sequence[str]

CLIENTS = "clients"


def with_value(text: str, table: str, key: str, value: Value) -> str:
    """Return ``text`` with ``key = value`` in ``[table]``; an empty ``table`` is the top level."""
    return _with_value(text, (table,) if table else (), key, value)


def with_commented_default(text: str, table: str, key: str, value: Value) -> str:
    """Return ``text`` with ``value`` in the commented line that shows the default of ``key``."""
    lines = text.split("\n")
    at = _commented_default(text, (table,) if table else (), key)
    if at is not None:
        lines[at] = f"# {key} = {_toml(value)}"
    return "\n".join(lines)


def with_clients(text: str, clients: Iterable[Client]) -> str:
    """Return ``text`` with all ``clients`` in it.

    A client that is there already gets what it lacks: an address, a MAC address, labels.

    Raises:
        UsageError: A client is there already with another address or MAC address.
    """
    known = {
        client.name: (index, client)
        for index, table in enumerate(parse_toml(text, "the settings").get(CLIENTS, ()))
        for client in [Client.model_validate(table)]
    }
    new = {}
    for client in clients:
        if client.name in known:
            text = _completed(text, *known[client.name], client)
        else:
            new[client.name] = client
    return _with_new_clients(text, list(new.values()))


def without_client(text: str, name: str) -> str:
    """Return ``text`` without the client ``name``, which must be in it; comments around it stay."""
    tables = parse_toml(text, "the settings")[CLIENTS]
    index = next(i for i, table in enumerate(tables) if table["name"] == name)
    document = tomlkit.parse(text)
    if not isinstance(document[CLIENTS], AoT):
        del document[CLIENTS][index]
        return document.as_string()
    block = [s for s in statements(text) if s.location[:2] == (CLIENTS, index)]
    lines = text.split("\n")
    before, after = lines[: block[0].first - 1], lines[block[-1].last :]
    if after and not after[0].strip() and (not before or not before[-1].strip()):
        del after[0]
    return "\n".join(before + after)


def _toml(value: Value) -> str:
    """Return ``value`` as it is written in TOML."""
    return tomlkit.item(value if isinstance(value, str | int) else list(value)).as_string()


def _own(text: str, table: Location) -> list[Statement]:
    """Return the statements of ``table`` itself: its header and its keys."""
    return [s for s in statements(text) if (s.location if s.header else s.location[:-1]) == table]


def _commented_default(text: str, table: Location, key: str) -> int | None:
    """Return the position of the line ``# key = …`` in ``table``'s part of the text, or None."""
    found = list(statements(text))
    headers = [s for s in found if s.header]
    start = next((s.first for s in headers if s.location == table), None if table else 0)
    if start is None:
        return None
    lines = text.split("\n")
    end = next((s.first - 1 for s in headers if s.first > start), len(lines))
    taken = {n for s in found for n in range(s.first - 1, s.last)}
    default = re.compile(rf"#\s*{re.escape(key)}\s*=")
    return next((n for n in range(start, end) if n not in taken and default.match(lines[n])), None)


def _with_value(text: str, table: Location, key: str, value: Value) -> str:
    """Return ``text`` with ``key = value`` in the table at ``table``."""
    data: Any = parse_toml(text, "the settings")
    for step in table:
        data = data[step] if isinstance(step, int) else data.get(step, {})
    own = _own(text, table)
    headed = not table or any(statement.header for statement in own)
    if key in data or (data and not headed):
        return _exchanged(text, table, key, value)
    lines = text.split("\n")
    line = f"{key} = {_toml(value)}"
    if not headed:
        return "\n".join([text.rstrip("\n"), "", f"[{table[0]}]", line, ""])
    if (at := _commented_default(text, table, key)) is not None:
        lines[at] = line
    else:
        lines.insert(max((statement.last for statement in own), default=0), line)
    return "\n".join(lines)


def _exchanged(text: str, table: Location, key: str, value: Value) -> str:
    """Return ``text`` with another value for a key, or a key more in a table without header."""
    document = tomlkit.parse(text)
    container: Any = document
    for step in table:
        container = container[step]
    if container.get(key) != value:
        container[key] = value if isinstance(value, str | int) else list(value)
    return document.as_string()


def _completed(text: str, index: int, known: Client, given: Client) -> str:
    """Return ``text`` with what the client at ``index`` lacks of ``given``."""
    for key in ("address", "mac"):
        old, new = getattr(known, key), getattr(given, key)
        if new and old and new != old:
            raise UsageError(
                f"the client {known.name!r} has the {key} {old!r} already, not {new!r}",
                hint="Change it in the settings file if the new one is right.",
            )
        if new and not old:
            text = _with_value(text, (CLIENTS, index), key, new)
    if set(given.labels) - set(known.labels):
        labels = tuple(dict.fromkeys(known.labels + given.labels))
        text = _with_value(text, (CLIENTS, index), "labels", labels)
    return text


def _with_new_clients(text: str, clients: Sequence[Client]) -> str:
    """Return ``text`` with a table for each of ``clients`` below those that are there."""
    if not clients:
        return text
    tables = [client.model_dump(mode="json", exclude_defaults=True) for client in clients]
    document = tomlkit.parse(text)
    if isinstance(array := document.get(CLIENTS), Array):
        for table in tables:
            item = tomlkit.inline_table()
            item.update(table)
            array.append(item)
        return document.as_string()
    blocks = [
        line
        for table in tables
        for line in ("", "[[clients]]", *(f"{key} = {_toml(v)}" for key, v in table.items()))
    ]
    lines = text.rstrip("\n").split("\n")
    last = [s.last for s in statements(text) if s.location[:1] == (CLIENTS,)]
    at = last[-1] if last else len(lines)
    return "\n".join(lines[:at] + blocks + lines[at:]) + "\n"
