"""Some steps of each command's sweep; ``make torture`` takes them all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from torture.checker import survey
from torture.sweep import SCENARIOS, Bench, Scenario
from torture.tracing import PRESENT, Point

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(not PRESENT, reason="needs strace"),
    pytest.mark.timeout(900),
]
commands = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    built = Bench.build()
    yield built
    built.clear_away()


def some(number: int):
    """Return what chooses ``number`` steps, evenly from a command's begin to its end."""

    def choose(points: list[Point]) -> list[Point]:
        return points[:: max(1, len(points) // number)]

    return choose


def tried(bench: Bench, steps: Iterator[object]) -> int:
    bench.findings.clear()
    number = sum(1 for _ in steps)
    assert bench.findings == []
    return number


@commands
def test_killed_at_any_step_the_next_run_makes_it_good(bench: Bench, scenario: Scenario) -> None:
    assert tried(bench, bench.kill_everywhere(scenario, some(4))) >= 4


@commands
def test_whatever_call_fails_nothing_is_lost_and_the_next_run_makes_it_good(
    bench: Bench, scenario: Scenario
) -> None:
    assert tried(bench, bench.fail_everywhere(scenario, some(4))) >= 4


def test_a_power_cut_at_any_sync_loses_nothing(bench: Bench) -> None:
    assert tried(bench, bench.cut_everywhere(SCENARIOS[0], [1])) >= 20


def test_the_replayed_disk_is_the_real_one(bench: Bench) -> None:
    """Otherwise a cut would prove nothing."""
    told, disk = bench.record(SCENARIOS[0])
    for call in told:
        disk.heed(call)
    disk.sync_all()
    replayed = bench.base / "replayed"
    disk.materialise(replayed, None)
    assert contents(replayed) == contents(bench.place)


def contents(top: Path) -> dict[bytes, tuple[str, str, int]]:
    return {path: (kind, blob, mode) for path, (kind, blob, mode, *_) in survey(top).items()}
