"""The hub's errors that more than one module raises."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from etcsync.errors import HubError

_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "Out of diskspace")
"""How the C library and git say that there is no room."""


_SHORT = tuple(
    os.strerror(number)
    for number in (errno.EIO, errno.ESTALE, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN)
)
"""How the C library says that the machine is at fault, or its disk, and not what is stored."""


def damaged(directory: str, what: str) -> HubError:
    """Return the error that says that the hub cannot be relied on any more, and the way out."""
    return HubError(
        f"the hub {directory} is damaged: {what}",
        hint=f"Move {directory} aside and run `etcsync init`: it makes the hub anew from upstream "
        "and the trees. The history that can still be read stays in the old one.",
    )


def unreadable(directory: str, said: str) -> HubError:
    """Return the error that says that git could not go on reading the hub.

    Args:
        directory: The hub.
        said: What git said; "": nothing, as when it was killed.
    """
    if said and not any(words in said for words in (*_SHORT, *_FULL, "ut of memory")):
        return damaged(directory, said)
    return HubError(
        f"git cannot read the hub {directory}: {said or 'it ended without a word'}",
        hint="Look at the machine's memory and disks (`free -h`, `dmesg`), then run it again; "
        "`etcsync doctor` says whether the hub is sound.",
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
