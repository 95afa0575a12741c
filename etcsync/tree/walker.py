"""A process that compares trees with what is remembered of them, one request a line.

Most of a look at a large fleet is this, and a process has one processor. Several walkers, fed by
`etcsync.reconcile.walkers`, use all of them. A walker reads listings and nothing else.

A request is a JSON array: the tree, its imprints, the directories whose listings are wanted, the
limits of names and seconds, and whether the tree is taken to be quiet. The answer is a line of
JSON, ``null`` or an array: the directories that differ, and the lengths of the listings by
directory; their bytes follow.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence

from etcsync.errors import TreeError
from etcsync.privileges import drop_to_tree_work
from etcsync.tree.beneath import open_tree
from etcsync.tree.imprint import Differences, differences


def serve() -> None:
    """Answer requests until there are no more."""
    # Whoever interrupts the command means the process that asks; it closes the pipe.
    os.setpgid(0, 0)
    drop_to_tree_work()
    for line in sys.stdin.buffer:
        tree_path, known, wanted, most, seconds, quiet = json.loads(line)
        try:
            with open_tree(tree_path) as tree:
                found = differences(tree, known, set(wanted), most, seconds, quiet=quiet)
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
    quiet: bool,
) -> bytes:
    """Return the line that asks for a comparison."""
    return json.dumps([tree_path, imprints, wanted, most, seconds, quiet]).encode("ascii") + b"\n"


def _answer(found: Differences | None) -> bytes:
    if found is None:
        return b"null\n"
    lengths = {path: len(text) for path, text in found.listings.items()}
    header = json.dumps([sorted(found.directories), lengths]).encode("ascii")
    return b"\n".join((header, b"".join(found.listings.values())))


def answered(said: bytes | bytearray) -> tuple[Differences | None, int] | None:
    """Return what the first answer says, and how many bytes it takes; None: not all is here.

    Raises:
        ValueError: It is no answer.
    """
    end = said.find(b"\n") + 1
    if not end:
        return None
    answer = json.loads(said[:end])
    if answer is None:
        return None, end
    directories, lengths = answer
    listings = {}
    for path, length in lengths.items():
        listings[path] = bytes(said[end : end + length])
        end += length
    return None if len(said) < end else (Differences(frozenset(directories), listings), end)
