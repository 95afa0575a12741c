"""The lock that useradd, passwd and their like hold while they rewrite a tree's account files."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from etcsync.entries import Entry, Kind
from etcsync.errors import TreeError
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree

LOCK_FILE = ".pwd.lock"
LOCK_ENTRY = Entry(Kind.FILE, "", 0o600, 0, 0)
"""The lock file as it is made; its content does not matter."""

_PAUSE = 0.05


class AccountsBusyError(TreeError):
    """A program of the client holds the lock."""


@contextmanager
def account_lock(tree: OpenTree, patience: float, *, create: bool = False) -> Iterator[None]:
    """Hold the lock of lckpwdf(3) on a tree; it is seen by the client over NFS too.

    Args:
        tree: The client's tree.
        patience: Seconds to wait for a client that holds it.
        create: Make the file where it is missing, as lckpwdf(3) does. Otherwise nothing is locked
            then, for nobody has ever taken the lock; a program that takes it for the first time in
            this very moment is not seen.

    Raises:
        AccountsBusyError: The client did not let go in time.
        TreeError: The file cannot be opened, or is no regular file.
    """
    try:
        descriptor = _open(tree, create=create)
    except OSError as error:
        raise TreeError(
            f"The lock {LOCK_FILE} of {tree.path} cannot be opened: {error.strerror}.",
            hint="If it is no plain file, remove it; the client's next useradd makes it anew.",
        ) from error
    if descriptor is None:
        yield
        return
    try:
        _lock(tree, descriptor, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _open(tree: OpenTree, *, create: bool) -> int | None:
    with tree.place(LOCK_FILE) as place:
        if create:
            with suppress(FileExistsError):
                return beneath.make_file(place)
        try:
            return tree.open_file(place, writable=True)
        except FileNotFoundError:
            return None


def _lock(tree: OpenTree, descriptor: int, until: float) -> None:
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            if time.monotonic() >= until:
                raise AccountsBusyError(
                    f"A program of the client holds {LOCK_FILE} in {tree.path} to change accounts.",
                    hint="Let useradd, passwd or vipw end there; the next `etcsync sync` goes on.",
                ) from error
            time.sleep(_PAUSE)
        else:
            return
