"""Everything in any order, and every promise still holds; the short form of ``make torture``."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from torture.machine import Torture


@pytest.fixture(autouse=True)
def cleared():
    yield
    Torture.clear_away()


def test_no_order_of_events_breaks_a_promise():
    short = settings(
        max_examples=4,
        stateful_step_count=25,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Torture, settings=short)
