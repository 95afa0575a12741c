"""Rules by which differences are meant, written into a rule file's text. Pure."""

from collections.abc import Sequence

from etcsync.toml_edit import append, append_tables, edited, table_lines
from etcsync.toml_text import Statement, parse_toml, statements

HEADING = "# Differences from upstream that are meant; `etcsync accept` adds to them.\n"


def with_expected(text: str, patterns: Sequence[str], client: str, reason: str) -> str:
    """Return the rule file ``text`` with the rule that differences are meant; all else stays.

    A rule that says so already, for the same patterns and reason, gets ``client`` as one more of
    its clients. Where that is there too, or the rule is for all clients, nothing changes.

    Args:
        text: A valid rule file; empty for a new one.
        patterns: What the rule speaks of.
        client: A client's name, or a label as ``label:…``.
        reason: Why.
    """
    said = {"paths": list(patterns), "expected": True, "reason": reason}
    for index, rule in enumerate(parse_toml(text, "the rule file").get("rule", ())):
        clients = rule.get("clients", [])
        if {key: value for key, value in rule.items() if key != "clients"} == said:
            if not clients or client in clients:
                return text
            return _with_client(text, index, client)
    return _with_rule(
        text, list(patterns), {"clients": [client], "expected": True, "reason": reason}
    )


def _with_client(text: str, index: int, client: str) -> str:
    if inline := _inline_rules(text):
        return edited(
            text, inline, lambda document: append(document["rule"][index]["clients"], client)
        )
    place = ("rule", index, "clients")
    statement = next(s for s in statements(text) if not s.header and s.location == place)
    return edited(text, statement, lambda document: append(document["clients"], client))


def _with_rule(text: str, patterns: list[str], rest: dict[str, list[str] | bool | str]) -> str:
    table = {"paths": patterns, **rest}
    if inline := _inline_rules(text):
        return edited(text, inline, lambda document: append_tables(document["rule"], [table]))
    lines = "\n".join(table_lines("[[rule]]", table))
    return f"{text.rstrip()}\n\n{lines}\n" if text.strip() else f"{HEADING}\n{lines}\n"


def _inline_rules(text: str) -> Statement | None:
    """Return the statement ``rule = […]``, if the rules are written so."""
    return next((s for s in statements(text) if not s.header and s.location == ("rule",)), None)
