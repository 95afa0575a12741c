"""Sweeps: a command is killed, or one of its system calls fails, at each of its steps in turn.

Every time the cluster is built anew, the command is run under strace(1), and then once more as
it is. In the end everything must be as if nothing had happened, and the checker content.
"""

import itertools
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cluster import Cluster, sample_cluster
from torture import power
from torture.checker import BrokenPromiseError, Checker, survey
from torture.host import Host, ServedCluster
from torture.machine import CLIENTS, GENERATED, LIMITS, MEMORY, OWN
from torture.power import Call, Disk
from torture.scenarios import Scenario
from torture.tracing import CHANGING, READING, Point, points, run_traced

Outcome = dict[str, Mapping[bytes, object]]
"""What stands at every path, by the place where it does."""

SYNCS = {"fsync", "fdatasync", "syncfs", "sync"}


class Cut(NamedTuple):
    """A power cut: before which call, and what decides which contents are on disk; None: none."""

    before: int
    seed: int | None


@dataclass
class Bench:
    """Where sweeps take place: a cluster that is put back before each turn."""

    base: Path
    host: Host | None = None
    findings: list[str] = field(default_factory=list)
    _arguments: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def build(cls) -> Iterator["Bench"]:
        """Build a bench; all of it is gone when the block is left."""
        in_memory = MEMORY if os.access(MEMORY, os.W_OK) else None
        with tempfile.TemporaryDirectory(prefix="etcsync-sweep-", dir=in_memory) as base:
            bench = cls(Path(base))
            bench.place.mkdir()
            cluster = sample_cluster(bench.place, extra=LIMITS)
            cluster.sync()
            subprocess.run(["cp", "-a", bench.place, bench.base / "copy"], check=True)
            with Host.of(cluster, bench.base / "machine") as bench.host:
                yield bench

    def can(self, scenario: Scenario) -> bool:
        """Whether a scenario can take place here: only root may mount and export."""
        return self.host is not None or not scenario.served

    @property
    def place(self) -> Path:
        return self.base / "cluster"

    @property
    def log(self) -> Path:
        return self.base / "calls"

    def cluster(self, scenario: Scenario) -> Cluster:
        """Return a fresh cluster in which the scenario is about to begin."""
        prepared = self.base / f"copy-{scenario.name}"
        host = self.host if scenario.served else None
        cluster = ServedCluster(self.place, host) if host else Cluster(self.place)
        if host:
            host.clear()
        if not prepared.exists():
            self._put_back(self.base / "copy")
            if host:
                host.put_back("nothing")
            scenario.prepare(cluster)
            subprocess.run(["cp", "-a", self.place, prepared], check=True)
            if host:
                host.keep(scenario.name)
                host.clear()
        self._put_back(prepared)
        if host:
            host.put_back(scenario.name)
        return cluster

    def arguments(self, scenario: Scenario, cluster: Cluster) -> tuple[str, ...]:
        """Return what the scenario's command is told, on a fresh cluster; it is always the same."""
        if scenario.name not in self._arguments:
            self._arguments[scenario.name] = scenario.arguments(cluster)
        return self._arguments[scenario.name]

    def _put_back(self, copy: Path) -> None:
        if self.place.exists():
            shutil.rmtree(self.place)
        subprocess.run(["cp", "-a", copy, self.place], check=True)

    # ------------------------------------------------------------ one scenario

    def reference(self, scenario: Scenario) -> Outcome:
        """Return what everything comes to when nothing goes wrong."""
        cluster = self.cluster(scenario)
        cluster.run(*self.arguments(scenario, cluster), status=None)
        cluster.sync(status=None)
        return self._outcome(cluster)

    def changes(self, scenario: Scenario, number: int = 0) -> list[Point]:
        """Return the steps of an untouched run that change anything; see `points`."""
        return self._calls(scenario, CHANGING, number)

    def reads(self, scenario: Scenario, number: int = 0) -> list[Point]:
        """Return the steps of an untouched run that change nothing; see `points`."""
        return self._calls(scenario, READING, number)

    def _calls(self, scenario: Scenario, wanted: Sequence[str], number: int) -> list[Point]:
        cluster = self.cluster(scenario)
        trace = f"trace={','.join(wanted)}"
        run_traced(
            cluster, self.arguments(scenario, cluster), "-f", "-o", str(self.log), "-e", trace
        )
        return points(self.log, wanted, number)

    def kill_at(self, scenario: Scenario, steps: Iterable[Point]) -> Iterator[Point]:
        """Kill at each of ``steps`` in turn; yield each that was tried."""
        expected = self.reference(scenario)
        for point in steps:
            self._turn(scenario, point, "signal=KILL", expected)
            yield point

    def fail_at(self, scenario: Scenario, steps: Iterable[Point]) -> Iterator[Point]:
        """Have each of ``steps`` fail in turn, here and in git; yield each that was tried."""
        expected = self.reference(scenario)
        for point in steps:
            self._turn(scenario, point, f"error={point.error}", expected)
            yield point

    def _turn(self, scenario: Scenario, point: Point, fault: str, expected: Outcome) -> None:
        what = f"{scenario.name}: {fault} at {point}"
        self._try(what, partial(self._suffer, scenario, point, fault, expected))

    def _try(self, what: str, turn: Callable[[], None]) -> None:
        try:
            turn()
        except (AssertionError, subprocess.SubprocessError, TimeoutError, OSError) as error:
            self.findings.append(f"{what}: {error}")

    def _suffer(self, scenario: Scenario, point: Point, fault: str, expected: Outcome) -> None:
        cluster = self.cluster(scenario)
        arguments = self.arguments(scenario, cluster)
        checker = self.checker(cluster)
        checker.look()
        inject = f"inject={point.call}:{fault}:when={point.turn}"
        following = ("-f",) if fault.startswith("error") and point.elsewhere else ()
        suffered = run_traced(
            cluster, arguments, "-o", "/dev/null", "-e", f"trace={point.call}", "-e", inject,
            *following,
        )  # fmt: skip
        checker.check(cut_off=True)
        self._outcome(cluster)
        # Where git's writes fail, too, that of etcsync's may be the word of what is wrong.
        mute = bool(following) and point.call == "write"
        words = ("error", "failed")
        told = any(word in suffered.err + suffered.out for word in words)
        if suffered.status in {2, 3} and not (told or mute):
            raise BrokenPromiseError(f"no word of what is wrong: {suffered}")
        self._recover(scenario, cluster, checker, expected, f"{suffered.status}, {suffered.err}")

    def _recover(
        self,
        scenario: Scenario,
        cluster: Cluster,
        checker: Checker,
        expected: Outcome,
        after: str,
    ) -> None:
        """Run the command once more, and sync: then all is as if nothing had happened.

        Where the command is a sync, that alone has to bring it about.
        """
        checker.look()
        arguments = scenario.again(cluster)
        if arguments != ("sync",):
            again = cluster.run(*arguments, status=None)
            checker.check(cut_off=True)
            if again.status not in {0, 1}:
                raise BrokenPromiseError(f"after {after}, once more: {again}")
            checker.look()
        run = cluster.sync(status=None)
        checker.check()
        for client in run["clients"]:
            if client["error"]:
                raise BrokenPromiseError(f"after {after}: {client['error']}")
        outcome = self._outcome(cluster)
        if outcome != expected:
            differing = [
                (part, path, expected[part].get(path), outcome[part].get(path))
                for part in expected
                for path in {p for p, _ in expected[part].items() ^ outcome[part].items()}
            ]
            raise BrokenPromiseError(f"after {after}: {differing}")

    # ------------------------------------------------------------ the power goes

    def record(self, scenario: Scenario) -> tuple[list[Call], Disk]:
        """Run a scenario and return what it called, and the disk as it was before."""
        cluster = self.cluster(scenario)
        arguments = self.arguments(scenario, cluster)
        disk = Disk(self.place, Path.cwd())
        run_traced(cluster, arguments, "-o", str(self.log), *power.OPTIONS)
        return list(power.calls(self.log)), disk

    def cut_at(
        self, scenario: Scenario, told: Sequence[Call], disk: Disk, moments: Iterable[Cut]
    ) -> Iterator[Cut]:
        """Cut the power at each of ``moments``, in their order; yield each that was tried.

        Args:
            scenario: What was run.
            told: What it called, see `record`.
            disk: The disk as it was before.
            moments: See `cuts`.
        """
        expected = self.reference(scenario)
        done = 0
        for cut in moments:
            for call in told[done : cut.before]:
                disk.heed(call)
            done = cut.before
            what = f"{scenario.name}: {cut} {told[done : done + 1]}"
            self._try(what, partial(self._after_cut, scenario, disk, cut.seed, expected))
            yield cut

    def _after_cut(
        self, scenario: Scenario, disk: Disk, seed: int | None, expected: Outcome
    ) -> None:
        cluster = self.cluster(scenario)
        checker = self.checker(cluster)
        checker.look()
        shutil.rmtree(self.place)
        disk.materialise(self.place, None if seed is None else random.Random(seed))
        checker.check(cut_off=True)
        self._recover(scenario, cluster, checker, expected, "the power went")

    def checker(self, cluster: Cluster) -> Checker:
        trees = {name: cluster.tree(name) for name in CLIENTS}
        hub = cluster.state / "hub.git"
        bench = cluster.place / ".etcsync"
        return Checker(
            cluster.etc, trees, hub, bench, cluster.place, OWN | {b"clientboot"}, GENERATED
        )

    def _outcome(self, cluster: Cluster) -> Outcome:
        """Return all that must come out the same, whatever happened on the way.

        What was put beside its place, lest it be lost, does no harm.
        """
        skipped = {b"machine-id"}
        found = {name: survey(cluster.tree(name)) for name in CLIENTS}
        found["upstream"] = survey(cluster.etc)
        outcome: Outcome = {
            name: {
                path: thing
                for path, thing in things.items()
                if path not in skipped and b".etcsync-" not in path
            }
            for name, things in found.items()
        }
        return outcome | {
            "host": cluster.host.outcome() if isinstance(cluster, ServedCluster) else {}
        }


def cuts(told: Sequence[Call], seeds: Sequence[int]) -> list[Cut]:
    """Return when to cut the power in a run: before every sync and at the end.

    Each time nothing that was not synced is left; and then, for each seed, at some moment since the
    sync before, names are and contents may be.
    """
    ends = [number for number, call in enumerate(told) if call.name in SYNCS] + [len(told)]
    found = []
    for begin, end in itertools.pairwise((0, *ends)):
        found.append(Cut(end, None))
        for seed in seeds:
            moment = random.Random(seed * end).randint(min(begin + 1, end), end)
            found.append(Cut(moment, seed))
    return sorted(found, key=lambda cut: cut.before)
