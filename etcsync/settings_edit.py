"""Edits of a settings file's text that leave every line alone that they do not concern. Pure.

New lines are put into the text where a person would put them: in place of the commented default, or
below the table's last key. Where a value stands already, tomlkit edits the lines of that one
statement: of a whole file it would also reorder tables that a person has interleaved. The text must
be a valid settings file.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from etcsync.config import Client
from etcsync.errors import UsageError
from etcsync.toml_edit import Value, append, append_tables, edited, table_lines, toml_value
from etcsync.toml_text import Location, Statement, parse_toml, statements

CLIENTS = "clients"


def with_value(text: str, table: str, key: str, value: Value) -> str:
    """Return ``text`` with ``key = value`` in ``[table]``; an empty ``table`` is the top level."""
    return _with_value(text, (table,) if table else (), key, value)


def with_item(text: str, table: str, key: str, item: str) -> str:
    """Return ``text`` with ``item`` at the end of the list ``key`` in ``[table]``."""
    location = (table, key)
    statement = _statement_for(text, location)
    if statement is None or not _holds(statement, location):
        return with_value(text, table, key, [item])
    path = location[len(statement.location) - 1 :]
    return edited(text, statement, lambda document: append(_at(document, path), item))


def with_commented_default(text: str, table: str, key: str, value: Value) -> str:
    """Return ``text`` with ``value`` in the commented line that shows the default of ``key``."""
    lines = text.split("\n")
    at = _commented_default(text, (table,) if table else (), key)
    if at is not None:
        lines[at] = f"# {key} = {toml_value(value)}"
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
    lacking: dict[int, dict[str, Value]] = {}
    new: dict[str, Client] = {}
    for client in clients:
        if client.name in known:
            index, table = known[client.name]
            lacking[index] = _lacking(table, client)
        else:
            new[client.name] = client
    return _with_new_clients(_completed(text, lacking), list(new.values()))


def without_client(text: str, name: str) -> str:
    """Return ``text`` without the client ``name``, which must be in it; comments around it stay."""
    tables = parse_toml(text, "the settings")[CLIENTS]
    index = next(i for i, table in enumerate(tables) if table["name"] == name)
    if inline := _inline_clients(text):
        return edited(text, inline, lambda document: document[CLIENTS].pop(index))
    lines = text.split("\n")
    first, last = _client_blocks(text)[index]
    before, after = lines[: first - 1], lines[last:]
    if after and not after[0].strip() and (not before or not before[-1].strip()):
        del after[0]
    return "\n".join(before + after)


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
    if statement := _statement_for(text, (*table, key)):
        path = (*table, key)[len(statement.location) - 1 :]
        return edited(text, statement, lambda document: _assign(document, path, value))
    lines = text.split("\n")
    line = f"{key} = {toml_value(value)}"
    own = _own(text, table)
    if table and not own:
        return "\n".join([text.rstrip("\n"), "", f"[{table[0]}]", line, ""])
    if (at := _commented_default(text, table, key)) is not None:
        lines[at] = line
    else:
        lines.insert(max((statement.last for statement in own), default=0), line)
    return "\n".join(lines)


def _statement_for(text: str, location: Location) -> Statement | None:
    """Return the statement that holds ``location``, or could hold it as ``a.b = …`` does."""
    near = [
        s for s in statements(text) if not s.header and location[: len(s.location)] == s.location
    ]
    return next((s for s in near if _holds(s, location)), near[-1] if near else None)


def _holds(statement: Statement, location: Location) -> bool:
    value: Any = statement.value
    for step in location[len(statement.location) - 1 :]:
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True


def _at(container: Any, path: Location) -> Any:  # noqa: ANN401  # a tomlkit tree
    """Return what lies at ``path`` in a tomlkit tree."""
    for step in path:
        container = container[step]
    return container


def _assign(container: Any, path: Location, value: Value) -> None:  # noqa: ANN401  # a tomlkit tree
    container = _at(container, path[:-1])
    if container.get(path[-1]) != value:
        container[path[-1]] = value if isinstance(value, str | int) else list(value)


def _inline_clients(text: str) -> Statement | None:
    """Return the statement ``clients = […]``, if the clients are written so."""
    return next((s for s in statements(text) if not s.header and s.location == (CLIENTS,)), None)


def _client_blocks(text: str) -> dict[int, tuple[int, int]]:
    """Return the first and last line of each ``[[clients]]`` table."""
    blocks: dict[int, tuple[int, int]] = {}
    for statement in statements(text):
        if statement.location[:1] == (CLIENTS,) and len(statement.location) > 1:
            index = int(statement.location[1])
            blocks[index] = (blocks.get(index, (statement.first, 0))[0], statement.last)
    return blocks


def _lacking(known: Client, given: Client) -> dict[str, Value]:
    """Return what the client ``known`` lacks of ``given``."""
    lacking: dict[str, Value] = {}
    for key in ("address", "mac"):
        old, new = getattr(known, key), getattr(given, key)
        if new and old and new != old:
            raise UsageError(
                f"the client {known.name!r} has the {key} {old!r} already, not {new!r}",
                hint="Change it in the settings file if the new one is right.",
            )
        if new and not old:
            lacking[key] = new
    if set(given.labels) - set(known.labels):
        lacking["labels"] = tuple(dict.fromkeys(known.labels + given.labels))
    return lacking


def _completed(text: str, lacking: Mapping[int, Mapping[str, Value]]) -> str:
    """Return ``text`` with further values for the clients at some positions.

    Each table is edited as a document of its own, the last first, so that many take no longer to
    find than one.
    """
    lines = text.split("\n")
    blocks = _client_blocks(text)
    for index in sorted(lacking, reverse=True):
        first, last = blocks.get(index, (1, len(lines)))
        block = "\n".join([*lines[first - 1 : last], ""])
        for key, value in lacking[index].items():
            block = _with_value(block, (CLIENTS, 0 if index in blocks else index), key, value)
        lines[first - 1 : last] = block[:-1].split("\n")
    return "\n".join(lines)


def _with_new_clients(text: str, clients: Sequence[Client]) -> str:
    """Return ``text`` with a table for each of ``clients`` below those that are there."""
    if not clients:
        return text
    tables = [client.model_dump(mode="json", exclude_defaults=True) for client in clients]
    if inline := _inline_clients(text):
        return edited(text, inline, lambda document: append_tables(document[CLIENTS], tables))
    blocks = [line for table in tables for line in ("", *table_lines("[[clients]]", table))]
    lines = text.rstrip("\n").split("\n")
    at = max((last for _, last in _client_blocks(text).values()), default=len(lines))
    return "\n".join(lines[:at] + blocks + lines[at:]) + "\n"
