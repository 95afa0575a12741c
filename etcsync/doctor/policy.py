"""The rules: right, meant for this root and these clients, and their validators at hand."""

import json
import os
from collections.abc import Iterator

from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity, listed
from etcsync.host.programs import program_in_root
from etcsync.host.rootfs import os_release
from etcsync.policy.packs import BASE, PACK_BY_ID, pack_for_os_release
from etcsync.policy.patterns import Matcher
from etcsync.policy.rules import identities_of
from etcsync.problems import suggestion
from etcsync.reconcile.policies import check_rules_in_force
from etcsync.reconcile.validators import obstacle_in


def rules(facts: Facts) -> Iterator[Finding]:
    """The rules in force can be read, and mean something."""
    if facts.rules:
        for problem in check_rules_in_force(facts.settings):
            remedy = f"Edit {problem.source}; `etcsync policy check` tells whether it is right."
            yield Finding(Severity.WARNING, str(problem), remedy, path=problem.source)


def packs(facts: Facts) -> Iterator[Finding]:
    """The packs are those for the root's distribution."""
    settings = facts.settings
    suitable = pack_for_os_release(os_release(settings.upstream.root))
    of_distributions = set(PACK_BY_ID.values())
    named = settings.policy.packs
    wrong = [name for name in named if name in of_distributions and name not in suitable]
    missing = [name for name in suitable if name not in named]
    remedy = f"Set packs = {json.dumps(suitable)} in [policy] of the settings."
    if wrong and len(suitable) > 1:
        what = f"the root {settings.upstream.root} is no system for the pack {listed(wrong)}"
        yield Finding(Severity.WARNING, what, remedy)
    if missing:
        severity = Severity.WARNING if BASE in missing else Severity.NOTE
        what = f"the pack {listed(missing)}, made for a root such as this, is not in force"
        yield Finding(severity, what, remedy)


def clients(facts: Facts) -> Iterator[Finding]:
    """Each client or label that a rule names exists."""
    known = dict.fromkeys(
        name
        for client in facts.settings.clients
        for name in sorted(identities_of(client.name, client.labels))
    )
    for rule in facts.rules:
        for selector in rule.clients:
            if selector not in known:
                yield Finding(
                    Severity.WARNING,
                    f"{rule.source}, line {rule.line}: there is no client or label {selector!r}"
                    + suggestion(selector, known),
                    "Correct the rule's clients, or add the client or its label: "
                    "`etcsync client add NAME --label LABEL`.",
                    path=rule.source,
                )


def validators(facts: Facts) -> Iterator[Finding]:
    """The programs by which rules have contents checked are in the root, and can be run."""
    root = facts.settings.upstream.root
    in_use = _validators_in_use(facts)
    if not in_use:
        return
    if os.geteuid() == 0 and (obstacle := obstacle_in(root)):
        yield Finding(
            Severity.WARNING,
            f"no validator can be run: {obstacle}",
            "Until it can, look at what `etcsync plan` shows for "
            f"{listed(sorted({path for paths in in_use.values() for path in paths}))} before each "
            "sync.",
        )
        return
    for program, paths in in_use.items():
        if program_in_root(root, program) is None:
            yield Finding(
                Severity.NOTE,
                f"{program} is not installed in {root}: {listed(paths)} is put in place unchecked",
                f"Install the package that has {program} into {root}.",
                path=paths[0],
            )


def _validators_in_use(facts: Facts) -> dict[str, list[str]]:
    """Return the patterns of rules that have paths of upstream checked, by the program."""
    found: dict[str, list[str]] = {}
    for rule in facts.rules:
        command = rule.effects.get("validate")
        if command and any(map(Matcher(rule.paths).matches, facts.upstream_paths)):
            patterns = found.setdefault(command[0], [])
            patterns += (path for each in rule.paths if (path := each.lstrip("/")) not in patterns)
    return found
