"""What a running daemon shows of itself, and whom it tells."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, sample_cluster
from daemon_support import daemon_settings, eventually, everywhere, incidents, recorded, running
from prometheus_client.parser import text_string_to_metric_families

HEAVY = ("prometheus_client", "apscheduler", "watchdog", "apprise", "http.server")


@contextmanager
def listening() -> Iterator[str]:
    """Yield an address that somebody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def address() -> str:
    """Return an address that nobody listens on."""
    with listening() as address:
        return address


@pytest.fixture
def cluster(tmp_path: Path, address: str) -> Cluster:
    return sample_cluster(tmp_path, extra=daemon_settings(listen=address))


def answer(address: str, page: str) -> str:
    with urlopen(f"http://{address}{page}", timeout=10) as response:
        return str(response.read().decode())


def health(address: str) -> Any:
    return json.loads(answer(address, "/healthz"))


def answers(address: str) -> bool:
    try:
        return bool(health(address)["ok"])
    except (URLError, HTTPError):
        return False


def figures(address: str, name: str) -> dict[tuple[str, ...], float]:
    """Return the figures of this name that are not zero, by the labels' values in order of name."""
    families = text_string_to_metric_families(answer(address, "/metrics"))
    samples = (sample for family in families for sample in family.samples)
    return {
        tuple(value for _, value in sorted(each.labels.items())): each.value
        for each in samples
        if each.name == f"etcsync_{name}" and each.value
    }


def states(address: str) -> dict[str, float]:
    return {state: number for (state,), number in figures(address, "clients").items()}


def test_health_and_figures_tell_of_passes_held_paths_and_propagation(cluster, address):
    with running(cluster):
        assert health(address)["ok"]
        eventually(lambda: states(address) == {"synced": 3})
        assert figures(address, "passes_total") == {("done", "start"): 1}
        assert not figures(address, "propagation_seconds_count")
        cluster.write("motd", "news\n")
        eventually(lambda: figures(address, "propagation_seconds_count") == {(): 1})
        assert everywhere(cluster, "motd", "news\n")
        assert figures(address, "passes_total")["done", "upstream"] == 1
        (cluster.tree(1) / "motd").write_text("mine\n")
        eventually(lambda: states(address) == {"synced": 2, "drifted": 1})
        cluster.write("motd", "other news\n")
        eventually(lambda: states(address) == {"synced": 2, "conflicted": 1})
        assert figures(address, "held_paths") == {(): 1}
        eventually(lambda: figures(address, "incidents_open") == {("conflict",): 1})
        assert "motd" not in answer(address, "/metrics")
        assert "client1" not in answer(address, "/metrics")


def test_an_incident_is_opened_told_and_closed(tmp_path):
    program, news = tmp_path / "tell", tmp_path / "news"
    program.write_text(f"#!/bin/sh\ncat >> {news}\necho , >> {news}\n")
    program.chmod(0o755)
    told_at_once = f'[notify]\ncommand = ["{program}"]\nquiet = "0s"\n'
    cluster = sample_cluster(tmp_path, extra=daemon_settings() + told_at_once)

    def told() -> list[tuple[str, str, str]]:
        text = news.read_text().rstrip(",\n") if news.exists() else ""
        changes = [each for one in json.loads(f"[{text}]") for each in one["changes"]]
        return [(c["change"], c["incident"]["kind"], c["incident"]["path"]) for c in changes]

    with running(cluster) as daemon:
        (cluster.tree(1) / "motd").write_text("mine\n")
        eventually(lambda: recorded(cluster, "client1", "motd") == "mine\n")
        cluster.write("motd", "news\n")
        eventually(lambda: told() == [("opened", "conflict", "motd")])
        [incident] = incidents(cluster)
        assert incident["clients"] == ["client1"]
        [conflict] = cluster.status()["client1"]["conflicts"]
        cluster.run("resolve", conflict["id"], "--upstream")
        eventually(lambda: told()[1:] == [("closed", "conflict", "motd")])
        assert not incidents(cluster)
        assert daemon.end() == 0


def test_another_address_is_taken_over_and_one_in_use_leaves_the_old_settings(cluster, address):
    good = cluster.settings.read_text()
    with running(cluster) as daemon, listening() as other:
        moved = good.replace(address, other)
        cluster.settings.write_text(moved.replace('settle = "0.2"', 'settle = "0.3"'))
        daemon.signal(signal.SIGHUP)
        [said] = eventually_said(daemon, "the old settings stay in force")
        assert f"{other} cannot be listened on" in said["error"]
        assert answers(address)
        assert not daemon.said("took over new settings")
        cluster.write("motd", "news\n")
        eventually(lambda: everywhere(cluster, "motd", "news\n"))
    with running(cluster) as daemon:
        assert answers(other), "nobody has it any more"
        cluster.settings.write_text(good)
        daemon.signal(signal.SIGHUP)
        eventually(lambda: daemon.said("took over new settings"))
        assert answers(address)
        assert not answers(other)


def eventually_said(daemon: Any, event: str) -> Any:
    eventually(lambda: daemon.said(event))
    return daemon.said(event)


def test_a_start_with_the_address_in_use_fails_and_leaves_nothing_running(cluster, address):
    host, _, port = address.partition(":")
    with socket.create_server((host, int(port))):
        failed = cluster.run("run", status=3)
        assert f"daemon.listen: {address} cannot be listened on" in failed.err
        assert f"ss -ltnp 'sport = {port}'" in failed.err
    state = cluster.run("status", "--json").json["daemon"]
    assert not state["running"]
    assert state["last_pass"] is None
    with running(cluster):
        assert answers(address)


def loaded(cluster: Cluster, *arguments: str) -> set[str]:
    """Return what of `HEAVY` a command loads."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "etcsync",
         "--config", str(cluster.settings), *arguments],
        env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    return {name for name in HEAVY if name in modules}


def test_no_other_command_waits_for_what_the_daemon_alone_needs(cluster):
    assert loaded(cluster, "run", "--help") >= {"prometheus_client", "apscheduler", "http.server"}
    for command in ("sync", "status", "incidents", "doctor", "hooks status", "exports show"):
        assert not loaded(cluster, *command.split()), command
