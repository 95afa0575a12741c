"""Noticing that a client and etcsync keep overwriting each other at a path. Pure.

Policy says that upstream's version is put back; a program on the client writes its own again; and
so on, as fast as both can.
"""

from collections import defaultdict, deque
from collections.abc import Iterable

OFTEN = 5
"""A path that is put back so often …"""

SPAN = 600.0
"""… within so many seconds is contested."""


class Contests:
    """How often paths were put back lately."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], deque[float]] = defaultdict(lambda: deque(maxlen=OFTEN))
        self._contested: dict[str, dict[str, str]] = {}

    def contested(self, clients: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return by client the paths to be held when they are about to be put back once more."""
        return {name: self._contested[name] for name in clients if name in self._contested}

    def note(
        self, client: str, healed: Iterable[str], held: Iterable[str], now: float
    ) -> list[str]:
        """Note what a pass did for a client, and return what is contested since then.

        Args:
            client: The client.
            healed: The paths where upstream's version was put back.
            held: The paths that are held: once recorded, they need not be remembered here.
            now: The time, in seconds.
        """
        self._forget(now)
        mine = self._contested.pop(client, {})
        for path in held:
            mine.pop(path, None)
        new = []
        for path in healed:
            times = self._times[client, path]
            times.append(now)
            if len(times) == OFTEN and path not in mine:
                mine[path] = _told(client)
                new.append(path)
        if mine:
            self._contested[client] = mine
        return new

    def _forget(self, now: float) -> None:
        for key in [key for key, times in self._times.items() if times[-1] < now - SPAN]:
            del self._times[key]
            self._contested.get(key[0], {}).pop(key[1], None)
        for times in self._times.values():
            while times[0] < now - SPAN:
                times.popleft()


def _told(client: str) -> str:
    return (
        f"{client} and upstream keep overwriting each other's version: etcsync put upstream's back "
        f"{OFTEN} times within {SPAN / 60:.0f} minutes, as policy says, and a program on {client} "
        "wrote its own again. Stop that program, or let a rule give the path to the client."
    )
