"""A run that is asked to end: it ends between two clients, and the next one completes it."""

import time
from itertools import count
from pathlib import Path

from cluster import sample_cluster

from etcsync.config import load_settings
from etcsync.reconcile.model import Run
from etcsync.reconcile.options import SyncOptions, no_advance
from etcsync.reconcile.reconciler import sync_clients

CLIENTS = ("client0", "client1", "client2")


class Patience:
    """Says no so often, then yes for ever."""

    def __init__(self, questions: int) -> None:
        self.questions = questions
        self.asked = 0

    def ended(self) -> bool:
        self.asked += 1
        return self.asked > self.questions


def test_a_run_ends_between_two_clients_wherever_it_is_stopped(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path)
    settings = load_settings(str(cluster.settings))
    cluster.sync()

    def sync(options: SyncOptions) -> Run:
        return sync_clients(settings, (), options, no_advance)

    partly = 0
    for questions in count():
        for name in ("one", "two"):
            cluster.write(name, f"version {questions}\n", message="")
        cluster.commit()
        patience = Patience(questions)
        told = {client.name for client in sync(SyncOptions(stop=patience.ended)).clients}
        new = {
            name: {
                (cluster.tree(name) / path).is_file()
                and (cluster.tree(name) / path).read_text() == f"version {questions}\n"
                for path in ("one", "two")
            }
            for name in CLIENTS
        }
        assert all(len(each) == 1 for each in new.values()), "a client was left half-way"
        assert told == {name for name, each in new.items() if each == {True}}
        partly += 0 < len(told) < len(CLIENTS)
        after = sync(SyncOptions())
        assert {client.name for client in after.clients} == set(CLIENTS)
        assert all(client.error is None for client in after.clients)
        assert cluster.plan()["clients"][0]["actions"] == []
        if patience.asked <= questions:
            break
    assert partly >= 2


def test_a_run_tells_when_it_looked_at_each_tree(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path)
    settings = load_settings(str(cluster.settings))
    cluster.sync()
    begun = time.monotonic()
    runs = sync_clients(settings, (), SyncOptions(), no_advance).clients
    ended = time.monotonic()
    looks = [look for run in runs for look in run.looks]
    assert len(looks) == len(CLIENTS)
    assert [begun, *looks, ended] == sorted([begun, *looks, ended])
    assert all(0 < run.look_seconds < ended - begun for run in runs)
    cluster.write("motd", "news\n")
    (run,) = sync_clients(settings, ("client1",), SyncOptions(), no_advance).clients
    written = (cluster.tree(1) / "motd").stat().st_ctime
    first, last = (time.time() - (time.monotonic() - look) for look in run.looks)
    assert first < written < last
