"""``etcsync policy``: which rules decide, and whether rule files are right."""

import shlex
from dataclasses import fields

import click
from rich.table import Table
from rich.text import Text

from etcsync.cli.arguments import one_client
from etcsync.cli.context import Context, with_context
from etcsync.cli.render import safe
from etcsync.policy.packs import pack_file
from etcsync.policy.rules import Rule
from etcsync.policy.treatment import Treatment
from etcsync.reconcile.policies import (
    check_rule_files,
    check_rules_in_force,
    explain_path,
    rules_in_force,
)

_ORDER = tuple(field.name for field in fields(Treatment))


@click.group()
def policy() -> None:
    """Explain, check and list the rules."""


@policy.command(epilog="Example: etcsync policy explain client0 ssh/ssh_host_ed25519_key")
@one_client
@click.argument("path")
@with_context
def explain(context: Context, client: str, path: str) -> int:
    """Tell which rules match PATH for CLIENT, and what results."""
    treatment, matches = explain_path(context.settings, client, path)
    if context.json:
        context.print_json(
            {
                "schema": 1,
                "client": client,
                "path": path,
                "treatment": _treatment(treatment),
                "rules": [
                    {
                        "source": match.rule.source,
                        "line": match.rule.line,
                        "file": pack_file(match.rule.source) or match.rule.source,
                        "paths": list(match.rule.paths),
                        "matched": list(match.patterns),
                        "sets": _effects(match.rule),
                        "in_force": list(match.survives),
                    }
                    for match in matches
                ],
            }
        )
        return 0
    context.out.print(Text.assemble((safe(path), "bold"), f" on {client}"))
    for key, value in _treatment(treatment).items():
        if value not in (None, False, "") or (key == "seed" and value is False):
            context.out.print(_line(key, value))
    if not matches:
        context.out.print("  no rule matches: the default is to merge")
    for match in matches:
        rule = match.rule
        file = pack_file(rule.source)
        place = f"{file or rule.source}:{rule.line}" + (f" ({rule.source})" if file else "")
        context.out.print(Text(safe(place), "cyan"), soft_wrap=True)
        context.out.print(_line("matches", ", ".join(match.patterns)))
        if rule.clients:
            context.out.print(_line("clients", ", ".join(rule.clients)))
        for key, value in sorted(_effects(rule).items(), key=lambda item: _ORDER.index(item[0])):
            overruled = "" if key in match.survives else "  (overruled below)"
            context.out.print(_line(key, value, overruled))
    return 0


@policy.command(epilog="Example: etcsync policy check /etc/etcsync/policy.d/site.toml")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(dir_okay=False))
@with_context
def check(context: Context, files: tuple[str, ...]) -> int:
    """Check rule files; without FILE, all that are in force. Exits 2 when one is wrong."""
    problems = check_rule_files(files) if files else check_rules_in_force(context.settings)
    if context.json:
        context.print_json({"schema": 1, "problems": [str(problem) for problem in problems]})
    elif problems:
        for problem in problems:
            context.out.print(safe(str(problem)))
    else:
        context.out.print("the rules are right")
    return 2 if problems else 0


@policy.command("list")
@with_context
def list_rules(context: Context) -> int:
    """List all rules in their order: the last one that matches wins, key by key."""
    rules = rules_in_force(context.settings)
    if context.json:
        context.print_json(
            {
                "schema": 1,
                "rules": [
                    {
                        "source": rule.source,
                        "line": rule.line,
                        "paths": list(rule.paths),
                        "clients": list(rule.clients),
                        "sets": _effects(rule),
                    }
                    for rule in rules
                ],
            }
        )
        return 0
    table = Table("RULE", "STRATEGY", "PATHS", "REASON", box=None, pad_edge=False)
    for rule in rules:
        table.add_row(
            safe(f"{rule.source}:{rule.line}"),
            str(rule.effects.get("strategy", "-")),
            Text(safe(" ".join(rule.paths)), overflow="fold"),
            safe(str(rule.effects.get("reason", ""))),
        )
    context.out.print(table)
    return 0


def _line(key: str, value: object, remark: str = "") -> Text:
    """Return one key of a treatment or a rule with its value, as people write it."""
    if key == "seed" and value is False:
        shown = "none: a new tree begins without it"
    elif key == "seed" and value is None:
        shown = "upstream's version"
    elif value is None:
        shown = "none"
    elif isinstance(value, bool):
        shown = "yes" if value else "no"
    elif isinstance(value, list):
        shown = shlex.join(value)
    else:
        shown = str(value).strip("\n")
    return Text(f"  {key:<10}{safe(shown)}{remark}")


def _effects(rule: Rule) -> dict[str, object]:
    """Return what a rule sets, in the types of JSON."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in rule.effects.items()
    }


def _treatment(treatment: Treatment) -> dict[str, object]:
    return {
        "strategy": treatment.strategy.value,
        "secret": treatment.secret,
        "group": treatment.group,
        "validate": None if treatment.validate is None else list(treatment.validate),
        "seed": treatment.seed,
        "promote": treatment.promote.value,
        "expected": treatment.expected,
        "reason": treatment.reason,
    }
