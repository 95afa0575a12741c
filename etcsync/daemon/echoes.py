"""Telling a client's changes from those that a pass makes itself, while it goes on. Pure.

A pass that writes into a tree is heard by the watchers like anything else. Were each such event
taken for a change of the client's, every pass would be followed by another.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from etcsync.entries import GIT_PATH, METADATA_PATH

NAMELESS = re.compile(r"#[0-9]+")
"""What a file without a name is heard as, in the directory where it is made: its inode's number. So
new versions begin; see `etcsync.tree.beneath.new_file`."""

LIMIT = 4096
"""Paths that are remembered of one client; beyond, all that is heard is the client's doing."""


@dataclass(slots=True)
class _Heard:
    looks: list[float] = field(default_factory=list)
    paths: dict[str | None, float] = field(default_factory=dict)


class Echoes:
    """What is heard of some clients' trees during a pass over them.

    What was heard before a look at the tree is covered by that look. The first look of a pass is at
    the whole tree, the last one at least at what the pass has written.
    """

    def __init__(self, clients: Collection[str]) -> None:
        self._heard = {name: _Heard() for name in clients}

    def __contains__(self, client: str) -> bool:
        return client in self._heard

    def looking(self, client: str, now: float) -> None:
        """Note that a client's tree is about to be looked at."""
        self._heard[client].looks.append(now)

    def hear(self, client: str, path: str | None, now: float) -> None:
        """Note an event in a tree; the path is None where it is not known."""
        paths = self._heard[client].paths
        paths[path if len(paths) < LIMIT or path in paths else None] = now

    def news(self, client: str, written: Collection[str]) -> float | None:
        """Return when the client changed what the pass has not seen; None if it did not.

        Args:
            client: The client.
            written: The paths that the pass has written; etcsync's own files count as such, those
                without a name among them.
        """
        heard = self._heard[client]
        if not heard.looks:
            return max(heard.paths.values(), default=None)
        first, last = heard.looks[0], heard.looks[-1]
        own = {*written, METADATA_PATH, GIT_PATH}
        times = [
            time
            for path, time in heard.paths.items()
            if time >= (last if _is_own(path, own) and len(heard.looks) > 1 else first)
        ]
        return max(times, default=None)


def _is_own(path: str | None, own: Collection[str]) -> bool:
    return path is not None and (path in own or NAMELESS.fullmatch(path) is not None)
