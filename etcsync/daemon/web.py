"""``daemon.listen``: ``/metrics`` for Prometheus, ``/healthz`` for whoever looks after services."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from etcsync.config import Settings
from etcsync.daemon.web_health import Health
from etcsync.daemon.web_request import CONNECTIONS, Answer, RequestHandler
from etcsync.errors import EtcsyncError
from etcsync.logs import get_logger
from etcsync.report.documents import SCHEMA

log = get_logger()

Request = socket.socket | tuple[bytes, socket.socket]


class Web:
    """The little server; without ``daemon.listen`` it does nothing."""

    def __init__(
        self, settings: Settings, registry: CollectorRegistry, health: Callable[[], Health]
    ) -> None:
        self._listen = settings.daemon.listen
        self._pages: Mapping[str, Callable[[str], Answer]] = {
            "/metrics": lambda accept: _metrics(registry, accept),
            "/healthz": lambda _accept: _health(health()),
        }
        self._server: _Server | None = None

    def start(self) -> None:
        """Begin to serve.

        Raises:
            EtcsyncError: The address cannot be listened on.
        """
        self._server = self._serve(self._listen)

    def stop(self) -> None:
        """End to serve, and free the address."""
        if self._server:
            self._server.end()
            self._server = None

    def use(self, settings: Settings) -> None:
        """Serve where other settings say.

        Raises:
            EtcsyncError: The new address cannot be listened on; the old one is served still.
        """
        if settings.daemon.listen == self._listen:
            return
        server = self._serve(settings.daemon.listen)
        self.stop()
        self._server, self._listen = server, settings.daemon.listen

    def _serve(self, listen: str) -> "_Server | None":
        return _Server(listen, self._answer) if listen else None

    def _answer(self, path: str, accept: str) -> Answer:
        page = self._pages.get(path)
        return page(accept) if page else Answer(404, "text/plain", b"/metrics or /healthz\n")


class _Server(ThreadingHTTPServer):
    """Listens, with a thread for each connection and no more than `CONNECTIONS` of them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = CONNECTIONS

    def __init__(self, listen: str, answer: Callable[[str, str], Answer]) -> None:
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        self.answer = answer
        host, _, port = listen.rpartition(":")
        host = host.strip("[]")
        try:
            self.address_family = socket.getaddrinfo(host, int(port))[0][0]
            super().__init__((host, int(port)), RequestHandler)
        except OSError as error:
            raise EtcsyncError(
                f"daemon.listen: {listen} cannot be listened on: {error.strerror}",
                hint=f"See who has it with `ss -ltnp 'sport = {port}'`, or choose another address.",
            ) from error
        self._thread = threading.Thread(target=self.serve_forever, name="web", daemon=True)
        self._thread.start()
        log.info("listening", address=listen)

    def server_bind(self) -> None:
        """Bind; the name of the host, which looking up could take long, is not needed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)

    def process_request(self, request: Request, client_address: object) -> None:
        """Hand a connection to a thread; one too many is closed at once."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Request, client_address: object) -> None:
        """Answer one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Request, client_address: object) -> None:
        """Say what went wrong; that the other end is slow, or gone, is no news."""
        del request, client_address
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            log.error("a request could not be answered", error=repr(error))

    def end(self) -> None:
        """Stop listening."""
        self.shutdown()
        self._thread.join()
        self.server_close()


def _metrics(registry: CollectorRegistry, accept: str) -> Answer:
    encode, content_type = choose_encoder(accept)
    return Answer(200, content_type, encode(registry))


def _health(health: Health) -> Answer:
    document = {
        "schema": SCHEMA,
        "ok": health.reason is None,
        "reason": health.reason,
        "waiting_seconds": round(health.waiting, 1),
    }
    body = json.dumps(document).encode() + b"\n"
    return Answer(503 if health.reason else 200, "application/json", body)
