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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cluster import Cluster, git, sample_cluster
from torture import power
from torture.checker import BrokenPromiseError, Checker, Survey, survey
from torture.edits import Etc, add_account
from torture.machine import CLIENTS, GENERATED, LIMITS, MEMORY, OWN
from torture.power import Call, Disk
from torture.tracing import CHANGING, READING, Point, points, run_traced

ERRORS = ("ENOSPC", "EIO", "EROFS", "EDQUOT", "EMFILE", "ENOMEM", "ESTALE")

SYNCS = {"fsync", "fdatasync", "syncfs", "sync"}

Order = Callable[[list[Point]], list[Point]]
"""Chooses among the steps of a command, and in which order they are tried."""

Arguments = Callable[[Cluster], tuple[str, ...]]


@dataclass(frozen=True)
class Scenario:
    """A command, what was done before it, and what it and its repetition are told."""

    name: str
    prepare: Callable[[Cluster], None]
    arguments: Arguments
    again: Arguments


def unsettle(cluster: Cluster) -> None:
    """Have upstream and the clients change in every way, so that a sync has everything to do."""
    etc, tree = cluster.etc, cluster.tree(0)
    (etc / "motd").write_text("Welcome.\nA new line.\nAsk the desk for help.\n")
    (etc / "new.d").mkdir()
    (etc / "new.d/one").write_text("one\n")
    (etc / "vconsole.conf").unlink()
    (etc / "vconsole.conf").mkdir()
    (etc / "vconsole.conf/part").write_text("KEYMAP=de\n")
    (etc / "profile.d/editor.sh").unlink()
    (etc / "localtime").unlink()
    (etc / "localtime").symlink_to("/usr/share/zoneinfo/UTC")
    (etc / "locale.conf").chmod(0o600)
    (etc / "chrony.conf").write_text("server upstream iburst\n")
    (etc / "ld.so.cache").write_text("a cache, version 2\n")
    add_account(Etc(etc, "upstream"), 3)
    cluster.commit("everything at once")
    (tree / "motd").write_text("Welcome.\nThis machine boots from the network.\nAsk.\nAsk again.\n")
    (tree / "chrony.conf").write_text("server client iburst\n")
    (tree / "own").mkdir()
    (tree / "own/file").write_text("the client's\n")
    (tree / "nsswitch.conf").unlink()
    (tree / "hosts").chmod(0o600)
    (tree / "sudoers").write_text("root ALL=(ALL:ALL) ALL\n")
    os.mkfifo(tree / "fifo")
    add_account(Etc(tree, "client0"), 5)


def drift(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    (tree / "motd").write_text("From client0.\n")
    (tree / "new.d").mkdir()
    (tree / "new.d/one").write_text("one\n")
    (tree / "locale.conf").chmod(0o600)
    (tree / "vconsole.conf").unlink()
    (cluster.etc / "hosts").write_text("being edited\n")


def conflict(cluster: Cluster) -> None:
    for number in (0, 1):
        (cluster.tree(number) / "motd").write_text("The client's.\n")
    (cluster.etc / "motd").write_text("Upstream's.\n")
    cluster.commit()
    cluster.sync(status=1)
    (cluster.tree(0) / "hosts").write_text("127.0.0.1 localhost edited\n")


def held(cluster: Cluster) -> tuple[str, ...]:
    """Decide what is held; what a killed command has decided already is to be synced."""
    for client in cluster.status().values():
        for found in client["conflicts"]:
            return ("resolve", found["id"], "--upstream", "--everywhere")
    return ("sync",)


def set_up(cluster: Cluster) -> tuple[str, ...]:
    return ("init", "--root", str(cluster.root), "--clients", "client{0..2}")


def set_back(cluster: Cluster) -> None:
    """Have nothing but upstream and an old clone, as before ``init``."""
    shutil.rmtree(cluster.state)
    for number in (0, 1, 2):
        shutil.rmtree(cluster.tree(number))
    git(cluster.place, "clone", "-q", str(cluster.etc), str(cluster.tree(0)))
    (cluster.tree(0) / "motd").write_text("The clone's.\n")
    cluster.settings.unlink()
    cluster.write_settings(LIMITS)


def sync(_cluster: Cluster) -> tuple[str, ...]:
    return ("sync",)


def promotion(_cluster: Cluster) -> tuple[str, ...]:
    return ("promote", "client0")


SCENARIOS = (
    Scenario("sync", unsettle, sync, sync),
    Scenario("promote", drift, promotion, promotion),
    Scenario("resolve", conflict, held, held),
    Scenario("init", set_back, set_up, set_up),
)


@dataclass
class Bench:
    """Where sweeps take place: a cluster that is put back before each turn."""

    base: Path
    done: int = 0
    findings: list[str] = field(default_factory=list)

    @classmethod
    def build(cls) -> "Bench":
        in_memory = MEMORY if os.access(MEMORY, os.W_OK) else None
        bench = cls(Path(tempfile.mkdtemp(prefix="etcsync-sweep-", dir=in_memory)))
        bench.place.mkdir()
        sample_cluster(bench.place, extra=LIMITS).sync()
        subprocess.run(["cp", "-a", bench.place, bench.base / "copy"], check=True)
        return bench

    @property
    def place(self) -> Path:
        return self.base / "cluster"

    @property
    def log(self) -> Path:
        return self.base / "calls"

    def cluster(self, scenario: Scenario) -> Cluster:
        """Return a fresh cluster in which the scenario is about to begin."""
        prepared = self.base / f"copy-{scenario.name}"
        if not prepared.exists():
            self._put_back(self.base / "copy")
            scenario.prepare(Cluster(self.place))
            subprocess.run(["cp", "-a", self.place, prepared], check=True)
        self._put_back(prepared)
        return Cluster(self.place)

    def clear_away(self) -> None:
        shutil.rmtree(self.base)

    def _put_back(self, copy: Path) -> None:
        if self.place.exists():
            shutil.rmtree(self.place)
        subprocess.run(["cp", "-a", copy, self.place], check=True)

    # ------------------------------------------------------------ one scenario

    def reference(self, scenario: Scenario) -> dict[str, Survey]:
        """Return what everything comes to when nothing goes wrong."""
        cluster = self.cluster(scenario)
        cluster.run(*scenario.arguments(cluster), status=None)
        cluster.sync(status=None)
        return self._outcome(cluster)

    def calls(self, scenario: Scenario, *, reads: bool) -> list[Point]:
        """Return the steps of an untouched run."""
        cluster = self.cluster(scenario)
        wanted = (*CHANGING, *READING) if reads else CHANGING
        trace = f"trace={','.join(dict.fromkeys(wanted))}"
        run_traced(cluster, scenario.arguments(cluster), "-o", str(self.log), "-e", trace)
        return points(self.log, wanted, reads=reads)

    def kill_everywhere(self, scenario: Scenario, order: Order) -> Iterator[Point]:
        """Kill at every change that ``order`` leaves of all; yield each that was tried."""
        expected = self.reference(scenario)
        for point in order(self.calls(scenario, reads=False)):
            self._turn(scenario, point, "signal=KILL", expected)
            yield point

    def fail_everywhere(self, scenario: Scenario, order: Order) -> Iterator[Point]:
        """Have each call fail that ``order`` leaves, here and in git; yield each that was tried."""
        expected = self.reference(scenario)
        for number, point in enumerate(order(self.calls(scenario, reads=True))):
            self._turn(scenario, point, f"error={ERRORS[number % len(ERRORS)]}", expected)
            yield point

    def _turn(
        self, scenario: Scenario, point: Point, fault: str, expected: dict[str, Survey]
    ) -> None:
        what = f"{scenario.name}: {fault} at {point}"
        self._try(what, partial(self._suffer, scenario, point, fault, expected))

    def _try(self, what: str, turn: Callable[[], None]) -> None:
        self.done += 1
        try:
            turn()
        except (AssertionError, subprocess.SubprocessError, TimeoutError, OSError) as error:
            self.findings.append(f"{what}: {error}")

    def _suffer(
        self, scenario: Scenario, point: Point, fault: str, expected: dict[str, Survey]
    ) -> None:
        cluster = self.cluster(scenario)
        arguments = scenario.arguments(cluster)
        checker = self.checker(cluster)
        checker.look()
        inject = f"inject={point.call}:{fault}:when={point.turn}"
        following = () if fault.startswith("signal") else ("-f",)
        suffered = run_traced(
            cluster, arguments, "-o", "/dev/null", "-e", f"trace={point.call}", "-e", inject,
            *following,
        )  # fmt: skip
        checker.check(cut_off=True)
        if suffered.status in {2, 3} and not any(
            word in suffered.err + suffered.out for word in ("error", "failed")
        ):
            raise BrokenPromiseError(f"no word of what is wrong: {suffered}")
        self._recover(scenario, cluster, checker, expected, f"{suffered.status}, {suffered.err}")

    def _recover(
        self,
        scenario: Scenario,
        cluster: Cluster,
        checker: Checker,
        expected: dict[str, Survey],
        after: str,
    ) -> None:
        """Run the command once more, and sync: then all is as if nothing had happened."""
        checker.look()
        again = cluster.run(*scenario.again(cluster), status=None)
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
        arguments = scenario.arguments(cluster)
        disk = Disk(self.place, Path.cwd())
        run_traced(cluster, arguments, "-o", str(self.log), *power.OPTIONS)
        return list(power.calls(self.log)), disk

    def cut_everywhere(self, scenario: Scenario, seeds: Sequence[int]) -> Iterator[str]:
        """Cut the power before every sync and at the end; yield each cut that was tried.

        Each time nothing that was not synced is left; and then, for each seed, at some moment since
        the sync before, names are and contents may be.
        """
        expected = self.reference(scenario)
        told, disk = self.record(scenario)
        cuts = _cuts(told, seeds)
        for number in range(len(told) + 1):
            for seed in cuts.get(number, ()):
                where = f"{scenario.name}: cut before {number}, {told[number:][:1]}, with {seed}"
                self._try(where, partial(self._after_cut, scenario, disk, seed, expected))
                yield where
            if number < len(told):
                disk.heed(told[number])

    def _after_cut(
        self, scenario: Scenario, disk: Disk, seed: int | None, expected: dict[str, Survey]
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
        return Checker(cluster.etc, trees, hub, bench, cluster.place, OWN, GENERATED)

    def _outcome(self, cluster: Cluster) -> dict[str, Survey]:
        """Return all that must come out the same, whatever happened on the way.

        What was put beside its place, lest it be lost, does no harm.
        """
        skipped = {b"machine-id"}
        found = {name: survey(cluster.tree(name)) for name in CLIENTS}
        found["upstream"] = survey(cluster.etc)
        return {
            name: {
                path: thing
                for path, thing in things.items()
                if path not in skipped and b".etcsync-" not in path
            }
            for name, things in found.items()
        }


def _cuts(told: Sequence[Call], seeds: Sequence[int]) -> dict[int, list[int | None]]:
    """Return before which calls to cut, and how: see `Bench.cut_everywhere`."""
    ends = [number for number, call in enumerate(told) if call.name in SYNCS] + [len(told)]
    cuts: dict[int, list[int | None]] = {}
    for begin, end in itertools.pairwise((0, *ends)):
        cuts.setdefault(end, []).append(None)
        for seed in seeds:
            moment = random.Random(seed * end).randint(min(begin + 1, end), end)
            cuts.setdefault(moment, []).append(seed)
    return cuts
