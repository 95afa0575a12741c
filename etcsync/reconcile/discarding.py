"""``discard``: a client's drift is not wanted, and upstream's version comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from etcsync.config import Settings
from etcsync.errors import UsageError
from etcsync.plan.model import Act, Choice, LeftOut
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.intervening import PathsRun, intervene, paths_run
from etcsync.reconcile.intervention import Choices, Intervention
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.model import Cause
from etcsync.reconcile.options import SyncOptions
from etcsync.reconcile.paths import covered, named_path
from etcsync.reconcile.validating import Planned
from etcsync.report.escape import printable


def discard(settings: Settings, name: str, paths: Sequence[str], options: SyncOptions) -> PathsRun:
    """Put back upstream's version, content and metadata, wherever a client drifted from it.

    What it replaces has been captured: it stays in the client's history.

    Args:
        settings: The settings.
        name: The client.
        paths: Where; what lies beneath them is meant too.
        options: How far the run may go.

    Raises:
        UsageError: The client is unknown, or nothing at one of the paths differs from upstream.
        TreeError: The client was never reconciled.
        LockError: Another writer did not end in time.
    """
    client = settings.client(name)
    drift = _Drift([named_path(path) for path in paths])
    with writer_lock(settings.lock_path, wait=options.wait):
        (run,) = intervene(settings, [client], Intervention(Cause.DISCARD, drift.choices), options)
    return paths_run(run, drift.left_out)


@dataclass
class _Drift:
    """What is to be put back, and what not, found once the client was looked at."""

    places: Sequence[str]
    left_out: list[LeftOut] = field(default_factory=list)

    def choices(self, _cluster: Cluster, planned: Mapping[str, Planned]) -> Mapping[str, Choices]:
        return {name: self._of(name, each) for name, each in planned.items()}

    def _of(self, name: str, planned: Planned) -> dict[str, Choice]:
        snapshot, plan = planned
        local = {each.path: f"it is the client's own ({each.strategy})" for each in plan.local}
        held = {
            each.path: f"it is held: etcsync resolve {each.id} --upstream" for each in plan.holds
        }
        heals = [action.path for action in plan.actions if action.act is Act.HEAL]
        drift = sorted({*heals, *(each.path for each in plan.drift)})
        for place in self.places:
            if not covered((*drift, *local, *held), [place]):
                raise UsageError(
                    f"{printable(place)} of {name} does not differ from upstream",
                    hint=f"`etcsync status {name}` shows what does.",
                )
        left = {path: why for path, why in local.items() if path in self.places} | held
        self.left_out = [LeftOut(p, left[p]) for p in covered(sorted(left), self.places)]
        return {
            path: Choice(snapshot.sides.theirs.get(path), "discarded")
            for path in covered(drift, self.places)
        }
