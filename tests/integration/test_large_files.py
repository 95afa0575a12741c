"""A file over the limit is not recorded; one that upstream itself has as large is like others."""

from pathlib import Path

import pytest
from cluster import Cluster, git, sample_cluster

SIZE = 9 * 1024 * 1024
"""Bytes; more than limits.max_file_size has by default."""


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    built = sample_cluster(tmp_path, clients=2)
    write_upstream(built, b"1")
    built.sync()
    return built


def write_upstream(cluster: Cluster, byte: bytes, size: int = SIZE) -> None:
    cluster.write("selinux/policy", byte * size, message="")
    (cluster.etc / "selinux/policy").chmod(0o600)
    cluster.commit()


def test_it_arrives_is_in_step_and_stays_so(cluster: Cluster) -> None:
    place = cluster.tree(0) / "selinux/policy"
    assert place.read_bytes() == b"1" * SIZE
    assert place.stat().st_mode & 0o777 == 0o600
    again = cluster.sync()["clients"][0]
    assert (again["actions"], again["warnings"], again["conflicts"]) == ([], [], [])
    log = git(cluster.place, f"--git-dir={cluster.state}/hub.git", "log", "--format=%s", "client0")
    assert "Capture" not in log.splitlines()[0], "the client has changed nothing"


@pytest.mark.parametrize("size", [SIZE - 5, SIZE + 5, 100])
def test_the_next_version_of_upstreams_takes_its_place(cluster: Cluster, size: int) -> None:
    cluster.sync()
    write_upstream(cluster, b"2", size)
    run = cluster.sync()["clients"][0]
    assert (run["conflicts"], run["warnings"], run["error"]) == ([], [], None)
    assert (cluster.tree(0) / "selinux/policy").read_bytes() == b"2" * size
    assert cluster.sync()["clients"][0]["actions"] == []


def test_a_clients_and_upstreams_changes_are_merged(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path, clients=2, extra='[limits]\nmax_file_size = "1KiB"\n')
    lines = [f"line {number}\n" for number in range(400)]
    cluster.write("long", "".join(lines))
    cluster.sync()
    (cluster.tree(0) / "long").write_text("".join(["mine\n", *lines[1:]]))
    cluster.write("long", "".join([*lines[:-1], "theirs\n"]))
    run = cluster.sync()["clients"][0]
    assert (run["conflicts"], run["warnings"], run["error"]) == ([], [], None)
    merged = "".join(["mine\n", *lines[1:-1], "theirs\n"])
    assert (cluster.tree(0) / "long").read_text() == merged


def test_it_goes_when_upstream_deletes_it(cluster: Cluster) -> None:
    (cluster.etc / "selinux/policy").unlink()
    cluster.commit()
    assert cluster.sync()["clients"][0]["conflicts"] == []
    assert not (cluster.tree(0) / "selinux").exists()


def test_a_clients_version_of_that_size_is_drift_and_in_history(cluster: Cluster) -> None:
    place = cluster.tree(0) / "selinux/policy"
    place.write_bytes(b"3" * SIZE)
    cluster.sync()
    assert cluster.status()["client0"]["drift"][0]["path"] == "selinux/policy"
    cluster.run("discard", "client0", "selinux/policy")
    assert place.read_bytes() == b"1" * SIZE
    show = f"--git-dir={cluster.state}/hub.git", "show", "client0~1:selinux/policy"
    assert git(cluster.place, *show) == "3" * SIZE


def test_a_longer_one_is_reported_and_never_overwritten(cluster: Cluster) -> None:
    place = cluster.tree(0) / "selinux/policy"
    place.write_bytes(b"4" * (SIZE + 1))
    write_upstream(cluster, b"2")
    run = cluster.sync(status=1)["clients"][0]
    assert run["warnings"][0]["kind"] == "oversized"
    assert run["conflicts"][0]["path"] == "selinux/policy"
    assert place.read_bytes() == b"4" * (SIZE + 1)
