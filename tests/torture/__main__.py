"""``make torture``: everything in any order, as long as one likes, from a seed that is printed."""

import argparse
import secrets
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from torture.machine import Torture

EXAMPLES = 4
"""Clusters per seed."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make torture")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument(
        "--steps", type=int, default=0, help="stop after so many; 0: when time is up"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--length", type=int, default=40, help="steps on one cluster")
    parser.add_argument("--shrink", action="store_true", help="reduce what breaks a promise")
    parser.add_argument("--go-on", action="store_true", help="do not end with the first finding")
    given = parser.parse_args()
    phases = (Phase.generate, *((Phase.shrink,) if given.shrink else ()))
    form = settings(
        max_examples=EXAMPLES, stateful_step_count=given.length, deadline=None, database=None,
        phases=phases, report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    until = time.monotonic() + given.seconds
    number, findings = given.seed, 0
    try:
        while time.monotonic() < until and not (given.steps and Torture.steps[0] >= given.steps):
            try:
                run_state_machine_as_test(seed(number)(Torture), settings=form)
            except Exception:  # noqa: BLE001 - whatever it is, it is a finding
                findings += 1
                traceback.print_exc()
                print(f"seed {number} breaks a promise", flush=True)
                if not given.go_on:
                    return 1
            number += 1
            print(f"seed {number - 1}: {Torture.steps[0]} steps so far", flush=True)
    finally:
        Torture.clear_away()
    print(f"{Torture.steps[0]} steps from seed {given.seed}: {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
