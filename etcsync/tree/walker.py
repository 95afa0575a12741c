"""A process that compares trees with what is remembered of them, one request a line.

Most of a look at a large fleet is this, and a process has one processor. Several walkers, fed by
`etcsync.reconcile.walkers`, use all of them. A walker reads listings and nothing else.

A request is a JSON array: the tree, its imprints, the directories whose listings are wanted, and
the limits of names and seconds. The answer is ``null``, or an array: the directories that differ,
and the listings by directory, their bytes as characters.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence

from etcsync.errors import TreeError
from etcsync.privileges import drop_to_tree_work
from etcsync.tree.beneath import open_tree
from etcsync.tree.imprint import Differences, differences

_BYTES = "latin-1"
"""Gives each byte a character."""


def serve() -> None:
    """Answer requests until there are no more."""
    # Whoever interrupts the command means the process that asks; it closes the pipe.
    os.setpgid(0, 0)
    drop_to_tree_work()
    for line in sys.stdin.buffer:
        tree_path, known, wanted, most, seconds = json.loads(line)
        try:
            with open_tree(tree_path) as tree:
                found = differences(tree, known, set(wanted), most, seconds)
        except TreeError:
            found = None
        try:
            sys.stdout.buffer.write(_answer(found))
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os._exit(1)  # nobody waits for an answer any more


def request(
    tree_path: str,
    imprints: Mapping[str, str],
    wanted: Sequence[str],
    most: int,
    seconds: float,
) -> bytes:
    """Return the line that asks for a comparison."""
    return json.dumps([tree_path, imprints, wanted, most, seconds]).encode("ascii") + b"\n"


def _answer(found: Differences | None) -> bytes:
    if found is None:
        return b"null\n"
    listings = {path: text.decode(_BYTES) for path, text in found.listings.items()}
    return json.dumps([sorted(found.directories), listings]).encode("ascii") + b"\n"


def answered(line: bytes) -> Differences | None:
    """Return what an answer says.

    Raises:
        ValueError: It is cut off: the walker has ended.
    """
    answer = json.loads(line)
    if answer is None:
        return None
    directories, listings = answer
    texts = {path: text.encode(_BYTES) for path, text in listings.items()}
    return Differences(frozenset(directories), texts)
