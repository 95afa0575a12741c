"""Waking the daemon's loop from other threads and from signal handlers."""

import math
import os
import select
from contextlib import suppress

LONGEST = 3600.0
"""Seconds that are waited at once."""


class Bell:
    """A pipe that is rung by writing to it.

    Attributes:
        ringing: The end to write to, also for `signal.set_wakeup_fd`; it never blocks.
    """

    def __init__(self) -> None:
        self._waiting, self.ringing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._waiting, select.POLLIN)

    def ring(self) -> None:
        """Wake whoever waits, or will wait next."""
        with suppress(BlockingIOError):
            os.write(self.ringing, b"\0")

    def wait(self, seconds: float) -> None:
        """Wait until the bell rings, or so long."""
        self._poll.poll(math.ceil(max(0.0, min(seconds, LONGEST)) * 1000))
        with suppress(BlockingIOError):
            while os.read(self._waiting, 4096):
                pass

    def close(self) -> None:
        """Close the pipe; nobody may ring any more."""
        os.close(self._waiting)
        os.close(self.ringing)
