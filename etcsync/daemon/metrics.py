"""The daemon's figures, as Prometheus reads them.

No label holds a path, a client's name, or anything else that a client chooses: their number is
small and known beforehand.
"""

from collections import Counter as Tally
from collections.abc import Callable
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from etcsync import __version__
from etcsync.config import Settings
from etcsync.daemon.incidents import Incidents
from etcsync.daemon.metrics_fleet import Fleet, Propagation
from etcsync.daemon.passes import Outcome, Pass, Why
from etcsync.reconcile.model import STATES
from etcsync.setting_types import IncidentKind

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Upper bounds of the histogram of passes."""

DELAYS = (0.5, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 900, 3600)
"""Upper bounds of the histogram of propagation delays: git tells times in whole seconds."""

CommitTime = Callable[[str], datetime | None]
"""Returns when an upstream commit was made; None where that cannot be told."""


class Metrics:
    """An observer of passes that keeps the figures.

    Attributes:
        registry: The figures; may be read by any thread.
    """

    def __init__(self, settings: Settings, commit_time: CommitTime) -> None:
        self._commit_time = commit_time
        self._fleet = Fleet([client.name for client in settings.clients])
        self._propagation = Propagation()
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._define()
        self._build.labels(__version__).set(1)
        for outcome in Outcome:
            for why in Why:
                self._passes.labels(why.value, outcome.value)
        for result in ("sent", "failed"):
            self._notifications.labels(result)
        self.show_incidents({})

    def _define(self) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"etcsync_{name}", text, labels, registry=self.registry)

        self._build = gauge("build_info", "The version of etcsync.", "version")
        self._clients = gauge("clients", "Clients by state.", "state")
        self._held = gauge("held_paths", "Held paths, on all clients together.")
        self._incidents = gauge("incidents_open", "Open incidents by kind.", "kind")
        self._last_tried = gauge(
            "all_tried_timestamp_seconds", "Since when every client has been reconciled."
        )
        self._last_success = gauge(
            "last_success_timestamp_seconds", "Since when that went well for each of them."
        )
        self._passes = Counter(
            "etcsync_passes", "Passes by cause and result.", ("why", "result"),
            registry=self.registry,
        )  # fmt: skip
        self._notifications = Counter(
            "etcsync_notifications", "Messages by what became of them.", ("result",),
            registry=self.registry,
        )  # fmt: skip
        self._duration = Histogram(
            "etcsync_pass_duration_seconds", "How long a pass takes.", buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self._delay = Histogram(
            "etcsync_propagation_seconds",
            "From the time of an upstream commit until the last client has it.",
            buckets=DELAYS, registry=self.registry,
        )  # fmt: skip

    def __call__(self, done: Pass) -> None:
        """Count a pass, and take what it says."""
        self._passes.labels(done.why.value, done.outcome.value).inc()
        self._duration.observe(done.duration)
        if done.run is None:
            return
        ended = done.started + timedelta(seconds=done.duration)
        self._fleet.see(done.run, ended)
        self._observe_delays(done.run.upstream_commit, ended)
        self._show_fleet()

    def show_incidents(self, incidents: Incidents) -> None:
        """Show how many incidents are open."""
        numbers = Tally(incident.kind for incident in incidents.values())
        for kind in IncidentKind:
            self._incidents.labels(kind.value).set(numbers[kind])

    def count_message(self, result: str) -> None:
        """Count a message that was ``sent``, or has ``failed`` for good."""
        self._notifications.labels(result).inc()

    def use(self, settings: Settings) -> None:
        """Speak of the clients of other settings from now on."""
        self._fleet.use([client.name for client in settings.clients])
        if self._fleet.commit is not None:
            self._show_fleet()

    def _observe_delays(self, commit: str, ended: datetime) -> None:
        made = self._commit_time(commit) if self._propagation.is_new(commit) else None
        arrived = self._fleet.has_arrived
        for delay in self._propagation.see(commit, made, ended, arrived=arrived):
            self._delay.observe(delay)

    def _show_fleet(self) -> None:
        numbers = self._fleet.states
        for state in STATES:
            self._clients.labels(state).set(numbers[state])
        self._held.set(self._fleet.held)
        for gauge, time in (
            (self._last_tried, self._fleet.all_tried),
            (self._last_success, self._fleet.all_well),
        ):
            if time is not None:
                gauge.set(time.timestamp())
