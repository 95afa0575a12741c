"""Threads, where the kernel does most of the work: it serves as many at once as it can."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from etcsync.threads import starting_threads

MANY = 48
"""Clients; for fewer, starting threads or processes takes longer than they save."""

MOST_WORKERS = 8

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def workers() -> int:
    """Return how many threads or processes work at once."""
    return min(os.cpu_count() or 1, MOST_WORKERS)


def at_once(
    function: Callable[[_Item], _Result], items: Sequence[_Item]
) -> Iterator[Callable[[], _Result]]:
    """Yield, for each item in order, what returns ``function(item)``, or raises what it raised.

    Many are worked on ahead, at once; of few, each when it is asked for.
    """
    if len(items) < MANY:
        yield from (partial(function, item) for item in items)
        return
    with ThreadPoolExecutor(workers()) as pool:
        with starting_threads():
            futures = [pool.submit(function, item) for item in items]
        for future in futures:
            yield future.result
