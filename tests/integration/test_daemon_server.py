"""What the daemon does when the server around the trees cannot be put in order."""

from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, sample_cluster
from daemon_support import Daemon, daemon_settings, eventually, everywhere, incidents, running


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """Return a cluster whose exports are refused as long as there is a file ``refuse``."""
    program = tmp_path / "export"
    program.write_text(f"#!/bin/sh\n[ ! -e {tmp_path}/refuse ] || {{ echo refused; exit 1; }}\n")
    program.chmod(0o755)
    cluster = sample_cluster(tmp_path, extra=daemon_settings())
    text = cluster.settings.read_text().replace("command = []", f'command = ["{program}"]')
    text = text.replace("[exports]", '[server]\nnetwork = "192.168.78.0/24"\n[exports]')
    cluster.settings.write_text(text)
    cluster.run("exports", "apply", status=None)
    return cluster


def last_pass(cluster: Cluster) -> Any:
    return cluster.run("status", "--json").json["daemon"]["last_pass"]


def refuse(cluster: Cluster, daemon: Daemon) -> None:
    """Have the exports of a new client refused, and wait until the daemon has noticed."""
    (cluster.place / "refuse").touch()
    text = cluster.settings.read_text()
    named = 'name = "client0"\n'
    cluster.settings.write_text(text.replace(named, f'{named}address = "192.168.78.50"\n'))
    eventually(lambda: daemon.said("the server is not as it should be"))


def test_refused_exports_are_one_incident_until_they_are_in_order(cluster):
    with running(cluster) as daemon:
        refuse(cluster, daemon)
        eventually(lambda: incidents(cluster))
        cluster.write("motd", "news\n")
        eventually(lambda: everywhere(cluster, "motd", "news\n"))
        daemon.rests()
        [incident] = incidents(cluster)
        assert (incident["kind"], incident["server"], incident["clients"]) == ("error", True, [])
        assert incident["message"].endswith("failed: refused")
        (cluster.place / "refuse").unlink()
        cluster.run("exports", "apply", status=None)
        cluster.write("motd", "other news\n")
        eventually(lambda: not incidents(cluster))
        assert len(daemon.said("incident", news="opened")) == 1
        assert len(daemon.said("incident", news="closed")) == 1


def test_status_tells_of_exports_that_are_refused(cluster):
    with running(cluster) as daemon:
        assert last_pass(cluster)["error"] is None
        refuse(cluster, daemon)
        eventually(lambda: last_pass(cluster)["result"] == "failed")
        daemon.rests()
        assert "failed: refused" in last_pass(cluster)["error"]
        assert "failed: refused" in cluster.run("status").out.splitlines()[1]


def test_what_is_refused_is_no_reason_for_more_passes(cluster):
    with running(cluster) as daemon:
        refuse(cluster, daemon)
        daemon.rests()
        count = len(daemon.passes())
        daemon.rests(4)
        assert len(daemon.passes()) == count
        assert daemon.process.poll() is None
