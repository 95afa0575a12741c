"""The ways to tell: the administrator's command, and services through apprise.

Each is a program that gets a document on its standard input and has a limited time. apprise runs
in a process of its own as well: the daemon stays small, and what hangs in a network can be ended.
"""

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec

from etcsync.config import Settings
from etcsync.daemon.notifying_message import News, document, subject, text, variables
from etcsync.environment import SEARCH_PATH
from etcsync.errors import SettingsError
from etcsync.host.rootfs import collect

TIME_LIMIT = 30.0
"""Seconds that a program may take."""

OUTPUT_SHOWN = 2000
"""Bytes of a program's output that are logged."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to tell.

    Attributes:
        name: What it is called in logs; it tells nothing of a URL.
        arguments: The program and its arguments: nothing untrusted, nothing secret.
        url: The service, which only the program's standard input may tell; empty: none.
    """

    name: str
    arguments: tuple[str, ...]
    url: str = ""

    def input(self, news: News, left_out: int) -> bytes:
        """Return what the program reads."""
        host = socket.gethostname()
        if not self.url:
            return document(news, host, left_out)
        title = f"etcsync on {host}: {subject(news)}"
        message = {"url": self.url, "title": title, "body": text(news, left_out)}
        return json.dumps(message).encode()


def ways(settings: Settings) -> list[Way]:
    """Return the ways that the settings name.

    Raises:
        SettingsError: There are URLs, and apprise is not installed.
    """
    found = []
    if settings.notify.command:
        found.append(Way("notify.command", settings.notify.command))
    if settings.notify.urls and find_spec("apprise") is None:
        raise SettingsError(
            f"{settings.source}, [notify]: urls need apprise, which is not installed",
            hint="Install it beside etcsync: pip install 'etcsync[notify]'. Or use `command`.",
        )
    program = (sys.executable, "-I", "-m", "etcsync.daemon.notifying_apprise")
    for number, url in enumerate(settings.notify.urls):
        found.append(Way(f"notify.urls[{number}]", program, url))
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """How one attempt ended.

    Attributes:
        failure: Why nobody was told; None when it went well.
        output: The beginning of what the program printed: untrusted text.
    """

    failure: str | None
    output: str = ""


class Teller:
    """Runs one program at a time, which can be ended from another thread."""

    def __init__(self, limit: float = TIME_LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    def tell(self, way: Way, news: News, left_out: int, settings_source: str) -> Told:
        """Tell ``news`` in one way, and wait for it."""
        try:
            process = self._start(
                way.arguments, way.input(news, left_out), variables(news, settings_source)
            )
        except OSError as error:
            return Told(f"{way.arguments[0]} cannot be run: {error.strerror or error}")
        if process is None:
            return Told("the daemon is ending")
        with process:
            status, output = collect(process, time.monotonic() + self._limit)
        with self._lock:
            self._process = None
        shown = output[:OUTPUT_SHOWN].decode("utf-8", "surrogateescape").strip()
        return Told(_failure(status, self._limit), shown)

    def end(self) -> None:
        """Kill what runs, and run nothing any more."""
        with self._lock:
            self._ended = True
            if self._process:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def _start(
        self, arguments: Sequence[str], content: bytes, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes] | None:
        account = pwd.getpwuid(os.geteuid())
        with open(os.memfd_create("news"), "r+b") as stdin, self._lock:
            stdin.write(content)
            stdin.seek(0)
            if not self._ended:
                self._process = subprocess.Popen(
                    arguments,
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env={
                        "PATH": SEARCH_PATH, "LANG": "C.UTF-8", "HOME": account.pw_dir,
                        "USER": account.pw_name, "LOGNAME": account.pw_name, **environment,
                    },
                    cwd="/",
                    start_new_session=True,
                )  # fmt: skip
            return self._process


def _failure(status: int | None, limit: float) -> str | None:
    if status is None:
        return f"it did not end within {limit:g} seconds, and was killed"
    if status < 0:
        return f"it was ended by signal {-status}"
    return f"it ended with status {status}" if status else None
