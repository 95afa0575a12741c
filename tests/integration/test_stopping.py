"""A run that is asked to end: it ends between two clients, and the next one completes it."""

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


def test_whoever_wants_to_know_is_told_when_a_tree_is_looked_at(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path)
    settings = load_settings(str(cluster.settings))
    cluster.sync()
    looks: list[str] = []
    options = SyncOptions(looking=looks.append)
    sync_clients(settings, (), options, no_advance)
    assert looks == list(CLIENTS)
    looks.clear()
    cluster.write("motd", "news\n")
    sync_clients(settings, ("client1",), options, no_advance)
    assert looks == ["client1", "client1"]
