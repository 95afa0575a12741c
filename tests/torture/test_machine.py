"""Everything in any order, and every promise still holds; the short form of ``make torture``."""

import shutil

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from torture.machine import Torture, TortureOfEtckeeper


def run(machine: type[Torture], examples: int) -> None:
    short = settings(
        max_examples=examples,
        stateful_step_count=25,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(machine, settings=short)
    finally:
        machine.clear_away()


def test_no_order_of_events_breaks_a_promise() -> None:
    run(Torture, 4)


@pytest.mark.skipif(shutil.which("etckeeper") is None, reason="etckeeper is not installed")
def test_nor_does_it_where_etckeeper_keeps_upstream() -> None:
    run(TortureOfEtckeeper, 2)
