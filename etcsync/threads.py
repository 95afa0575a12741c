"""Threads that cannot be started: a limit of the system's, told as such."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

_TOLD = "can't start new thread"
"""What Python says of it, in an exception of no kind of its own."""


@contextmanager
def starting_threads() -> Iterator[None]:
    """Have the block raise an `OSError` (EAGAIN) where it cannot start a thread."""
    try:
        yield
    except RuntimeError as error:
        if str(error) != _TOLD:
            raise
        code = errno.EAGAIN
        raise OSError(code, f"no thread can be started: {os.strerror(code)}") from error
