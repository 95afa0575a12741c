"""A fleet that is divided among processes fares as one that is not, whatever becomes of them."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, divide, fingerprint, git, sample_cluster
from forked import run_forked
from tree_support import AS_ROOT

from etcsync import system_calls
from etcsync.config import Client, Settings, load_settings
from etcsync.errors import EtcsyncError, HubError
from etcsync.hub.hub import RefUpdate, open_hub
from etcsync.hub.refs import turn
from etcsync.privileges import LOOKING, mask
from etcsync.reconcile import shards
from etcsync.reconcile.allowances import Allowances
from etcsync.reconcile.cluster import Cluster as Open
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.options import Advance, SyncOptions, no_advance
from etcsync.reconcile.reconciler import sync_clients
from etcsync.reconcile.shards import over_fleet, workers_for
from etcsync.reconcile.worker import Stop, Target

CLIENTS = 7
NAMES = [f"client{number}" for number in range(CLIENTS)]


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    built = sample_cluster(tmp_path / "divided", clients=CLIENTS)
    built.divided = True
    built.sync()
    return built


@pytest.fixture
def settings(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The settings, for calls in this process; which has two threads, as the daemon has many."""
    for name, value in (("MANY_MORE", 1), ("LARGEST", 2), ("processors", lambda: 2)):
        monkeypatch.setattr(shards, name, value)
    monkeypatch.setitem(os.environ, "PYTHONPATH", CLEAN_ENVIRONMENT["PYTHONPATH"])
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    yield load_settings(str(cluster.settings))
    end.set()
    other.join()


class Told:
    """Tells what is asked of the process that works; clients by the name of ``fatal`` end it."""

    reads_only = True

    def __init__(self, ask: Callable[[], Any], fatal: str = "") -> None:
        self.ask = ask
        self.fatal = fatal

    def __call__(
        self, cluster: Open, clients: Sequence[Client], advance: Advance, stop: Stop
    ) -> list[tuple[str, Any]]:
        for number, client in enumerate(clients, 1):
            if client.name == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            advance("step", number, len(clients))
        return [(client.name, self.ask()) for client in clients]

    def lost(
        self, _settings: Settings, clients: Sequence[Client], error: EtcsyncError
    ) -> list[tuple[str, Any]]:
        return [(client.name, error) for client in clients]


def ask_all(
    settings: Settings, ask: Callable[[], Any], fatal: str = "", advance: Advance = no_advance
) -> dict[str, Any]:
    with workers_for(settings.clients) as workers:
        target = Target(settings, git(Path(settings.upstream.etc), "rev-parse", "HEAD").strip())
        parts = over_fleet(
            workers, target, settings.clients, Told(ask, fatal), advance, lambda: False
        )
    return dict(each for part in parts for each in part)


def own_status() -> str:
    return Path("/proc/self/status").read_text()


def write_somewhere() -> bool:
    try:
        Path("/tmp/etcsync-was-here").write_text("")
    except PermissionError:
        return False
    return True


def has_landlock() -> bool:
    try:
        return system_calls.landlock(system_calls.SYS_LANDLOCK_CREATE_RULESET, None, 0, 1) > 0
    except OSError:
        return False


def await_workers(parent: int) -> list[int]:
    """Wait until a process has forked its workers; they come before any git that it starts."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        if len(found) >= 2:
            return [int(pid) for pid in found[:2]]
        time.sleep(0.001)
    raise AssertionError("no workers came")


def state(cluster: Cluster) -> dict[str, Any]:
    """What stands in all trees, and in the hub's branches, by content."""
    hub = cluster.state / "hub.git"
    refs = git(hub, "for-each-ref", "--format=%(refname)").split()
    trees = {ref: git(hub, "rev-parse", f"{ref}^{{tree}}") for ref in refs}
    files = {
        str(path.relative_to(cluster.place)): path.read_bytes()
        for number in range(CLIENTS)
        for path in sorted(cluster.tree(number).rglob("*"))
        if path.is_file() and path.name != ".git"
    }
    return trees | files


def comparable(document: Any) -> Any:
    """A document without what depends on time and place."""
    if isinstance(document, dict):
        left_out = {"commit", "upstream_commit", "id", "since", "last_sync"}
        return {key: comparable(each) for key, each in document.items() if key not in left_out}
    if isinstance(document, str):
        return re.sub("/[^ ]*/(divided|whole)/", "", document)
    return [comparable(each) for each in document] if isinstance(document, list) else document


def change(cluster: Cluster, number: int) -> None:
    """Something of every kind: writes, merges, drift, a conflict, a tree that is gone."""
    for each in range(CLIENTS):
        cluster.tree(each).joinpath(f"own{each}").write_text(f"{number}\n")
    cluster.tree(1).joinpath("motd").write_text(f"the client's, {number}\n")
    hosts = cluster.tree(2) / "hosts"
    hosts.write_text(hosts.read_text() + f"10.0.0.{number} added{number}\n")
    if number == 2:
        cluster.tree(3).rename(cluster.place / "away")
    cluster.write("motd", f"upstream's, {number}\n", message="")
    cluster.write(f"new{number}.conf", "new\n")


def test_it_fares_like_one_that_is_not_divided(cluster: Cluster, tmp_path: Path) -> None:
    whole = sample_cluster(tmp_path / "whole", clients=CLIENTS)
    for each in (cluster, whole):
        for name in NAMES:  # made up anew for each tree
            (each.tree(name) / "machine-id").write_text("0" * 32 + "\n")
        each.sync()
    for number in (1, 2):
        for each in (cluster, whole):
            change(each, number)
        for command in ("plan", "sync", "status", "sync"):
            divided, alone = (each.run(command, "--json", status=None) for each in (cluster, whole))
            assert divided.status == alone.status
            assert comparable(divided.json) == comparable(alone.json), command
        assert state(cluster) == state(whole)
    assert git(cluster.state / "hub.git", "fsck", "--no-dangling") == ""


def test_trees_are_adopted_and_made_alike(tmp_path: Path) -> None:
    outcomes = []
    for divided in (True, False):
        place = tmp_path / ("divided" if divided else "whole")
        cluster = sample_cluster(place, clients=1)
        cluster.divided = divided
        for number in (1, 3, 5):
            git(place, "clone", "-q", str(cluster.etc), str(cluster.tree(number)))
            (cluster.tree(number) / "motd").write_text("the clone's\n")
            git(cluster.tree(number), "commit", "-qam", "mine")
        cluster.tree(4).mkdir()
        (cluster.tree(4) / "motd").write_text("somebody's\n")
        pattern = f"client{{0..{CLIENTS - 1}}}"
        init = cluster.run("init", "--root", str(cluster.root), "--clients", pattern, "--json")
        outcomes.append([(each["name"], each["outcome"]) for each in init.json["clients"]])
        assert not any(client["error"] for client in cluster.sync(status=1)["clients"])
        assert git(cluster.state / "hub.git", "fsck", "--no-dangling") == ""
        for number in (1, 3, 5):
            log = git(cluster.state / "hub.git", "log", "--format=%s", f"client{number}")
            assert "mine" in log.splitlines()
    assert outcomes[0] == outcomes[1]
    assert [outcome for _, outcome in outcomes[0]] == [
        "managed", "adopted", "created", "adopted", "taken", "adopted", "created",
    ]  # fmt: skip


def test_each_client_is_worked_on_once_by_two_processes_of_their_own(settings: Settings) -> None:
    steps: list[tuple[str, int, int]] = []
    told = ask_all(settings, os.getpid, advance=lambda *step: steps.append(step))
    assert sorted(told) == NAMES
    assert len(set(told.values())) == 2
    assert os.getpid() not in told.values()
    assert steps[-1] == ("step", CLIENTS, CLIENTS)


def test_few_clients_are_not_divided(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MANY_MORE", CLIENTS + 1)
    assert set(ask_all(settings, os.getpid).values()) == {os.getpid()}
    monkeypatch.setattr(shards, "MANY_MORE", CLIENTS)
    quiet = [client.name for client in settings.clients]
    with workers_for(settings.clients, quiet) as workers:
        assert len(workers) == 0
    with workers_for(settings.clients) as workers:
        assert len(workers) == 2


def test_fewer_clients_than_workers_are_no_trouble(cluster: Cluster) -> None:
    (cluster.tree(1) / "motd").write_text("an edit\n")
    assert [run["name"] for run in cluster.sync("client1")["clients"]] == ["client1"]
    assert (cluster.place / "etc-client1/motd").read_text() == "an edit\n"


def test_status_may_ask_git_for_what_it_has_not_asked_yet(cluster: Cluster) -> None:
    for number in range(3):
        cluster.write("motd", f"{number}\n")
    assert {client["behind"] for client in cluster.status().values()} == {3}


@pytest.mark.skipif(not AS_ROOT, reason="only root has rights to give up")
def test_those_that_only_read_keep_no_right_but_to_read(settings: Settings) -> None:
    for status in ask_all(settings, own_status).values():
        lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert {int(lines[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {mask(LOOKING)}
        assert lines["NoNewPrivs"] == "1"
    written = set(ask_all(settings, write_somewhere).values())
    assert written == {not has_landlock()}


@pytest.mark.parametrize("fatal", [NAMES[0], NAMES[-1]])
def test_a_worker_that_is_killed_takes_its_own_shard_only(settings: Settings, fatal: str) -> None:
    told = ask_all(settings, os.getpid, fatal)
    assert sorted(told) == NAMES
    lost = [name for name, each in told.items() if isinstance(each, EtcsyncError)]
    assert fatal in lost
    assert len(lost) <= 2
    assert "SIGKILL" in told[fatal].message


def test_where_all_are_killed_every_client_is_told_of(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "processors", lambda: 1)
    with workers_for(settings.clients) as workers:
        assert len(workers) == 0
    monkeypatch.setattr(shards, "processors", lambda: 2)
    with workers_for(settings.clients) as workers:
        for each in workers:
            each.connection.send("no order")
            each.wait()
        target = Target(settings, "HEAD")
        parts = over_fleet(
            workers, target, settings.clients, Told(os.getpid), no_advance, lambda: False
        )
    assert sorted(name for part in parts for name, _ in part) == NAMES
    assert all(isinstance(each, EtcsyncError) for part in parts for _, each in part)


def test_a_damaged_hub_ends_it_for_all(cluster: Cluster, settings: Settings) -> None:
    cluster.write("motd", "news\n")
    base = git(cluster.state / "hub.git", "rev-parse", "client3").strip()
    lost = cluster.state / "hub.git" / "refs/heads/client3"
    lost.write_text(base[:30] + "\n")
    with pytest.raises(HubError):
        sync_clients(settings, (), SyncOptions(), no_advance)
    lost.unlink()
    assert cluster.sync()["clients"][6]["error"] is None


def test_a_run_that_is_to_end_ends_between_two_clients(
    cluster: Cluster, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(12):
        cluster.write("one", f"{number}\n", message="")
        cluster.write("two", f"{number}\n")
        until = time.monotonic() + number / 40
        options = SyncOptions(stop=lambda until=until: time.monotonic() > until)
        told = {run.name for run in sync_clients(settings, (), options, no_advance).clients}
        new = {
            name: {
                (cluster.tree(name) / each).is_file()
                and (cluster.tree(name) / each).read_text() == f"{number}\n"
                for each in ("one", "two")
            }
            for name in NAMES
        }
        assert all(len(each) == 1 for each in new.values()), "a client was left half-way"
        assert told == {name for name, each in new.items() if each == {True}}
    assert capfd.readouterr().err == ""
    cluster.sync()
    assert cluster.sync()["clients"] == cluster.sync()["clients"]
    assert all((cluster.tree(name) / "two").read_text() == "11\n" for name in NAMES)


def started(cluster: Cluster) -> "subprocess.Popen[bytes]":
    program = "from cluster import divide; divide(); from etcsync.cli.main import run; run()"
    return subprocess.Popen(
        [sys.executable, "-c", program, "--config", str(cluster.settings), "sync", "--json"],
        env=CLEAN_ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("pause", [0, 0.01, 0.03, 0.06, 0.1])
def test_killed_workers_leave_what_the_next_run_completes(cluster: Cluster, pause: float) -> None:
    change(cluster, 1)
    process = started(cluster)
    one, _ = await_workers(process.pid)
    time.sleep(pause)
    os.kill(one, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode in {1, 3}
    everything_in_place(cluster)


@pytest.mark.parametrize("pause", [0, 0.01, 0.03, 0.06, 0.1])
def test_orphaned_workers_keep_the_lock_and_come_to_an_end(cluster: Cluster, pause: float) -> None:
    change(cluster, 1)
    process = started(cluster)
    workers = await_workers(process.pid)
    time.sleep(pause)
    process.kill()
    process.communicate()
    with writer_lock(str(cluster.state / "lock"), wait=60):
        before = fingerprint(*(cluster.tree(number) for number in range(CLIENTS)))
    until = time.monotonic() + 10
    while any(map(is_running, workers)):
        assert time.monotonic() < until
    assert before == fingerprint(*(cluster.tree(number) for number in range(CLIENTS)))
    everything_in_place(cluster)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def everything_in_place(cluster: Cluster) -> None:
    run = cluster.sync(status=1)
    assert not any(client["error"] for client in run["clients"])
    for number in range(CLIENTS):
        assert (cluster.tree(number) / "new1.conf").read_text() == "new\n"
        assert (cluster.tree(number) / f"own{number}").read_text() == "1\n"
    assert (cluster.tree(1) / "motd").read_text() == "the client's, 1\n"
    assert cluster.sync(status=1)["clients"][0]["actions"] == []
    assert git(cluster.state / "hub.git", "fsck", "--no-dangling") == ""


def test_what_is_captured_counts_for_each_client_whoever_records_it(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    one, other = (Allowances(str(tmp_path / "captured.json"), 100, now) for _ in range(2))
    assert one.left("client0") == other.left("client1") == 100
    one.charge({"client0": 10})
    other.charge({"client1": 20})
    one.charge({"client0": 5})
    after = Allowances(str(tmp_path / "captured.json"), 100, now)
    assert [after.left(name) for name in NAMES[:3]] == [85, 80, 100]
    assert [one.left("client0"), other.left("client1")] == [85, 80]


def test_refs_are_moved_in_turns(cluster: Cluster) -> None:
    hub_path = str(cluster.state / "hub.git")
    begun, end = threading.Event(), threading.Event()

    def hold() -> None:
        with turn(hub_path):
            begun.set()
            end.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    begun.wait()
    with open_hub(hub_path) as hub:
        moves = [RefUpdate("refs/heads/new", hub.refs()["refs/heads/client0"], None)]
        mover = threading.Thread(target=hub.update_refs, args=(moves,))
        mover.start()
        mover.join(0.3)
        assert mover.is_alive()
        assert "refs/heads/new" not in hub.refs()
        end.set()
        mover.join()
        assert "refs/heads/new" in hub.refs()
    holder.join()


def test_log_lines_of_workers_are_like_those_of_their_parent(cluster: Cluster) -> None:
    cluster.write("motd", "news\n")
    _, _, err = run_forked(
        ["--config", str(cluster.settings), "sync", "-v"], CLEAN_ENVIRONMENT, 60, divide
    )
    assert err.count(b"recorded") == CLIENTS
    assert b"Traceback" not in err
