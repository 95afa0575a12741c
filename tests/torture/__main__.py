"""``make torture``: all that may go wrong, as long as one likes, from a seed that is printed."""

import argparse
import random
import secrets
import sys
import time
import traceback
from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from torture.machine import Torture
from torture.sweep import SCENARIOS, Bench, Scenario
from torture.tracing import Point

EXAMPLES = 8
"""Clusters per seed of the machine."""

CUTS = 4
"""Ways in which a power cut may leave what was not synced."""

PARTS = {"machine": 3, "kill": 1, "fail": 1, "cut": 1}
"""What is done, and which share of the time it gets."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make torture")
    parser.add_argument("--seconds", type=float, default=600, help="for all parts together")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--part", choices=PARTS, action="append", help="default: all")
    parser.add_argument("--length", type=int, default=40, help="steps on one cluster")
    parser.add_argument("--shrink", action="store_true", help="reduce what the machine finds")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    shares = {part: PARTS[part] for part in given.part or PARTS}
    findings = 0
    for part, share in shares.items():
        until = time.monotonic() + given.seconds * share / sum(shares.values())
        if part == "machine":
            findings += run_machine(given, until)
        else:
            findings += run_sweep(part, given.seed, until)
    print(f"{findings} findings")
    return 1 if findings else 0


def run_machine(given: argparse.Namespace, until: float) -> int:
    """Run the machine with one seed after the other, and return how many broke a promise."""
    form = settings(
        max_examples=EXAMPLES, stateful_step_count=given.length, deadline=None, database=None,
        phases=(Phase.generate, *((Phase.shrink,) if given.shrink else ())),
        report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    number, findings = given.seed, 0
    try:
        while time.monotonic() < until:
            try:
                run_state_machine_as_test(seed(number)(Torture), settings=form)
            except Exception:  # noqa: BLE001 - whatever it is, it is a finding
                findings += 1
                traceback.print_exc()
                print(f"machine: seed {number} breaks a promise", flush=True)
            number += 1
            print(f"machine: {Torture.steps[0]} steps, next seed {number}", flush=True)
    finally:
        Torture.clear_away()
    return findings


def run_sweep(part: str, number: int, until: float) -> int:
    """Go through all commands in one way, and return how many steps broke a promise."""
    bench = Bench.build()
    try:
        for left, scenario in zip(range(len(SCENARIOS), 0, -1), SCENARIOS, strict=True):
            moment = time.monotonic() + (until - time.monotonic()) / left
            tried = sum(1 for _ in _until(moment, _sweep(part, bench, scenario, number)))
            print(f"{part}: {scenario.name}: {tried} steps", flush=True)
    finally:
        bench.clear_away()
    for finding in bench.findings:
        print(finding, flush=True)
    return len(bench.findings)


def _sweep(part: str, bench: Bench, scenario: Scenario, number: int) -> Iterator[object]:
    chance = random.Random(number)

    def shuffled(points: list[Point]) -> list[Point]:
        return chance.sample(points, len(points))

    if part == "kill":
        return bench.kill_everywhere(scenario, shuffled)
    if part == "fail":
        return bench.fail_everywhere(scenario, shuffled)
    return bench.cut_everywhere(scenario, [number + each for each in range(CUTS)])


def _until(moment: float, steps: Iterator[object]) -> Iterator[object]:
    for step in steps:
        yield step
        if time.monotonic() > moment:
            return


if __name__ == "__main__":
    sys.exit(main())
