"""What a shell is told when somebody presses Tab."""

import subprocess
import sys
from pathlib import Path

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, sample_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return sample_cluster(tmp_path_factory.mktemp("cluster"))


def completed(cluster: Cluster, line: str) -> list[str]:
    """Ask as the script of `etcsync completion bash` does; the last word is being typed."""
    asked = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
        "_ETCSYNC_COMPLETE": "bash_complete",
        "ETCSYNC_CONFIG": str(cluster.settings),
    }
    told = subprocess.run(
        [sys.executable, "-m", "etcsync"],
        env=CLEAN_ENVIRONMENT | asked,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [offer.removeprefix("plain,") for offer in told.splitlines()]


def test_commands_are_completed(cluster: Cluster) -> None:
    assert completed(cluster, "etcsync res") == ["resolve", "restore", "resume"]


def test_commands_of_a_group_are_completed(cluster: Cluster) -> None:
    assert completed(cluster, "etcsync boot g") == ["grant"]


def test_options_are_completed(cluster: Cluster) -> None:
    assert completed(cluster, "etcsync status --e") == ["--exit-code"]


def test_clients_are_completed_from_the_settings(cluster: Cluster) -> None:
    assert completed(cluster, "etcsync status cli") == ["client0", "client1", "client2"]
