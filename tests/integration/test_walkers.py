"""Walkers compare trees as this process would, and can do nothing else."""

import os
import signal
import time
from pathlib import Path

import pytest
from tree_support import AS_ROOT, rest, take

from etcsync.reconcile.walkers import MANY, Question, looking_ahead, workers
from etcsync.tree.beneath import open_tree

MOST = 10_000


@pytest.fixture
def questions(tmp_path):
    """Trees, one of which has changed, each with what is remembered of it."""
    found = {}
    for number in range(MANY):
        tree = tmp_path / f"tree{number}"
        (tree / "deep").mkdir(parents=True)
        (tree / "deep" / "file").write_text(f"{number}\n")
    rest()
    for number in range(MANY):
        path = str(tmp_path / f"tree{number}")
        found[f"client{number}"] = Question(
            path, take(Path(path)).imprints, ["deep"], MOST, 60.0, False
        )
    (tmp_path / "tree5" / "deep" / "file").write_text("an edit\n")
    return found


def status_of(pid):
    return Path(f"/proc/{pid}/status").read_text()


def wait_for(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def children():
    return [
        int(pid)
        for task in os.listdir("/proc/self/task")
        for pid in Path(f"/proc/self/task/{task}/children").read_text().split()
    ]


def test_they_find_what_differs_and_give_the_listings_that_are_wanted(questions):
    with looking_ahead(questions) as ahead:
        answers = {name: answer() for name, answer in ahead.items()}
    assert {name for name, each in answers.items() if each.directories} == {"client5"}
    assert all(each.listings.keys() == {"deep"} for n, each in answers.items() if n != "client5")
    for name, asked in questions.items():
        with open_tree(asked.tree_path) as tree:
            assert asked.answer(tree) == answers[name]


def test_quiet_trees_are_worth_a_walker_where_they_are_very_many(questions):
    (Path(questions["client7"].tree_path) / "elsewhere").touch()
    quiet = {name: each._replace(quiet=True) for name, each in questions.items()}
    with looking_ahead(quiet) as ahead:
        assert ahead == {}
    many = {f"{name}-{n}": each for n in range(5) for name, each in quiet.items()}
    with looking_ahead(many) as ahead:
        answers = {name: answer() for name, answer in ahead.items()}
    differing = {name.split("-")[0] for name, each in answers.items() if each.directories}
    assert differing == {"client5"}, "what is new elsewhere is not looked for"
    with looking_ahead(questions) as ahead:
        assert ahead["client7"]().directories == {"."}


def test_of_a_tree_that_is_gone_they_say_nothing(questions):
    gone = questions["client0"]._replace(tree_path="/nonexistent")
    with looking_ahead(questions | {"client0": gone}) as ahead:
        assert ahead["client0"]() is None
        assert ahead["client1"]() is not None


def test_few_trees_are_not_worth_a_walker(questions):
    few = dict(list(questions.items())[: MANY - 1])
    before = children()
    with looking_ahead(few) as ahead:
        assert ahead == {}
        assert children() == before


def test_a_walker_that_is_killed_is_made_up_for(questions):
    with looking_ahead(questions) as ahead:
        ahead["client0"]()
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        for name, asked in questions.items():
            with open_tree(asked.tree_path) as tree:
                answer = asked.answer(tree, ahead[name])
            assert bool(answer.directories) is (name == "client5")


@pytest.mark.skipif(not AS_ROOT, reason="only root has rights to give up")
def test_they_keep_no_right_but_to_read(questions):
    with looking_ahead(questions) as ahead:
        ahead["client0"]()
        walkers = children()
        assert len(walkers) == workers()
        wait_for(lambda: all("NoNewPrivs:\t1" in status_of(pid) for pid in walkers))
        for pid in walkers:
            status = status_of(pid)
            lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            assert {lines[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0000000000000004"}
    assert not set(walkers) & set(children())
