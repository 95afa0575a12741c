"""One client's failure, as an error that can be shown beside the others' success."""

import errno
import os

from etcsync.errors import EtcsyncError, TreeError

_HINTS = {
    errno.ENOSPC: "Free some space on the tree's file system; the next `etcsync sync` goes on.",
    errno.EDQUOT: "Raise the quota of the tree's file system; the next `etcsync sync` goes on.",
    errno.EROFS: "Mount the tree's file system read-write; the next `etcsync sync` goes on.",
    errno.EACCES: "Run etcsync as root.",
    errno.EPERM: "Run etcsync as root; an immutable file (lsattr) is changed with `chattr -i`.",
    errno.ESTALE: "Is the tree's file system still there? See `mount` and the server's log.",
}


def client_error(error: EtcsyncError | OSError) -> EtcsyncError:
    """Return ``error`` as one with a message and, where there is one, a remedy."""
    if isinstance(error, EtcsyncError):
        return error
    said = os.strerror(error.errno) if error.errno else str(error)
    place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    message = f"{place}: {said}" if place else said
    return TreeError(message, hint=_HINTS.get(error.errno or 0))


def never_reconciled(client: str) -> TreeError:
    """Return the error for a client on which nothing can be decided yet."""
    return TreeError(
        f"{client} has not been reconciled with any upstream commit yet",
        hint=f"Run `etcsync sync {client}` first.",
    )
