"""Imprints of directories: by them a look knows that nothing in a directory has changed.

An imprint is a digest of everything that a listing tells of a directory's names. As in git's index,
time stamps only hint: where a name changed so recently that its next change might not show, there
is no imprint, and the directory is looked at name by name.
"""

import hashlib
import marshal
import math
import os
import stat
import time
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from etcsync.entries import ROOT, StatKey
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree
from etcsync.tree.reading import LOW_BITS, RACY

UNSETTLED = ""
"""Stands for the imprint of a directory that must be looked at; it equals no imprint."""

_SIZE = 12
_FORMAT = 2
"""Of marshal's output: the newest in which equal values give equal bytes."""


class Listing(NamedTuple):
    """What a listing tells of a directory's names, in a form that equal directories have alike.

    What a directory holds is in its own listing; so of a directory in another only its identity and
    metadata count.

    Attributes:
        text: The names and their states, as bytes to be compared.
        newest: When the last of the names changed, in nanoseconds since the epoch.
    """

    text: bytes
    newest: int

    def imprint(self, moment: int) -> str:
        """Return the imprint, or `UNSETTLED`.

        Args:
            moment: Nanoseconds since the epoch, from before the listing.
        """
        if self.newest + RACY >= moment:
            return UNSETTLED
        return hashlib.blake2b(self.text, digest_size=_SIZE).hexdigest()


def listing_of(
    children: Iterable[tuple[str, os.stat_result]], own: os.stat_result | None = None
) -> Listing:
    """Return the listing of a directory.

    Args:
        children: The names with their ``lstat``, as `beneath.list_directory` gives them.
        own: The state of the directory itself, where no other listing has it.
    """
    # A look spends most of its time here: no call that is not needed.
    is_directory, low_bits = stat.S_ISDIR, LOW_BITS
    newest = 0
    rows: list[tuple[str | int, ...]] = []
    for name, s in children:
        mode = s.st_mode
        if is_directory(mode):
            rows.append((name, mode, s.st_ino, s.st_dev, s.st_uid, s.st_gid))
            continue
        ctime = s.st_ctime_ns
        newest = max(newest, ctime)
        ino, size = s.st_ino & low_bits, s.st_size & low_bits
        rows.append((name, mode, ctime, s.st_mtime_ns, ino, size, s.st_uid, s.st_gid))
    rows.sort()
    if own is not None:
        rows.append(("", own.st_mode, own.st_ino, own.st_uid, own.st_gid))
    return Listing(marshal.dumps(rows, _FORMAT), newest)


def imprint_after(listing: bytes, written: Mapping[str, tuple[int, StatKey] | None]) -> str:
    """Return the imprint that a directory has once some names in it have been written.

    Args:
        listing: The text of the listing from before; it had an imprint.
        written: By name, ``st_mode`` and state of the file or link that was put in place, whose
            next change is sure to show; None: the name was removed.
    """
    before = marshal.loads(listing)  # noqa: S302 - `listing_of` made it a moment ago
    rows = [row for row in before if row[0] not in written]
    own = [row for row in rows if not row[0]]
    rows = [row for row in rows if row[0]]
    rows += [(name, new[0], *new[1]) for name, new in written.items() if new is not None]
    rows.sort()
    text = marshal.dumps(rows + own, _FORMAT)
    return hashlib.blake2b(text, digest_size=_SIZE).hexdigest()


class Differences(NamedTuple):
    """How a tree differs from what is remembered.

    Attributes:
        directories: Those whose imprints differ, new ones among them.
        listings: Of the directories that were asked for, and do not differ, their listings' texts.
    """

    directories: frozenset[str]
    listings: Mapping[str, bytes]


def differences(
    tree: OpenTree,
    known: Mapping[str, str],
    wanted: Collection[str],
    most: int,
    seconds: float = math.inf,
    *,
    quiet: bool = False,
) -> Differences | None:
    """Return where a tree differs from its known imprints; nothing is read but listings.

    Args:
        tree: The open tree.
        known: Imprints by path.
        wanted: Directories whose listings are asked for.
        most: How many names are looked at.
        seconds: How long that may take.
        quiet: The tree is taken to be as it was: unless a wanted directory differs, the others
            are not looked at.

    Returns:
        None: Only a whole scan can tell, for the tree is too large or too slow, or cannot be
        walked.
    """
    until = time.monotonic() + seconds
    if quiet:
        there = [path for path in wanted if path in known]
        found = _compared(tree, known, wanted, there, most, until, deeper=False)
        if found is not None and not found.directories:
            return found
    return _compared(tree, known, wanted, [ROOT], most, until, deeper=True)


def _compared(
    tree: OpenTree,
    known: Mapping[str, str],
    wanted: Collection[str],
    pending: list[str],
    most: int,
    until: float,
    *,
    deeper: bool,
) -> Differences | None:
    """Compare the directories ``pending``, and all ``deeper`` ones; see `differences`."""
    differing: set[str] = set()
    listings: dict[str, bytes] = {}
    device = tree.device
    try:
        while pending:
            path = pending.pop()
            moment = time.time_ns()
            descriptor = tree.open_directory(path)
            try:
                children = beneath.list_directory(descriptor, most)
            finally:
                os.close(descriptor)
            most -= len(children)
            if most < 0 or time.monotonic() > until:
                return None
            own = os.fstat(tree.descriptor) if path == ROOT else None
            listing = listing_of(children, own)
            imprint = listing.imprint(moment)
            if imprint == UNSETTLED or imprint != known.get(path):
                differing.add(path)
            elif path in wanted:
                listings[path] = listing.text
            if not deeper:
                continue
            prefix = "" if path == ROOT else path + "/"
            pending += (
                prefix + name
                for name, status in children
                if stat.S_ISDIR(status.st_mode) and status.st_dev == device
            )
    except OSError:
        return None
    return Differences(frozenset(differing), listings)
