"""What signals mean to a service: end, or read the settings again."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from etcsync.daemon.bell import Bell


class Wishes:
    """What somebody wants of the service by way of a signal.

    Attributes:
        end: Whether it is to end; for ever, once it is.
        reload: Whether it is to read the settings again; whoever does so resets it.
    """

    def __init__(self) -> None:
        self.end = False
        self.reload = False

    @contextmanager
    def heard(self, bell: Bell) -> Iterator[None]:
        """Take SIGTERM, SIGINT and SIGHUP as wishes for the length of the block; each rings."""

        def end(_number: int, _frame: FrameType | None) -> None:
            self.end = True

        def reload(_number: int, _frame: FrameType | None) -> None:
            self.reload = True

        handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: reload}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        wakeup = signal.set_wakeup_fd(bell.ringing, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
