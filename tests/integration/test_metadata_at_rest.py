"""A run records the metadata that etckeeper would write after it, so that the next is at rest."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, fingerprint, git, sample_cluster

SCRIPT = Path("/etc/etckeeper/pre-commit.d/30store-metadata")


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """One client with files that policy ignores and a directory of its own."""
    cluster = sample_cluster(tmp_path, clients=1)
    (cluster.tree(0) / "passwd-").write_text("old\n")
    (cluster.tree(0) / "cache/own").mkdir(parents=True)
    cluster.sync()
    return cluster


def recorded(cluster: Cluster) -> str:
    return git(cluster.state / "hub.git", "cat-file", "blob", "client0:.etckeeper")


def written_by_etckeeper(cluster: Cluster, place: Path) -> str:
    """Have etckeeper write the file in a copy of the tree, in which git tracks what the hub does.

    The script reads owners' names from this machine; in the sample all are root's, or numbers.
    """
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run(["cp", "-a", cluster.tree(0), place], check=True)
    (place / ".git").unlink()
    git(place, "init", "-q")
    tracked = git(cluster.state / "hub.git", "ls-tree", "-rz", "--name-only", "client0")
    there = [name for name in tracked.split("\0") if name and name != ".etckeeper"]
    git(place, "add", "-f", "--", *there)
    environment = CLEAN_ENVIRONMENT | {"VCS": "git"}
    subprocess.run(["sh", str(SCRIPT)], cwd=place, env=environment, check=True)
    return (place / ".etckeeper").read_text()


def check(cluster: Cluster) -> None:
    """Sync; what is recorded then is right, and the next sync writes nothing."""
    cluster.sync()
    text = recorded(cluster)
    if SCRIPT.exists():
        assert text == written_by_etckeeper(cluster, cluster.place / "copy")
    before = fingerprint(cluster.tree(0), cluster.state)
    cluster.sync()
    assert recorded(cluster) == text
    after = fingerprint(cluster.tree(0), cluster.state)
    assert {path for path, _ in before.items() ^ after.items()} <= {str(cluster.state / "lock")}


@pytest.mark.parametrize(
    "rules",
    ["passwd-\n", "cache/\n", "cache/\n!cache/\n", "ssl/\n"],
)
def test_after_upstream_got_rules(cluster: Cluster, rules: str) -> None:
    (cluster.etc / ".gitignore").write_text(rules)
    cluster.commit()
    check(cluster)


def test_after_upstream_changed_rules(cluster: Cluster) -> None:
    cluster.write(".gitignore", "passwd-\n")
    cluster.sync()
    cluster.write(".gitignore", "*.bak\n")
    check(cluster)


def test_after_upstream_dropped_its_rules(cluster: Cluster) -> None:
    cluster.write(".gitignore", "passwd-\n")
    cluster.sync()
    (cluster.etc / ".gitignore").unlink()
    cluster.commit()
    check(cluster)


def test_after_rules_below_the_top_came(cluster: Cluster) -> None:
    cluster.write("cache/.gitignore", "own\n")
    check(cluster)


def test_after_a_client_wrote_rules(cluster: Cluster) -> None:
    (cluster.tree(0) / ".gitignore").write_text("passwd-\ncache/\n")
    check(cluster)


def test_after_what_upstream_tracked_is_only_ignored(cluster: Cluster) -> None:
    cluster.write("group-", "old\n")
    (cluster.tree(0) / "group-").write_text("old\n")
    cluster.sync()
    cluster.write(".gitignore", "group-\n", message="")
    git(cluster.etc, "rm", "-q", "--cached", "group-")
    cluster.commit()
    check(cluster)


def test_after_an_ignored_directory_is_emptied(cluster: Cluster) -> None:
    cluster.write("spool/job", "one\n")
    cluster.write(".gitignore", "spool/\n")
    cluster.sync()
    (cluster.tree(0) / "spool/fifo").parent.mkdir(exist_ok=True)
    os.mkfifo(cluster.tree(0) / "spool/fifo")
    (cluster.etc / "spool/job").unlink()
    cluster.commit()
    check(cluster)


def test_after_a_mirrored_file_came_or_went(cluster: Cluster) -> None:
    cluster.write(".gitignore", "ld.so.cache\n")
    (cluster.etc / "ld.so.cache").write_text("a cache\n")
    check(cluster)
    (cluster.etc / "ld.so.cache").unlink()
    check(cluster)


def test_a_new_tree_is_at_rest(cluster: Cluster) -> None:
    cluster.write(".gitignore", "ssl/\n*.bak\n")
    cluster.run("client", "add", "client1")
    before = git(cluster.state / "hub.git", "rev-parse", "client1")
    cluster.sync()
    assert git(cluster.state / "hub.git", "rev-parse", "client1") == before
