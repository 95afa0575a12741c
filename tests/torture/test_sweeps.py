"""Some steps of each command's sweep; ``make torture`` takes them all."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from torture.checker import survey
from torture.scenarios import SCENARIOS, Scenario
from torture.sweep import Bench, cuts
from torture.tracing import PRESENT

pytestmark = pytest.mark.skipif(not PRESENT, reason="needs strace")
SYNC, PROMOTE = SCENARIOS[:2]
Step = TypeVar("Step")
commands = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench.build() as built:
        yield built


def some(steps: Sequence[Step], number: int) -> Sequence[Step]:
    """Return so many steps, evenly from a command's begin to its end."""
    return [steps[len(steps) * (2 * each + 1) // (2 * number)] for each in range(number)]


def only_where_possible(bench: Bench, scenario: Scenario) -> None:
    if not bench.can(scenario):
        pytest.skip("mounts and exports: needs root, and exportfs")


def tried(bench: Bench, steps: Iterator[object]) -> int:
    bench.findings.clear()
    number = sum(1 for _ in steps)
    assert bench.findings == []
    return number


@commands
def test_killed_at_any_step_the_next_run_makes_it_good(bench: Bench, scenario: Scenario) -> None:
    only_where_possible(bench, scenario)
    assert tried(bench, bench.kill_at(scenario, some(bench.changes(scenario), 2))) == 2


@commands
def test_whatever_call_fails_nothing_is_lost_and_the_next_run_makes_it_good(
    bench: Bench, scenario: Scenario
) -> None:
    only_where_possible(bench, scenario)
    steps = [*some(bench.changes(scenario), 2), *some(bench.reads(scenario), 1)]
    assert tried(bench, bench.fail_at(scenario, steps)) == 3


def test_no_thread_can_be_started(bench: Bench) -> None:
    """A git that nobody waits for any more would go on behind the command's back."""
    starts = [point for point in bench.reads(PROMOTE) if point.call == "clone3"]
    assert tried(bench, bench.fail_at(PROMOTE, some(starts, 2))) == 2


def test_a_power_cut_at_any_sync_loses_nothing(bench: Bench) -> None:
    told, disk = bench.record(SYNC)
    assert tried(bench, bench.cut_at(SYNC, told, disk, some(cuts(told, [1]), 8))) == 8


def test_the_replayed_disk_is_the_real_one(bench: Bench) -> None:
    """Otherwise a cut would prove nothing."""
    told, disk = bench.record(SYNC)
    for call in told:
        disk.heed(call)
    disk.sync_all()
    replayed = bench.base / "replayed"
    disk.materialise(replayed, None)
    assert contents(replayed) == contents(bench.place)


def contents(top: Path) -> dict[bytes, tuple[str, str, int]]:
    return {path: (kind, blob, mode) for path, (kind, blob, mode, *_) in survey(top).items()}
