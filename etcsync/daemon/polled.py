"""Trees that are looked at now and then, for they cannot be watched; said once, with the remedy."""

from typing import NamedTuple

from etcsync.logs import get_logger

POLL_SECONDS = 30.0
"""A tree that inotify cannot watch is looked at this often."""

LIMITS = (
    "Raise fs.inotify.max_user_watches with sysctl, and fs.inotify.max_user_instances if it is "
    "below 128; then restart the service, or wait for the next full reconciliation."
)

log = get_logger()


class Polled(NamedTuple):
    """Why a tree is not watched.

    Attributes:
        why: In words.
        hint: What can be done about it.
        often: Whether it is looked at every `POLL_SECONDS`, not only at every interval.
    """

    why: str
    hint: str | None = None
    often: bool = True


NO_INSTANCE = Polled("the limit of inotify instances is reached", LIMITS)
NO_WATCHES = Polled("the limit of inotify watches is reached", LIMITS)


class PolledTrees:
    """The clients whose trees are not watched."""

    def __init__(self) -> None:
        self._polled: dict[str, Polled] = {}
        self._told: dict[str, Polled] = {}
        self._next = 0.0

    def __contains__(self, name: str) -> bool:
        return name in self._polled

    def add(self, name: str, why: Polled) -> None:
        """Note that a client's tree is not watched."""
        self._polled[name] = why

    def remove(self, name: str) -> None:
        """Note that it is watched."""
        self._polled.pop(name, None)

    def clear(self) -> None:
        """Forget all of them, but not what was said."""
        self._polled.clear()

    def due(self, now: float) -> tuple[str, ...]:
        """Return the clients whose trees are to be looked at now."""
        if now < self._next:
            return ()
        self._next = now + POLL_SECONDS
        return tuple(name for name, why in self._polled.items() if why.often)

    def tell(self) -> None:
        """Say which trees are not watched and why, and which are watched again; each once."""
        news = {name: why for name, why in self._polled.items() if self._told.get(name) != why}
        for why in dict.fromkeys(news.values()):
            log.warning(
                "trees are not watched, but looked at now and then",
                clients=[name for name in news if news[name] == why],
                why=why.why,
                every=f"{POLL_SECONDS:.0f} s" if why.often else "daemon.interval",
                hint=why.hint,
            )
        if again := sorted(self._told.keys() - self._polled.keys()):
            log.info("trees are watched again", clients=again)
        self._told = dict(self._polled)
