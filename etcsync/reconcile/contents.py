"""Contents by blob id, wherever they are: read from a tree a moment ago, merged, or in the hub."""

import tempfile
from collections.abc import Callable

from etcsync.closing import Closing
from etcsync.entries import blob_oid

RECENT_LIMIT = 8 * 1024 * 1024
"""Bytes of contents read from the hub that are kept: a fleet wants the same one again and again."""

MEMORY_LIMIT = 64 * 1024 * 1024
"""Bytes of new contents that stay in memory; more go to an unlinked temporary file."""


class Contents(Closing):
    """A content-addressed store: what is new in this run, on top of what the hub has.

    Reading has no effect that a caller could see, so that pure code may be handed ``read``.
    """

    def __init__(self, stored: Callable[[str], bytes]) -> None:
        """Take ``stored``, which reads a blob that the hub has."""
        self._stored = stored
        self._spool = tempfile.SpooledTemporaryFile(max_size=MEMORY_LIMIT)  # noqa: SIM115 - closed by _close
        self._places: dict[str, tuple[int, int]] = {}
        self._end = 0
        self._recent: dict[str, bytes] = {}
        self._recent_size = 0

    def _close(self) -> None:
        self._spool.close()

    def open_file(self) -> None:
        """Open the temporary file now, for a process that will not be able to."""
        self._spool.rollover()

    def put(self, content: bytes) -> str:
        """Keep ``content`` for the length of the run and return its blob id."""
        oid = blob_oid(content)
        if oid not in self._places:
            self._spool.seek(self._end)
            self._spool.write(content)
            self._places[oid] = (self._end, len(content))
            self._end += len(content)
        return oid

    def read(self, oid: str) -> bytes:
        """Return the content of a blob.

        Raises:
            HubError: Neither this run nor the hub has it.
        """
        place = self._places.get(oid)
        if place is None:
            return self._read_stored(oid)
        start, length = place
        self._spool.seek(start)
        return self._spool.read(length)

    def _read_stored(self, oid: str) -> bytes:
        content = self._recent.get(oid)
        if content is None:
            content = self._stored(oid)
            self._recent_size += len(content)
            if self._recent_size > RECENT_LIMIT:
                self._recent.clear()
                self._recent_size = len(content)
            self._recent[oid] = content
        return content

    def size(self, oid: str) -> int:
        """Return the bytes of a content that this run brought."""
        return self._places[oid][1]

    def is_new(self, oid: str) -> bool:
        """Return whether this run brought the content, so that the hub may lack it."""
        return oid in self._places
