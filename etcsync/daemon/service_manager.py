"""Telling systemd how the service is; the protocol of sd_notify(3).

One datagram of ``NAME=value`` lines to the socket that ``$NOTIFY_SOCKET`` names. Without one,
nothing is told to anybody.
"""

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress

ABSTRACT = "@"
"""The first character of an abstract socket's name; unix(7)."""


class ServiceManager:
    """The way to the service manager.

    Attributes:
        watchdog: Seconds within which the manager wants a sign of life; None: it wants none.
    """

    def __init__(self, address: str | None = None, watchdog: float | None = None) -> None:
        self.watchdog = watchdog
        self._address = address

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> "ServiceManager":
        """Return the way that the environment names, and take it out of there.

        Programs that are started from here have no business with it.
        """
        address = environment.pop("NOTIFY_SOCKET", None)
        microseconds = environment.pop("WATCHDOG_USEC", "")
        process = environment.pop("WATCHDOG_PID", str(os.getpid()))
        wanted = microseconds.isdigit() and int(microseconds) > 0 and process == str(os.getpid())
        return cls(address, int(microseconds) / 1e6 if wanted else None)

    def ready(self, status: str) -> None:
        """Tell that the service has started, or is through with reloading."""
        self._send("READY=1", _status(status))

    def status(self, status: str) -> None:
        """Tell in a line what the service does."""
        self._send(_status(status))

    def reloading(self) -> None:
        """Tell that the settings are read again; `ready` ends it."""
        self._send(
            "RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"
        )

    def stopping(self) -> None:
        """Tell that the service is about to end."""
        self._send("STOPPING=1", _status("ending"))

    def alive(self) -> None:
        """Give the sign of life that the manager wants within `watchdog` seconds."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        address = self._address
        if address.startswith(ABSTRACT):
            address = "\0" + address[1:]
        # A manager that went away must not take the service with it.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
            way.settimeout(1.0)
            way.sendto("\n".join(lines).encode("utf-8", "replace"), address)


def _status(text: str) -> str:
    return "STATUS=" + text.replace("\n", " ")
