"""The hub's errors that more than one module raises."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from etcsync.errors import HubError

_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "Out of diskspace")
"""How the C library and git say that there is no room."""


def damaged(directory: str, what: str) -> HubError:
    """Return the error that says that the hub cannot be relied on any more, and the way out."""
    return HubError(
        f"the hub {directory} is damaged: {what}",
        hint=f"Move {directory} aside and run `etcsync init`: it makes the hub anew from upstream "
        "and the trees. The history that can still be read stays in the old one.",
    )


def unwritable(directory: str, what: str, said: str) -> HubError:
    """Return the error that says that ``what`` failed, and if so that the disk is full.

    Args:
        directory: The hub.
        what: What was to be written.
        said: What git or the system said.
    """
    if any(words in said for words in _FULL):
        return HubError(
            f"the file system of the hub {directory} is full: {said}",
            hint=f"Make room there (see `df {directory}`); the next `etcsync sync` starts over.",
        )
    return HubError(f"cannot write {what} in the hub {directory}: {said}")


@contextmanager
def writing(directory: str, what: str) -> Iterator[None]:
    """Turn the system's refusal to write ``what`` into `unwritable`'s error."""
    try:
        yield
    except OSError as error:
        raise unwritable(directory, what, str(error)) from error
