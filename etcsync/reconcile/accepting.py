"""Accepting drift: a rule says that a client's difference is meant, and it is drift no longer.

The rule goes into a rule file beside the settings. It is the last one that matches, so it has the
last word, and it says nothing but that the difference is expected: upstream's later changes merge
in as before.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from etcsync.atomic_file import write_file
from etcsync.config import Client, Settings
from etcsync.entries import Kind
from etcsync.errors import SettingsError, UsageError
from etcsync.plan.model import Plan
from etcsync.policy.accepted import with_expected
from etcsync.policy.patterns import pattern_of
from etcsync.policy.policy import Policy
from etcsync.policy.rules import parse_rules
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.cluster import open_cluster
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.planning import plan_snapshot
from etcsync.reconcile.policies import load_rules, rule_file_text
from etcsync.reconcile.recorded import read_refs
from etcsync.reconcile.snapshot import Snapshot, take_snapshot
from etcsync.report.escape import printable
from etcsync.settings_file import add_rule_file

FILE_NAME = "accepted.toml"
"""The rule file beside the settings."""

_DISPUTED = frozenset({Strategy.UPSTREAM, Strategy.MIRROR})
"""Strategies by which a client's change is undone, expected or not."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What `accept` did.

    Attributes:
        client: The client.
        paths: What is expected to differ there from now on.
        rules_for: The client's name, or the label as ``label:…``, that the rules speak of.
        reason: Why, as the rules say.
        file: The rule file.
    """

    client: str
    paths: tuple[str, ...]
    rules_for: str
    reason: str
    file: str


def accept(
    settings: Settings,
    client_name: str,
    paths: Sequence[str],
    *,
    reason: str | None,
    label: str | None,
    wait: float,
) -> Accepted:
    """Add rules by which a client's drift at ``paths`` is meant; all of them, or none.

    Args:
        settings: The settings.
        client_name: The client.
        paths: Where it has drifted.
        reason: Why; None: that it was accepted today.
        label: Accept it for all clients with this label.
        wait: Seconds to wait for another writer.

    Raises:
        UsageError: The client is unknown or has no such label; or a path has not drifted, or no
            rule can make it local. Each is named with the reason.
        SettingsError: A rule or settings file is wrong or cannot be written.
        LockError: Another writer did not end in time.
        TreeError: The client's tree cannot be read.
    """
    client = settings.client(client_name)
    rules_for = _selector(client, label)
    wanted = tuple(dict.fromkeys(_plain(path) for path in paths))
    file = os.path.join(os.path.dirname(settings.source), FILE_NAME)
    with writer_lock(settings.lock_path, wait=wait), open_cluster(settings) as cluster:
        snapshot = take_snapshot(cluster, client, read_refs(cluster, [client]))
        _refuse(client, _not_drifted(snapshot, plan_snapshot(cluster, snapshot), wanted))
        why = printable(reason or "") or f"accepted on {cluster.now:%Y-%m-%d}"
        before = rule_file_text(file) if os.path.lexists(file) else ""
        parse_rules(before, file)
        text = before
        for path in wanted:
            text = with_expected(text, _patterns(snapshot, path), rules_for, why)
        rules = load_rules(settings, cluster.hub, cluster.theirs.git, {file: text})
        policy = Policy(rules, client.name, client.labels)
        _refuse(client, _not_expected(policy, wanted))
        if text != before:
            _write(file, text)
        add_rule_file(settings.source, file)
    return Accepted(client.name, wanted, rules_for, why, file)


def _plain(path: str) -> str:
    return path.strip("/").removeprefix("./") or "."


def _selector(client: Client, label: str | None) -> str:
    if label is None:
        return client.name
    if label not in client.labels:
        raise UsageError(
            f"{client.name} does not have the label {label!r}",
            hint=f"It has: {', '.join(client.labels) or 'none'}. See `etcsync client list`.",
        )
    return f"label:{label}"


def _patterns(snapshot: Snapshot, path: str) -> list[str]:
    """Return what a rule for ``path`` speaks of: of a directory that upstream has, itself alone."""
    theirs = snapshot.sides.theirs.get(path)
    pattern = pattern_of(path)
    is_directory = theirs is not None and theirs.kind is Kind.DIRECTORY
    return [pattern, f"!{pattern}/*"] if is_directory else [pattern]


def _not_drifted(snapshot: Snapshot, plan: Plan, paths: Sequence[str]) -> Iterator[str]:
    """Yield for each path that cannot be accepted why it cannot."""
    held = {hold.path: hold.id for hold in plan.holds}
    held.update((hold.path, hold.id) for hold in snapshot.recorded.record.holds)
    drift = {each.path: each for each in plan.drift}
    local = {each.path for each in plan.local}
    undone = {action.path for action in plan.actions if action.strategy in _DISPUTED}
    for path in paths:
        shown = printable(path)
        treatment = snapshot.policy.treatment(path)
        if not _is_text(path):
            yield f"{shown}: its name is not UTF-8 text, and a rule file can hold nothing else"
        elif path in held:
            yield f"{shown} is held: see `etcsync conflicts show {held[path]}`, and decide it first"
        elif path in undone or (path in drift and drift[path].strategy in _DISPUTED):
            yield (
                f"{shown} has the strategy {treatment.strategy}: the next sync puts upstream's "
                "version back, so only a rule with another strategy can keep the client's"
            )
        elif path in local:
            why = f": {printable(treatment.reason)}" if treatment.reason else ""
            yield f"{shown} is local already{why}"
        elif path not in drift:
            yield f"{shown} {_where_it_is(path, drift, treatment.strategy)}"


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _where_it_is(path: str, drift: Mapping[str, object], strategy: Strategy) -> str:
    inside = [printable(each) for each in drift if each.startswith(f"{path}/") or path == "."]
    if inside:
        return f"has not drifted itself; name what has: {', '.join(sorted(inside)[:5])}"
    if strategy is Strategy.IGNORE:
        return "is ignored: policy has it neither read nor compared"
    return "has not drifted: there is nothing to accept"


def _not_expected(policy: Policy, paths: Sequence[str]) -> Iterator[str]:
    """Yield for each path that the new rules do not make local why they do not."""
    for path in paths:
        treatment, matches = policy.explain(path)
        if treatment.expected:
            continue
        said = (each.rule for each in matches if "expected" in each.survives)
        rule = next(said, None)
        if rule is None:
            yield f"{printable(path)}: no rule reaches it"
        else:
            yield f"{printable(path)}: {rule.source}, line {rule.line}, has the last word on it"


def _refuse(client: Client, reasons: Iterator[str]) -> None:
    listed = list(reasons)
    if listed:
        raise UsageError(
            "\n".join(listed),
            hint=f"Nothing was accepted. `etcsync status {client.name}` shows what has drifted.",
        )


def _write(path: str, text: str) -> None:
    real = os.path.realpath(path)
    try:
        write_file(real, text.encode())
    except OSError as error:
        raise SettingsError(
            f"the rule file {path} cannot be written: {os.strerror(error.errno or 0)}",
            hint="Run etcsync as root." if isinstance(error, PermissionError) else None,
        ) from error
