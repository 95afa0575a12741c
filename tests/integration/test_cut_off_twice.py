"""What a cut-off run had applied is upstream's, also when the next run is cut off as well."""

import pytest
from cluster import Cluster, git, sample_cluster

from etcsync.config import load_settings
from etcsync.reconcile import road
from etcsync.reconcile.options import SyncOptions, no_advance
from etcsync.reconcile.reconciler import sync_clients


class CutOffError(Exception):
    """Stands for the end of the process."""


def cut_off_at(cluster: Cluster, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a sync end as it is about to take a step of its road."""

    def end(*_: object) -> None:
        raise CutOffError

    with monkeypatch.context() as patched:
        patched.setattr(road, step, end)
        settings = load_settings(str(cluster.settings))
        with pytest.raises(CutOffError):
            sync_clients(settings, (), SyncOptions(), no_advance)


@pytest.mark.parametrize("edited", [False, True])
def test_what_was_applied_is_no_edit_of_the_clients(tmp_path, monkeypatch, edited):
    cluster = sample_cluster(tmp_path, clients=1)
    cluster.write("motd", "two\n" * 9)
    cut_off_at(cluster, "record_finished", monkeypatch)
    assert (cluster.tree(0) / "motd").read_text() == "two\n" * 9
    if edited:
        (cluster.tree(0) / "hosts").write_text("127.0.0.1 localhost mine\n")
    cluster.write("motd", "three\n" * 9)
    cut_off_at(cluster, "apply_all", monkeypatch)
    assert (cluster.tree(0) / "motd").read_text() == "two\n" * 9
    run = cluster.sync()
    assert run["clients"][0]["conflicts"] == []
    assert (cluster.tree(0) / "motd").read_text() == "three\n" * 9
    drift = [each["path"] for each in cluster.status()["client0"]["drift"]]
    assert drift == (["hosts"] if edited else [])
    history = git(cluster.place, f"--git-dir={cluster.state}/hub.git", "log", "-p", "client0")
    assert "+two" in history


def test_a_base_that_goes_back_is_recorded(tmp_path, monkeypatch):
    """Upstream takes its change back after a run that had applied it was cut off."""
    cluster = sample_cluster(tmp_path, clients=1)
    first = (cluster.etc / "motd").read_text()
    cluster.write("motd", "two\n" * 9)
    cut_off_at(cluster, "record_finished", monkeypatch)
    cluster.write("motd", first)
    cut_off_at(cluster, "apply_all", monkeypatch)
    cluster.sync()
    assert (cluster.tree(0) / "motd").read_text() == first
    assert cluster.status()["client0"]["drift"] == []
    assert cluster.sync()["clients"][0]["actions"] == []
