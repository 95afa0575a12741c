"""A tree that is gone when its disk is to be synced fails its own client and no other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, sample_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path)


PROGRAM = """
import os, sys
from etcsync.cli.main import run
from etcsync.reconcile import road

*sys.argv, tree = sys.argv
stage_all = road.stage_all

def stage_and_lose(*arguments):
    staged = stage_all(*arguments)
    os.rename(tree, f"{tree}.away")
    return staged

road.stage_all = stage_and_lose
run()
"""
"""Syncs, and moves a tree away between staging and the first sync of the disk."""


def test_the_others_get_what_they_should(cluster: Cluster) -> None:
    cluster.write("motd", "a new message\n")
    tree = cluster.tree(0)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--config", str(cluster.settings), "sync", str(tree)],
        env=CLEAN_ENVIRONMENT, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done
    for number in (1, 2):
        assert (cluster.tree(number) / "motd").read_text() == "a new message\n"
    os.rename(f"{tree}.away", tree)
    cluster.sync()
    assert (tree / "motd").read_text() == "a new message\n"
