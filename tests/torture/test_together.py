"""Clients, upstream, two command lines and a daemon at once; the short form of ``make torture``."""

import pytest
from torture.together import torment


@pytest.mark.timeout(300)
def test_nothing_is_lost_while_everybody_is_at_work() -> None:
    done = torment(10, seed=1)
    assert done["daemon passes"] > 1
    assert done["commits"] > 5
    assert done["client write"] > 100
    assert sum(done[each] for each in done if ": " in each) > 2, "commands were given"
