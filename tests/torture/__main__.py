"""``make torture``: all that may go wrong, as long as one likes, from a seed that is printed."""

import argparse
import os
import random
import secrets
import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from torture.flood import flood
from torture.machine import Torture, TortureOfEtckeeper
from torture.scenarios import SCENARIOS, Scenario
from torture.sweep import Bench, cuts
from torture.together import torment

EXAMPLES = 8
"""Clusters per seed of the machine."""

FLOODS = (1, 1000)
"""Over how many directories a million names are spread."""

KEPT = 4
"""Of so many seeds of the machine one has an upstream that etckeeper keeps."""

MINUTE = 60.0

CUTS = 4
"""Ways in which a power cut may leave what was not synced."""

PARTS = {"machine": 3, "kill": 1, "fail": 1, "read": 1, "cut": 1, "together": 1, "flood": 1}
"""What is done, and which share of the time it gets."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make torture")
    parser.add_argument("--seconds", type=float, default=600, help="for all parts together")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--part", choices=PARTS, action="append", help="default: all")
    parser.add_argument("--length", type=int, default=40, help="steps on one cluster")
    parser.add_argument("--every", type=int, default=1, help="take only each so-manieth step")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="of the sweeps")
    parser.add_argument("--shrink", action="store_true", help="reduce what the machine finds")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    shares = {part: PARTS[part] for part in given.part or PARTS}
    findings = 0
    for part, share in shares.items():
        until = time.monotonic() + given.seconds * share / sum(shares.values())
        if part == "machine":
            findings += run_machine(given, until)
        elif part == "together":
            findings += run_together(given.seed, until)
        elif part == "flood":
            findings += run_flood(until)
        else:
            findings += run_sweep(given, part, until)
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
            kept = number % KEPT == 0 and shutil.which("etckeeper") is not None
            machine = TortureOfEtckeeper if kept else Torture
            try:
                run_state_machine_as_test(seed(number)(machine), settings=form)
            except Exception:  # noqa: BLE001 - whatever it is, it is a finding
                findings += 1
                traceback.print_exc()
                print(f"machine: seed {number} breaks a promise", flush=True)
            number += 1
            print(f"machine: {Torture.steps[0]} steps, next seed {number}", flush=True)
    finally:
        Torture.clear_away()
        TortureOfEtckeeper.clear_away()
    return findings


def run_together(number: int, until: float) -> int:
    """Let everybody loose for a minute with one seed after the other; return how often it broke."""
    findings = 0
    while (left := until - time.monotonic()) > 0:
        try:
            done = torment(min(left, MINUTE), number)
            print(f"together: seed {number}: {dict(sorted(done.items()))}", flush=True)
        except AssertionError as error:
            findings += 1
            print(f"together: seed {number}: {error}", flush=True)
        number += 1
    return findings


def run_flood(until: float) -> int:
    """Give one client a million names, in few directories or many; return how often it mattered."""
    findings = 0
    for directories in FLOODS:
        try:
            print(f"flood: {flood(directories)}", flush=True)
        except AssertionError as error:
            findings += 1
            print(f"flood: {error}", flush=True)
        if time.monotonic() > until:
            break
    return findings


def run_sweep(given: argparse.Namespace, part: str, until: float) -> int:
    """Go through all commands in one way, and return how many steps broke a promise."""
    with ProcessPoolExecutor(given.workers) as pool:
        shares = range(given.workers)
        found = pool.map(partial(_take_share, given, part, until), shares)
        return sum(found)


def _take_share(given: argparse.Namespace, part: str, until: float, share: int) -> int:
    """Take every so-manieth step of each command; return how many broke a promise."""
    findings = 0
    with Bench.build() as bench:
        scenarios = [each for each in SCENARIOS if _can(bench, part, each)]
        for left, scenario in zip(range(len(scenarios), 0, -1), scenarios, strict=True):
            moment = time.monotonic() + (until - time.monotonic()) / left
            chosen = slice(given.seed % given.every + share * given.every, None,
                           given.every * given.workers)  # fmt: skip
            total, steps = _sweep(part, bench, scenario, given.seed, chosen)
            tried = sum(1 for _ in _until(moment, steps))
            print(f"{part}: {scenario.name}: {tried} of {total} steps, {chosen}", flush=True)
            for finding in bench.findings:
                print(finding, flush=True)
            findings += len(bench.findings)
            bench.findings.clear()
    return findings


def _can(bench: Bench, part: str, scenario: Scenario) -> bool:
    """What the power leaves of a machine's own files and mounts, the model does not know."""
    return bench.can(scenario) and not (part == "cut" and scenario.served)


def _sweep(
    part: str, bench: Bench, scenario: Scenario, number: int, chosen: slice
) -> tuple[int, Iterator[object]]:
    """Return how many steps there are to take, and what takes them."""
    if part == "cut":
        told, disk = bench.record(scenario)
        moments = cuts(told, [number + each for each in range(CUTS)])[chosen]
        return len(moments), bench.cut_at(scenario, told, disk, moments)
    steps = (bench.reads if part == "read" else bench.changes)(scenario, number)[chosen]
    random.Random(number).shuffle(steps)
    return len(steps), (bench.kill_at if part == "kill" else bench.fail_at)(scenario, steps)


def _until(moment: float, steps: Iterator[object]) -> Iterator[object]:
    for step in steps:
        yield step
        if time.monotonic() > moment:
            return


if __name__ == "__main__":
    sys.exit(main())
