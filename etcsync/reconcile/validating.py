"""Between plan and apply: no content is put in place that its validator refuses.

What is refused is held, and its client planned again, for other paths may depend on it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from etcsync.entries import Kind
from etcsync.host.rootfs import Outcome
from etcsync.plan.decision import unvouched
from etcsync.plan.model import Act, Action, HoldReason, Plan, Refusal
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.planning import Refused, plan_snapshot
from etcsync.reconcile.snapshot import Snapshot
from etcsync.reconcile.validators import NOT_INSTALLED, TIME_LIMIT, Check
from etcsync.report.secrets import is_secret, looks_secret, without_quotations

WORDS_LIMIT = 400
"""Characters of a validator's words that are kept."""

_PLACING = frozenset({Act.WRITE, Act.MERGE, Act.HEAL})


class Planned(NamedTuple):
    """A client's snapshot and the plan that was made of it."""

    snapshot: Snapshot
    plan: Plan


def validated(cluster: Cluster, planned: Mapping[str, Planned]) -> dict[str, Plan]:
    """Return the plans of a fleet without what validators refuse; write nothing.

    Args:
        cluster: The open cluster.
        planned: Snapshots and plans by client.

    Raises:
        HubError: The hub is damaged.
    """
    plans = {name: each.plan for name, each in planned.items()}
    refused: dict[str, Refused] = {name: {} for name in planned}
    pending = list(plans)
    while pending:
        wanted = {
            check: name
            for name in pending
            for _, check in _checks(planned[name].snapshot, plans[name])
        }
        cluster.validators.ask(wanted, cluster.merger.read)
        again = []
        for name in pending:
            snapshot = planned[name].snapshot
            found = _refusals(cluster, snapshot, plans[name])
            if found:
                refused[name].update(found)
                plans[name] = plan_snapshot(cluster, snapshot, refused[name])
                again.append(name)
        pending = again
    return plans


def refusals(cluster: Cluster, snapshot: Snapshot, plan: Plan) -> Refused:
    """Return what validators refuse of the contents that one plan puts in place."""
    wanted = {check: snapshot.client.name for _, check in _checks(snapshot, plan)}
    cluster.validators.ask(wanted, cluster.merger.read)
    return _refusals(cluster, snapshot, plan)


def _checks(snapshot: Snapshot, plan: Plan) -> Iterator[tuple[Action, Check]]:
    """Yield the contents that a plan puts in place and that a rule wants checked."""
    for action in plan.actions:
        before, after = action.before, action.after
        if action.act not in _PLACING or after is None or after.kind is not Kind.FILE:
            continue
        command = snapshot.policy.treatment(action.path).validate
        if command and not (before is not None and after.same_content(before)):
            yield action, Check(command, action.path, after.oid)


def _refusals(cluster: Cluster, snapshot: Snapshot, plan: Plan) -> Refused:
    return {
        (check.path, check.oid): refusal
        for action, check in _checks(snapshot, plan)
        if (refusal := _refusal(cluster, snapshot, action, check)) is not None
    }


def _refusal(cluster: Cluster, snapshot: Snapshot, action: Action, check: Check) -> Refusal | None:
    """Return why a content is not put in place; None if it is, be it unchecked."""
    refused = cluster.validators.refusal(check)
    if refused is not None:
        return Refusal(HoldReason.INVALID, _sentence(cluster, snapshot, action, refused))
    if not action.needs_voucher:
        return None
    outcome = cluster.validators.outcome(check)
    if outcome is None:
        return unvouched("no validator can be run here")
    if outcome.status == NOT_INSTALLED:
        return unvouched("its validator is not installed in the root")
    return None


def _sentence(cluster: Cluster, snapshot: Snapshot, action: Action, outcome: Outcome) -> str:
    """Return why a content was refused, in words that give no secret away."""
    if outcome.status is None:
        return f"The validator gave no answer within {TIME_LIMIT} seconds."
    assert action.after is not None  # noqa: S101 - only what is put in place is checked
    treatment = snapshot.policy.treatment(action.path)
    content = cluster.merger.read(action.after.oid)
    said = outcome.output
    if treatment.secret or looks_secret(content):
        said = b""
    elif is_secret(treatment, action.before, action.after):
        name = action.path.rpartition("/")[2]
        said = without_quotations(said, content, name.encode("utf-8", "surrogateescape"))
    text = said.decode("utf-8", "replace")
    words = "; ".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))
    if len(words) > WORDS_LIMIT:
        words = words[:WORDS_LIMIT] + "…"
    return f"The validator refused it: {words}" if words else "The validator refused it."
