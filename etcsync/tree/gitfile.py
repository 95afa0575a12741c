"""Putting a tree's ``.git`` file in place."""

import errno
import os

from etcsync.entries import GIT_PATH, encode_path
from etcsync.errors import TreeError
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree, Place
from etcsync.tree.staging import Staging, clear

_SLOT = b"gitfile"
_MODE = 0o644


def put_gitfile(tree: OpenTree, client: str, staging: Staging, content: bytes) -> None:
    """Let ``content`` stand as the tree's ``.git``, in place of whatever is there.

    Raises:
        TreeError: A directory with something in it stands there, or nothing can be written.
    """
    inside = staging.lies_inside(tree)
    with staging.bench(client, tree, inside=inside) as bench:
        slot, target = Place(bench.descriptor, _SLOT), Place(tree.descriptor, encode_path(GIT_PATH))
        clear(slot)
        try:
            descriptor = beneath.make_file(slot)
            try:
                os.write(descriptor, content)
                os.fchmod(descriptor, _MODE)
            finally:
                os.close(descriptor)
            _place(slot, target)
        except OSError as error:
            raise TreeError(
                f"{tree.path}/{GIT_PATH} cannot be put right: {error.strerror}.",
                hint="Look at what stands there; then sync again.",
            ) from error
        clear(slot)
    staging.discard(client, tree, inside=inside)


def _place(slot: Place, target: Place) -> None:
    try:
        beneath.move(slot, target)
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise
        beneath.exchange(slot, target)
