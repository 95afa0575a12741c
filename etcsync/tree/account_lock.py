"""The lock that useradd, passwd and their like hold while they rewrite a tree's account files."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from etcsync.errors import TreeError
from etcsync.tree.beneath import OpenTree

LOCK_FILE = ".pwd.lock"
_PAUSE = 0.05


@contextmanager
def account_lock(tree: OpenTree, patience: float) -> Iterator[None]:
    """Hold the lock of lckpwdf(3) on a tree; it is seen by the client over NFS too.

    Where the file does not exist, nobody has ever taken the lock, and it is not made.

    Args:
        tree: The client's tree.
        patience: Seconds to wait for a client that holds it.

    Raises:
        TreeError: The client did not let go in time, or the file cannot be opened.
    """
    try:
        with tree.place(LOCK_FILE) as place:
            descriptor = tree.open_file(place, writable=True)
    except FileNotFoundError:
        yield
        return
    except OSError as error:
        raise _failure(tree, error.strerror or "it cannot be opened") from error
    try:
        _lock(tree, descriptor, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _lock(tree: OpenTree, descriptor: int, until: float) -> None:
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if (
                not isinstance(error, (BlockingIOError, PermissionError))
                or time.monotonic() > until
            ):
                raise _failure(tree, "the client holds it") from error
            time.sleep(_PAUSE)
        else:
            return


def _failure(tree: OpenTree, reason: str) -> TreeError:
    return TreeError(
        f"The lock {LOCK_FILE} of {tree.path} could not be taken: {reason}.",
        hint="See on the client which program changes the accounts; then sync again.",
    )
