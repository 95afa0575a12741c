"""The figures that passes come to."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pass_support import COMMIT, NOON, client_run, failed_pass, made_pass, settings_of
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from etcsync.daemon.metrics import Metrics
from etcsync.daemon.passes import Why
from etcsync.daemon.web_health import Health, HealthWatch
from etcsync.errors import HubError

NAMES = ["client0", "client1", "client2"]
NEXT, AFTER = "b" * 40, "c" * 40


def made_at(commit: str) -> datetime:
    """Return when each commit was made: `NEXT` at noon, `AFTER` ten seconds later."""
    return NOON + timedelta(seconds={COMMIT: -3600, NEXT: 0, AFTER: 10}[commit])


@pytest.fixture
def metrics(tmp_path: Path) -> Metrics:
    return Metrics(settings_of(str(tmp_path), NAMES), made_at)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"etcsync_{name}", labels)


def states(metrics: Metrics) -> dict[str, float]:
    [family] = [each for each in metrics.registry.collect() if each.name == "etcsync_clients"]
    return {each.labels["state"]: each.value for each in family.samples if each.value}


def everywhere(commit: str, at: float, *others) -> None:
    named = {run.name for run in others}
    runs = [*others, *(client_run(name) for name in NAMES if name not in named)]
    return made_pass(*runs, commit=commit, at=at)


def test_clients_are_counted_by_the_worst_state_that_applies(metrics: Metrics) -> None:
    metrics(everywhere(COMMIT, 0, client_run("client0", held=["motd"], suspended="why")))
    assert states(metrics) == {"suspended": 1, "synced": 2}
    metrics(made_pass(client_run("client0", held=["a", "b"]), client_run("client1", error="x")))
    assert states(metrics) == {"conflicted": 1, "error": 1, "synced": 1}
    assert value(metrics, "held_paths") == 2


def test_drift_counts_where_nothing_worse_applies(metrics: Metrics) -> None:
    held = client_run("client0", drift=["motd"], held=["issue"])
    metrics(everywhere(COMMIT, 0, held, client_run("client1", drift=["motd"])))
    assert states(metrics) == {"conflicted": 1, "drifted": 1, "synced": 1}
    metrics(made_pass(client_run("client1"), client_run("client0", drift=["motd"])))
    assert states(metrics) == {"drifted": 1, "synced": 2}
    metrics(made_pass(client_run("client2"), commit=NEXT))
    assert states(metrics) == {"behind": 2, "synced": 1}


def test_clients_that_a_pass_with_a_new_commit_was_not_for_are_behind(metrics: Metrics) -> None:
    metrics(everywhere(COMMIT, 0))
    metrics(made_pass(client_run("client0"), commit=NEXT, why=Why.CLIENT))
    assert states(metrics) == {"behind": 2, "synced": 1}


def test_a_client_that_is_removed_is_counted_no_more(metrics: Metrics, tmp_path: Path) -> None:
    metrics(everywhere(COMMIT, 0, client_run("client0", held=["motd"])))
    metrics.use(settings_of(str(tmp_path), ["client1", "client3"]))
    assert states(metrics) == {"synced": 1, "behind": 1}
    assert value(metrics, "held_paths") == 0


def test_passes_are_counted_by_cause_and_result(metrics: Metrics) -> None:
    metrics(made_pass(client_run("client0"), why=Why.CLIENT))
    metrics(made_pass(client_run("client0", held=["motd"]), why=Why.CLIENT))
    metrics(made_pass(client_run("client0", error="gone"), server="exportfs failed"))
    metrics(made_pass(client_run("client0", held=["motd"]), server="exportfs failed"))
    metrics(failed_pass(HubError("broken")))
    assert value(metrics, "passes_total", why="client", result="done") == 1
    assert value(metrics, "passes_total", why="client", result="held") == 1
    assert value(metrics, "passes_total", why="interval", result="client-failed") == 1
    assert value(metrics, "passes_total", why="interval", result="server-failed") == 1
    assert value(metrics, "passes_total", why="retry", result="failed") == 1
    assert value(metrics, "pass_duration_seconds_count") == 5


def test_success_is_as_old_as_that_of_the_client_that_waits_longest(metrics: Metrics) -> None:
    metrics(everywhere(COMMIT, 0))
    metrics(everywhere(COMMIT, 10, client_run("client0", error="gone")))
    assert value(metrics, "last_success_timestamp_seconds") == NOON.timestamp() + 0.5
    metrics(made_pass(client_run("client0"), at=20))
    assert value(metrics, "last_success_timestamp_seconds") == NOON.timestamp() + 10.5
    assert value(metrics, "all_tried_timestamp_seconds") == NOON.timestamp() + 10.5
    metrics(made_pass(*map(client_run, NAMES[1:]), at=30))
    assert value(metrics, "last_success_timestamp_seconds") == NOON.timestamp() + 20.5
    assert value(metrics, "all_tried_timestamp_seconds") == NOON.timestamp() + 20.5


def test_the_delay_runs_from_the_commit_to_the_last_client(metrics: Metrics) -> None:
    metrics(everywhere(COMMIT, -10))
    metrics(everywhere(NEXT, 1, client_run("client1", error="full")))
    assert value(metrics, "propagation_seconds_count") == 0
    metrics(made_pass(client_run("client1"), commit=NEXT, at=7))
    assert value(metrics, "propagation_seconds_count") == 1
    assert value(metrics, "propagation_seconds_sum") == 7.5


def test_a_suspended_client_is_not_waited_for(metrics: Metrics) -> None:
    metrics(everywhere(COMMIT, -10, client_run("client1", suspended="why")))
    metrics(made_pass(client_run("client0"), client_run("client2"), commit=NEXT, at=1))
    assert value(metrics, "propagation_seconds_sum") == 1.5


def test_a_commit_that_another_overtakes_has_arrived_with_it(metrics: Metrics) -> None:
    metrics(everywhere(COMMIT, -10))
    metrics(everywhere(NEXT, 1, client_run("client1", error="full")))
    metrics(everywhere(AFTER, 11))
    assert value(metrics, "propagation_seconds_count") == 2
    assert value(metrics, "propagation_seconds_sum") == 11.5 + 1.5


def test_a_commit_from_before_the_daemon_began_is_not_counted(metrics: Metrics) -> None:
    metrics(everywhere(COMMIT, 0))
    metrics(everywhere(COMMIT, 300))
    assert value(metrics, "propagation_seconds_count") == 0


def test_no_label_is_chosen_by_a_client(metrics: Metrics) -> None:
    metrics(everywhere(COMMIT, 0, client_run("client0", held=["secret/path"], error="evil")))
    labels = {
        (name, text)
        for family in metrics.registry.collect()
        for sample in family.samples
        for name, text in sample.labels.items()
    }
    assert {name for name, _ in labels} == {"version", "state", "kind", "why", "result", "le"}
    assert not any("client0" in text or "secret" in text or "evil" in text for _, text in labels)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(tmp_path: Path, clock: Clock) -> HealthWatch:
    settings = settings_of(str(tmp_path), NAMES, '[daemon]\ninterval = "100s"')
    return HealthWatch(settings, lambda: True, clock)


def test_the_daemon_is_unwell_when_a_client_waits_for_three_intervals(watch, clock) -> None:
    clock.now += 300
    assert watch.health().reason is None
    clock.now += 1
    waits = "there are clients that were not reconciled for 301 seconds"
    assert watch.health().reason == waits
    watch(failed_pass(HubError("broken")))
    watch(made_pass(*map(client_run, NAMES[1:])))
    assert watch.health().reason == waits
    watch(made_pass(client_run(NAMES[0])))
    assert watch.health() == Health(None, 0)


def test_a_client_that_fails_does_not_make_the_daemon_unwell(watch, clock) -> None:
    watch(everywhere(COMMIT, 0, client_run("client0", error="gone")))
    clock.now += 290
    watch(everywhere(COMMIT, 290))
    watch(made_pass(client_run("client0", error="gone")))
    clock.now += 290
    watch(made_pass(*map(client_run, NAMES[1:])))
    clock.now += 20
    assert watch.health().reason is None


def test_a_client_that_is_new_waits_from_then_on(watch, clock, tmp_path: Path) -> None:
    clock.now += 250
    watch(everywhere(COMMIT, 0))
    watch.use(settings_of(str(tmp_path), ["client0", "client9"], '[daemon]\ninterval = "20s"'))
    clock.now += 60
    assert watch.health().reason is None
    clock.now += 1
    watch(made_pass(client_run("client0")))
    assert watch.health().reason == "there are clients that were not reconciled for 61 seconds"


def test_a_client_that_stays_goes_on_waiting_under_other_settings(
    watch: HealthWatch, clock: Clock, tmp_path: Path
) -> None:
    clock.now += 40
    watch.use(settings_of(str(tmp_path), ["client0"], '[daemon]\ninterval = "20s"'))
    clock.now += 21
    assert watch.health().reason == "there are clients that were not reconciled for 61 seconds"


def test_the_daemon_is_unwell_when_its_loop_stands_still(tmp_path: Path) -> None:
    watch = HealthWatch(settings_of(str(tmp_path)), lambda: False, Clock())
    assert watch.health().reason == "the loop stands still"


def test_the_text_is_one_that_prometheus_understands(metrics: Metrics) -> None:
    metrics(everywhere(COMMIT, 0))
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    assert {"etcsync_clients", "etcsync_build_info"} <= {family.name for family in families}
