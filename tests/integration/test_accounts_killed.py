"""Killed between two account files, or while a client changes them: all six or none in the end."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, fingerprint, sample_cluster

FILES = ("passwd", "group", "shadow", "gshadow")


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=2)


def add_user(etc: Path, name: str, number: int) -> None:
    for path, line in (
        ("passwd", f"{name}:x:{number}:{number}::/home/{name}:/bin/bash"),
        ("group", f"{name}:x:{number}:"),
        ("shadow", f"{name}:!:19700:0:99999:7:::"),
        ("gshadow", f"{name}:!::"),
    ):
        with (etc / path).open("a") as stream:
            stream.write(line + "\n")


def having(tree: Path, name: str) -> list[str]:
    """Return the account files that know ``name``."""
    return [path for path in FILES if f"{name}:" in (tree / path).read_text()]


def first(document: Any) -> Any:
    return document["clients"][0]


def sync_killed_at(cluster: Cluster, number: int) -> int:
    """Run a sync of client0 that is killed as it begins its so-manieth renameat2(2)."""
    inject = f"inject=renameat2:signal=KILL:when={number}"
    done = subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "-e", "trace=renameat2", "-e", inject,
         sys.executable, "-m", "etcsync", "--config", str(cluster.settings), "sync", "client0"],
        env=CLEAN_ENVIRONMENT, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode


def test_killed_between_the_swaps_the_next_sync_completes_them(cluster: Cluster) -> None:
    add_user(cluster.tree(0), "local", 1100)
    cluster.sync()
    seen = set()
    for number in range(1, 30):
        name = f"service{number}"
        add_user(cluster.etc, name, 900 - number)
        cluster.commit()
        status = sync_killed_at(cluster, number)
        seen.add(len(having(cluster.tree(0), name)))
        cluster.run("status")
        done = first(cluster.sync("client0"))
        assert having(cluster.tree(0), name) == list(FILES)
        assert having(cluster.tree(0), "local") == list(FILES)
        assert done["conflicts"] == []
        assert first(cluster.sync("client0"))["actions"] == []
        if status == 0:
            break
        assert status == -signal.SIGKILL
    assert status == 0, "never came to the end"
    assert seen == {0, 1, 2, 3, 4}, "killed between any two"


def test_killed_between_the_swaps_and_then_in_conflict_none_stays(cluster: Cluster) -> None:
    before = {path: (cluster.tree(0) / path).read_bytes() for path in FILES}
    add_user(cluster.etc, "service", 900)
    cluster.commit()
    number = 1
    while not having(cluster.tree(0), "service"):
        assert sync_killed_at(cluster, number) == -signal.SIGKILL
        number += 1
    assert having(cluster.tree(0), "service") == ["group"], "the first one only"
    with (cluster.tree(0) / "passwd").open("a") as stream:
        stream.write("own:x:900:100::/:/bin/sh\n")
    run = first(cluster.sync("client0", status=1))
    assert {held["path"] for held in run["conflicts"]} == set(FILES)
    assert {held["reason"] for held in run["conflicts"]} == {"account"}
    for path in set(FILES) - {"passwd"}:
        assert (cluster.tree(0) / path).read_bytes() == before[path]


@contextmanager
def locked(tree: Path) -> Iterator[None]:
    """Hold a tree's account lock as useradd on a client does."""
    program = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.lockf(file, fcntl.LOCK_EX); "
        "print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tree / ".pwd.lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.stdin.close()


def test_a_useradd_that_runs_is_waited_for_and_its_user_stays(cluster: Cluster) -> None:
    add_user(cluster.etc, "service", 900)
    cluster.commit()
    answers: list[Any] = []
    tree = cluster.tree(0)
    with locked(tree):
        sync = threading.Thread(target=lambda: answers.append(cluster.sync()))
        sync.start()
        until = time.monotonic() + 10
        while having(cluster.tree(1), "service") != list(FILES) and time.monotonic() < until:
            time.sleep(0.05)
        assert having(cluster.tree(1), "service") == list(FILES), "the other client did not wait"
        assert having(tree, "service") == []
        add_user(tree, "local", 1100)
    sync.join()
    assert having(tree, "service") == having(tree, "local") == list(FILES)
    assert all(client["error"] is None for client in answers[0]["clients"])


def test_a_client_that_never_lets_go_is_left_for_the_next_run(cluster: Cluster) -> None:
    add_user(cluster.etc, "service", 900)
    cluster.commit()
    with locked(cluster.tree(0)):
        started = time.monotonic()
        run = cluster.sync(status=3)
        assert 15 < time.monotonic() - started < 25
    busy, other = run["clients"]
    assert "holds .pwd.lock" in busy["error"]["message"]
    assert "etcsync sync" in busy["error"]["hint"]
    assert other["error"] is None
    assert having(cluster.tree(0), "service") == []
    cluster.sync()
    assert having(cluster.tree(0), "service") == list(FILES)


@pytest.mark.parametrize("keeper", [True, False])
@pytest.mark.parametrize("hidden", [True, False])
def test_the_lock_file_that_is_made_is_no_drift(
    cluster: Cluster, keeper: bool, hidden: bool
) -> None:
    if hidden:
        cluster.write(".gitignore", ".pwd.lock\n", message="")
    if keeper:
        metadata = "# Generated by etckeeper.  Do not edit.\n\nmaybe chmod 0755 '.'\n"
        cluster.write(".etckeeper", metadata, message="")
    tree = cluster.tree(0)
    assert not (tree / ".pwd.lock").exists(), "a new tree has none"
    add_user(cluster.etc, "service", 900)
    cluster.commit()
    cluster.sync()
    assert (tree / ".pwd.lock").stat().st_mode & 0o7777 == 0o600
    before = fingerprint(tree, cluster.state)
    assert cluster.status()["client0"]["drift"] == []
    assert first(cluster.sync())["actions"] == []
    assert fingerprint(tree, cluster.state) == before


def test_where_policy_manages_the_lock_file_none_is_made(cluster: Cluster) -> None:
    cluster.rules.write_text('[[rule]]\npaths = ["/.pwd.lock"]\nstrategy = "merge"\n')
    add_user(cluster.etc, "service", 900)
    cluster.commit()
    cluster.sync()
    assert having(cluster.tree(0), "service") == list(FILES)
    assert not (cluster.tree(0) / ".pwd.lock").exists()


def test_the_lock_is_held_while_files_are_swapped_and_no_longer(cluster: Cluster) -> None:
    add_user(cluster.etc, "service", 900)
    cluster.commit()
    log = cluster.place / "strace.log"
    done = subprocess.run(
        ["strace", "-qq", "-o", str(log), "-e", "trace=fcntl,renameat2,close", sys.executable,
         "-m", "etcsync", "--config", str(cluster.settings), "sync", "client0"],
        env=CLEAN_ENVIRONMENT, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = log.read_text().splitlines()
    (taken,) = [n for n, line in enumerate(lines) if "F_SETLK" in line and "F_WRLCK" in line]
    descriptor = lines[taken].split("(")[1].split(",")[0]
    released = next(n for n in range(taken, len(lines)) if f"close({descriptor})" in lines[n])
    swaps = [n for n, line in enumerate(lines) if "RENAME_EXCHANGE" in line]
    assert swaps
    assert all(taken < swap < released for swap in swaps)
    with (cluster.tree(0) / ".pwd.lock").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_lock_that_is_no_plain_file_is_explained(cluster: Cluster) -> None:
    os.mkfifo(cluster.tree(0) / ".pwd.lock")
    add_user(cluster.etc, "service", 900)
    cluster.commit()
    run = cluster.sync(status=3)
    assert ".pwd.lock" in first(run)["error"]["message"]
    assert having(cluster.tree(1), "service") == list(FILES)
    (cluster.tree(0) / ".pwd.lock").unlink()
    cluster.sync()
    assert having(cluster.tree(0), "service") == list(FILES)
