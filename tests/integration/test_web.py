"""What `daemon.listen` serves, to friends and others."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import git, sample_cluster
from pass_support import NOON, client_run, made_pass, settings_of
from prometheus_client.parser import text_string_to_metric_families

from etcsync.config import load_settings
from etcsync.daemon import web_request
from etcsync.daemon.observing import Observing
from etcsync.errors import EtcsyncError


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """What a daemon of two clients serves, and its heart."""

    def __init__(self, place: Path) -> None:
        self.place, self.port, self.alive = place, free_port(), True
        self.observing = Observing(self.settings(self.port), lambda: self.alive)
        self.observing.start()

    def settings(self, port: int, extra: str = ""):
        listen = f'[daemon]\nlisten = "127.0.0.1:{port}"\n{extra}'
        return settings_of(str(self.place), ["client0", "client1"], listen)

    def see(self, done) -> None:
        for observer in self.observing.observers:
            observer(done)

    def send(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def get(self, path: str, method: str = "GET", headers: str = "") -> tuple[str, str, str]:
        """Return status line, headers and body."""
        answer = self.send(f"{method} {path} HTTP/1.1\r\n{headers}\r\n".encode()).decode()
        head, _, body = answer.partition("\r\n\r\n")
        status, _, rest = head.partition("\r\n")
        return status, rest, body


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    one = Server(tmp_path)
    yield one
    one.observing.stop()


def test_metrics_can_be_scraped(server: Server) -> None:
    server.see(made_pass(client_run("client0", held=["motd"]), client_run("client1")))
    status, headers, body = server.get("/metrics")
    assert status == "HTTP/1.0 200 OK"
    assert "Content-Type: text/plain; version=" in headers
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    assert samples["etcsync_clients", "conflicted"] == 1
    assert samples["etcsync_incidents_open", "conflict"] == 1
    assert samples["etcsync_passes_total", "held", "interval"] == 1


def test_whoever_asks_for_openmetrics_gets_it(server: Server) -> None:
    accept = "Accept: application/openmetrics-text; version=1.0.0\r\n"
    _, headers, body = server.get("/metrics", headers=accept)
    assert "application/openmetrics-text" in headers
    assert body.endswith("# EOF\n")


def test_health_is_200_while_all_is_well_and_503_with_the_reason_else(server: Server) -> None:
    status, headers, body = server.get("/healthz")
    assert status == "HTTP/1.0 200 OK"
    assert "application/json" in headers
    assert json.loads(body)["ok"] is True
    server.alive = False
    status, _, body = server.get("/healthz")
    assert status == "HTTP/1.0 503 Service Unavailable"
    assert json.loads(body)["reason"] == "the loop stands still"


def test_the_delay_begins_with_the_time_of_the_commit_in_the_hub(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path, clients=2)
    observing = Observing(load_settings(str(cluster.settings)), lambda: True)
    _, metrics, *_ = observing.observers
    for number in range(2):
        cluster.write("motd", f"{number}\n")
        cluster.sync()
        head = git(cluster.etc, "rev-parse", "HEAD").strip()
        made = int(git(cluster.etc, "show", "-s", "--format=%ct", "HEAD"))
        after = made - NOON.timestamp() + 2
        metrics(made_pass(client_run("client0"), client_run("client1"), commit=head, at=after))
    value = observing.registry.get_sample_value
    assert value("etcsync_propagation_seconds_count") == 1
    assert value("etcsync_propagation_seconds_sum") == 2.5


def test_head_has_the_headers_alone(server: Server) -> None:
    status, headers, body = server.get("/metrics", "HEAD")
    assert (status, body) == ("HTTP/1.0 200 OK", "")
    assert "Content-Length:" in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "<b>"])
def test_other_methods_are_refused(server: Server, method: str) -> None:
    status, headers, body = server.get("/metrics", method)
    assert status == "HTTP/1.0 405 Method Not Allowed"
    assert "Allow: GET, HEAD" in headers
    assert method not in body


@pytest.mark.parametrize("path", ["/", "/metrics/", "/../etc/passwd", "/healthz%00"])
def test_there_is_nothing_else(server: Server, path: str) -> None:
    assert server.get(path)[0] == "HTTP/1.0 404 Not Found"


def test_nothing_of_a_request_comes_back(server: Server) -> None:
    for request in (
        b"GET /MARK HTTP/1.1\r\nHost: MARK\r\n\r\n",
        b"MARK / HTTP/1.1\r\n\r\n",
        b"GET / MARK\r\n\r\n",
        b"GET / HTTP/MARK\r\n\r\n",
        b"MARK\r\n\r\n",
        b"GET / HTTP/1.1\r\nMARK\r\n\r\n",
    ):
        assert b"MARK" not in server.send(request)


def test_a_request_that_is_too_long_is_refused(server: Server) -> None:
    assert server.send(b"GET /" + b"a" * 8187)[:12] == b"HTTP/1.0 431"
    assert server.send(b"GET / HTTP/1.1\r\nX: " + b"a" * 8173)[:12] == b"HTTP/1.0 431"


def test_one_that_comes_drop_by_drop_is_cut_off(server: Server, monkeypatch) -> None:
    monkeypatch.setattr(web_request, "SECONDS", 0.5)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        try:
            while time.monotonic() < began + 5:
                connection.sendall(b"G")
                time.sleep(0.1)
        except OSError:
            pass
    assert 0.4 < time.monotonic() - began < 3


def test_connections_that_say_nothing_take_no_more_than_their_share(server: Server) -> None:
    before = threading.active_count()
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(60)]
    time.sleep(0.3)
    assert threading.active_count() - before <= web_request.CONNECTIONS
    for each in idle:
        each.close()
    time.sleep(0.3)
    assert server.get("/healthz")[0] == "HTTP/1.0 200 OK"


def test_an_address_in_use_is_named(server: Server) -> None:
    other = Observing(server.settings(server.port), lambda: True)
    with pytest.raises(EtcsyncError, match=rf"127\.0\.0\.1:{server.port} cannot .* in use"):
        other.start()


def test_a_reload_moves_to_another_address_or_stays_where_it_was(server: Server) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(EtcsyncError, match="in use"):
            server.observing.use(server.settings(taken.getsockname()[1]))
    assert server.get("/healthz")[0] == "HTTP/1.0 200 OK"
    old, new = server.port, free_port()
    server.observing.use(server.settings(new))
    server.port = new
    assert server.get("/healthz")[0] == "HTTP/1.0 200 OK"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", old))


def test_without_an_address_nothing_is_served(tmp_path: Path) -> None:
    before = threading.active_count()
    observing = Observing(settings_of(str(tmp_path)), lambda: True)
    observing.start()
    assert threading.active_count() == before + 1, "the notifier alone"
    observing.stop()
    assert threading.active_count() == before


def test_an_observer_that_fails_does_not_stop_the_others(server: Server) -> None:
    server.see(None)
    server.see(made_pass(client_run("client0"), client_run("client1")))
    assert 'state="synced"} 2' in server.get("/metrics")[2]
