"""Without etckeeper the live tree tells modes, and nothing that is not committed comes along."""

from pathlib import Path

import pytest
from cluster import Cluster, git, sample_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=1)


def mode(cluster: Cluster, path: str) -> int:
    return (cluster.tree(0) / path).stat().st_mode & 0o7777


@pytest.mark.parametrize("stand", ["nothing", "directory", "link"])
@pytest.mark.parametrize(("path", "closed"), [("shadow", 0o600), ("hosts", 0o644)])
def test_a_file_that_was_removed_or_replaced_and_not_committed_keeps_its_mode(
    cluster: Cluster, stand: str, path: str, closed: int
) -> None:
    place = cluster.etc / path
    place.unlink()
    if stand == "directory":
        place.mkdir()
    elif stand == "link":
        place.symlink_to("motd")
    assert cluster.sync()["clients"][0]["actions"] == []
    assert mode(cluster, path) == closed


def test_a_directory_that_became_a_file_keeps_its_mode(cluster: Cluster) -> None:
    git(cluster.etc, "mv", "ssl", "ssl.old")
    (cluster.etc / "ssl").write_text("no directory\n")
    assert cluster.sync()["clients"][0]["actions"] == []
    assert mode(cluster, "ssl/private") == 0o710


def test_what_was_never_seen_is_roots_alone(cluster: Cluster) -> None:
    cluster.write("new.key", "committed and gone\n")
    cluster.write("new.d/tool", "#!/bin/sh\n", message="")
    (cluster.etc / "new.d/tool").chmod(0o755)
    cluster.commit()
    (cluster.etc / "new.key").unlink()
    (cluster.etc / "new.d/tool").unlink()
    (cluster.etc / "new.d").rmdir()
    cluster.sync()
    assert (mode(cluster, "new.key"), mode(cluster, "new.d/tool")) == (0o600, 0o700)
    git(cluster.etc, "checkout", "--", ".")
    (cluster.etc / "new.key").chmod(0o640)
    cluster.sync()
    assert mode(cluster, "new.key") == 0o640
