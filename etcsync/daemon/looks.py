"""How long looking at each client's tree takes, so that slow ones do not delay the others."""

import time

SLOW_LOOK = 2.0
"""Seconds from which on a look counts as slow."""


class Looks:
    """The looks of one pass."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._now: tuple[str, float] | None = None

    def begin(self, name: str) -> None:
        """Note that a client's tree is about to be looked at."""
        self._now = (name, time.monotonic())

    def end(self) -> None:
        """Note that the look is over, if there is one; the first at each tree counts."""
        if self._now is not None:
            name, begun = self._now
            self._times.setdefault(name, time.monotonic() - begun)
            self._now = None

    def slow(self) -> set[str]:
        """Return the clients whose trees took long to look at."""
        return {name for name, seconds in self._times.items() if seconds > SLOW_LOOK}
