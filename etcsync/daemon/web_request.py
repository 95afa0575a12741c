"""One HTTP request: read within bounds, answered, and done with.

Whoever can reach the address may send anything, slowly. So the head of a request is read before
it is looked at, and it has a limited size and time. Nothing of it comes back in an answer.
"""

import io
import socket
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

CONNECTIONS = 16
"""Connections at one time."""

SECONDS = 5.0
"""For the head of a request to come, and again for the answer to be taken."""

HEAD_LIMIT = 8192
"""Bytes of a request's head."""


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    content_type: str
    body: bytes


class RequestHandler(BaseHTTPRequestHandler):
    """Answers ``GET`` and ``HEAD``, one request for each connection, by the server's ``answer``."""

    server_version = "etcsync"
    sys_version = ""

    def setup(self) -> None:
        """Read the head of the request.

        Raises:
            TimeoutError: It did not come in time.
        """
        super().setup()
        head = _head(self.connection)
        self._is_cut_off = len(head) >= HEAD_LIMIT
        self.rfile = io.BufferedReader(io.BytesIO(head))
        self.connection.settimeout(SECONDS)

    def parse_request(self) -> bool:
        """Understand the head; refuse one that is too long."""
        if not self._is_cut_off:
            return super().parse_request()
        self.requestline, self.request_version, self.command = "", "HTTP/1.0", ""
        self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return False

    def do_GET(self) -> None:
        """Answer with head and body."""
        self._send(self._answer(), body=True)

    def do_HEAD(self) -> None:
        """Answer with the head alone."""
        self._send(self._answer(), body=False)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request that is none, in words that are not its own."""
        del message, explain
        if code == HTTPStatus.NOT_IMPLEMENTED:
            code = HTTPStatus.METHOD_NOT_ALLOWED
        body = HTTPStatus(code).phrase.encode() + b"\n"
        self._send(Answer(code, "text/plain", body), body=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's word
        """Keep requests out of the log: they come every few seconds, and are anybody's text."""

    def _answer(self) -> Answer:
        path = self.path.partition("?")[0]
        answer: Answer = self.server.answer(path, self.headers.get("Accept", ""))  # type: ignore[attr-defined]  # the base class knows no server of ours
        return answer

    def _send(self, answer: Answer, *, body: bool) -> None:
        self.close_connection = True
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if body:
            self.wfile.write(answer.body)


def _head(connection: socket.socket) -> bytes:
    """Return what comes before the first empty line; cut off where it is too long.

    Raises:
        TimeoutError: It did not come in time.
    """
    deadline = time.monotonic() + SECONDS
    head = b""
    while b"\r\n\r\n" not in head and b"\n\n" not in head:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        chunk = connection.recv(HEAD_LIMIT - len(head))
        head += chunk
        if not chunk or len(head) >= HEAD_LIMIT:
            break
    return head
