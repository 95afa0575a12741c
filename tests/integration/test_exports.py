"""The managed exports file, written without running anything: no root is needed."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, fingerprint, sample_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    built = sample_cluster(tmp_path, clients=2)
    text = built.settings.read_text()
    text = text.replace("[exports]\n", '[server]\nnetwork = "192.168.78.77/24"\n[exports]\n')
    text = text.replace('name = "client0"\n', 'name = "client0"\naddress = "fe80::a"\n')
    built.settings.write_text(text)
    return built


def exports(cluster: Cluster) -> list[str]:
    text = (cluster.place / "exports").read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_a_file_says_what_the_settings_do_and_no_wildcard(cluster: Cluster) -> None:
    shown = cluster.run("exports", "show", "--json").json
    assert not (cluster.place / "exports").exists()
    cluster.run("exports", "check", status=1)
    cluster.run("exports", "apply")
    assert exports(cluster) == [
        f"{cluster.tree(0)} fe80::a(rw,no_root_squash,subtree_check)",
        f"{cluster.root} 192.168.78.0/24(ro,no_root_squash,subtree_check)",
    ]
    assert (cluster.place / "exports").read_text() == shown["text"]
    (warning,) = shown["warnings"]
    assert warning.startswith(f"{cluster.tree(1)} is not exported")
    cluster.run("exports", "check")


def test_without_a_network_the_root_is_not_exported(cluster: Cluster) -> None:
    text = cluster.settings.read_text()
    cluster.settings.write_text(text.replace('network = "192.168.78.77/24"\n', ""))
    shown = cluster.run("exports", "show")
    assert f"{cluster.root} " not in shown.out
    assert f"{cluster.root} is not exported" in shown.err


def test_a_cluster_that_never_applied_exports_sees_no_file_of_them(cluster: Cluster) -> None:
    cluster.sync()
    before = fingerprint(cluster.place)
    assert cluster.sync()["server"] == {"done": [], "warnings": [], "error": None}
    cluster.run("client", "add", "client5", "--address", "192.168.78.55")
    assert not (cluster.place / "exports").exists()
    assert not {"boot.json", "refused.exports"} & {path.name for path in cluster.state.iterdir()}
    assert before.keys() <= fingerprint(cluster.place).keys()


def test_once_applied_the_file_follows_clients_and_is_kept_right(cluster: Cluster) -> None:
    cluster.run("exports", "apply")
    cluster.run("client", "add", "client5", "--address", "192.168.78.55")
    assert len(exports(cluster)) == 3
    cluster.run("client", "remove", "client5")
    assert len(exports(cluster)) == 2
    (cluster.place / "exports").write_text("/ *(rw)\n")
    cluster.run("exports", "check", status=1)
    assert cluster.sync()["server"]["done"] != []
    assert len(exports(cluster)) == 2
    before = fingerprint(cluster.place)
    cluster.sync()
    assert (
        fingerprint(cluster.place)[f"{cluster.place}/exports"] == before[f"{cluster.place}/exports"]
    )


def test_what_the_command_refuses_leaves_the_file_as_it_was(cluster: Cluster) -> None:
    cluster.run("exports", "apply")
    former = (cluster.place / "exports").read_bytes()
    text = cluster.settings.read_text()
    failing = 'command = ["sh", "-c", "echo not this; exit 1"]\nclient_options = "rw"\n'
    cluster.settings.write_text(text.replace("command = []\n", failing))
    assert "not this" in cluster.run("exports", "apply", status=3).err
    assert (cluster.place / "exports").read_bytes() == former


def has_open(process: int, path: Path) -> bool:
    """Whether a process has a file open."""
    place = f"/proc/{process}/fd"
    try:
        return any(os.readlink(f"{place}/{number}") == str(path) for number in os.listdir(place))
    except FileNotFoundError:
        return False


def test_a_sync_that_waited_does_not_undo_what_the_settings_say_by_then(cluster: Cluster) -> None:
    cluster.run("exports", "apply")
    lock = cluster.state / "lock"
    command = [sys.executable, "-m", "etcsync", "--config", str(cluster.settings), "sync"]
    with lock.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with subprocess.Popen(command, env=CLEAN_ENVIRONMENT, stdout=subprocess.DEVNULL) as sync:
            while not has_open(sync.pid, lock):
                assert sync.poll() is None
                time.sleep(0.01)
            text = cluster.settings.read_text()
            name = 'name = "client1"\n'
            cluster.settings.write_text(text.replace(name, f'{name}address = "fe80::b"\n'))
            fcntl.flock(held, fcntl.LOCK_UN)
            assert sync.wait() == 0
    assert len(exports(cluster)) == 3
