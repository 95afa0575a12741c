"""The ``.gitignore`` rules in force while one tree is walked, and the time they may take."""

import os
import stat
import time
from collections.abc import Mapping

from etcsync.entries import ROOT, FileRecord, blob_oid
from etcsync.errors import TreeError
from etcsync.tree import ignore
from etcsync.tree.beneath import OpenTree, Place
from etcsync.tree.ignore import Hides, Level, level_of
from etcsync.tree.reading import read_file, stat_key


class TreeRules:
    """Reads a tree's ``.gitignore`` files as the walk meets them, and applies them.

    Args:
        tree: The open tree.
        hides: Compiled rules, shared by all trees.
        records: Recorded states and blobs; a file in its recorded state is read only when its
            rules are not known yet.
        seconds: How long rules may take in this tree altogether, for a client writes them.
    """

    def __init__(
        self,
        tree: OpenTree,
        hides: Hides,
        records: Mapping[str, FileRecord],
        seconds: float,
    ) -> None:
        self._tree = tree
        self._hides = hides
        self._records = records
        self._seconds = seconds

    def levels(
        self, path: str, descriptor: int, status: os.stat_result, above: tuple[Level, ...]
    ) -> tuple[Level, ...]:
        """Return the rules that hold in a directory: its own in front of those from above.

        Args:
            path: The directory.
            descriptor: The open directory.
            status: The state of its ``.gitignore``; as git does, one that is a link is not read.
            above: The rules of the directories above, the nearest first.

        Raises:
            TreeError: The rules take too long.
        """
        if not stat.S_ISREG(status.st_mode):
            return above
        started = time.perf_counter()
        place = Place(descriptor, ignore.FILE_NAME.encode())
        file = ignore.FILE_NAME if path == ROOT else f"{path}/{ignore.FILE_NAME}"
        record = self._records.get(file)
        if record is not None and record.stat == stat_key(status):
            rules = self._hides.rules(record.oid, lambda: self._read(place))
        else:
            content = self._read(place)
            rules = self._hides.rules(blob_oid(content), lambda: content)
        self._spend(started)
        return (level_of(path, rules), *above)

    def match(self, path: str, levels: tuple[Level, ...], *, directory: bool) -> bool:
        """Whether the rules hide ``path``, which lies in no hidden directory.

        Raises:
            TreeError: The rules take too long.
        """
        if not levels:
            return False
        known = self._hides.known_verdict(path, levels, directory=directory)
        if known is not None:
            return known
        started = time.perf_counter()
        matched = self._hides.is_hidden(path, levels, directory=directory)
        self._spend(started)
        return matched

    def _read(self, place: Place) -> bytes:
        """Return the content of a file of rules; what cannot be read or is too large has none."""
        try:
            return read_file(self._tree, place, ignore.SIZE_LIMIT).content or b""
        except OSError:
            return b""

    def _spend(self, started: float) -> None:
        self._seconds -= time.perf_counter() - started
        if self._seconds < 0:
            raise TreeError(
                f"The .gitignore rules in {self._tree.path} take too long to apply.",
                hint="Look at the .gitignore files in the tree: too many rules, or odd ones.",
            )
