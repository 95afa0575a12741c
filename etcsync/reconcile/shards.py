"""A large fleet is divided into shards, which processes work on, on all processors at once.

Each walks the same road, or reads the same state, as a single process does with a small fleet; see
`etcsync.reconcile.worker`. Clients have nothing in common but the hub, whose refs are moved in
turns. A process that ends leaves its clients as a killed run does, and the other ones alone.
"""

import functools
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

from etcsync import logs
from etcsync.config import Client
from etcsync.errors import EtcsyncError, TreeError
from etcsync.reconcile import worker
from etcsync.reconcile.cluster import open_cluster
from etcsync.reconcile.options import Advance
from etcsync.reconcile.worker import Done, Failed, Order, Progress, Stop, Target, Work

MANY = 48
"""Clients; for fewer, a fork for each processor takes longer than it saves."""

MANY_MORE = 128
"""Clients; the same of a new interpreter, where this process cannot be forked."""

QUIET_SHARE = 0.5
"""Of the time that a whole tree takes, what one takes that is quiet."""

LARGEST = 512
"""Clients in a shard: what a process needs to remember grows with them."""

MOST_WORKERS = 16

PATIENCE = 0.2
"""Seconds between two questions whether the work shall end."""

T = TypeVar("T")


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def workers_for(
    clients: Sequence[Client],
    quiet: Collection[str] = frozenset(),
    *,
    keep_open: Sequence[int] = (),
) -> Iterator[Sequence["Worker"]]:
    """Start workers for many clients, none for few, and wait for their end.

    Args:
        clients: The clients.
        quiet: Those whose trees are taken to be as they were.
        keep_open: Descriptors that workers inherit, such as a lock that is to be held until the
            last of them has ended.
    """
    weight = sum(QUIET_SHARE if client.name in quiet else 1 for client in clients)
    number = min(processors(), MOST_WORKERS)
    many = weight >= (MANY if _can_fork() else MANY_MORE)
    with ExitStack() as stack:
        started: list[Worker] = []
        for _ in range(number if many and number > 1 else 0):
            started.append(stack.enter_context(_worker(started, keep_open)))
        yield started


def over_fleet(
    workers: Sequence["Worker"],
    target: Target,
    clients: Sequence[Client],
    work: Work[T],
    advance: Advance,
    stop: Stop,
) -> list[T]:
    """Do ``work`` for all ``clients``, and return what came of each shard.

    Args:
        workers: Who does it; none: this process.
        target: The cluster and the commit that it is done for.
        clients: The clients.
        work: The work.
        advance: Told how far it is.
        stop: Asked again and again; once it says yes, nothing more is begun, and what was not is
            in no result.

    Raises:
        EtcsyncError: Nothing can be done for any client, as ``work`` or `open_cluster` says it.
        OSError: The same, of the system.
    """
    if not workers:
        with open_cluster(target.settings, target.commit, fetched=target.fetched) as cluster:
            return [work(cluster, clients, advance, stop)]
    division = _Division(workers, target, work, deque(_shards(clients, len(workers))))
    return division.results(advance, stop)


@dataclass(frozen=True, eq=False)
class Worker:
    """A running worker.

    Attributes:
        connection: Leads to it.
        wait: Waits for its end and returns its exit status; if a signal ended it, minus that.
    """

    connection: Connection
    wait: Callable[[], int]

    def ended(self) -> EtcsyncError:
        """Return what is told of clients that it worked on when it ended."""
        status = self.wait()
        how = f"with status {status}" if status >= 0 else f"by {signal.Signals(-status).name}"
        return TreeError(
            f"the process that worked on it ended {how}",
            hint="Look for the reason in the log and in the kernel's; then sync again, which"
            " completes what had begun.",
        )


@contextmanager
def _worker(others: Sequence[Worker], keep_open: Sequence[int]) -> Iterator[Worker]:
    """Start a worker, and wait for its end."""
    mine, theirs = Pipe()
    with mine:
        with theirs:
            if _can_fork():
                wait_for = _forked(theirs, [mine, *(each.connection for each in others)])
            else:
                wait_for = _started(theirs.fileno(), keep_open)
        try:
            yield Worker(mine, wait_for)
        finally:
            mine.close()
            wait_for()


def _can_fork() -> bool:
    """Whether a worker may be a fork, which has loaded already all that it needs.

    Another thread may hold a lock in this moment, which nobody would give back in the fork.
    """
    return threading.active_count() == 1


def _forked(connection: Connection, foreign: Sequence[Connection]) -> Callable[[], int]:
    """Fork a worker, which closes the connections in ``foreign``."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for each in foreign:
                each.close()
            worker.serve(os.dup(connection.fileno()))
            status = 0
        except Exception:  # noqa: BLE001 - nobody is there to catch it
            traceback.print_exc()
        finally:
            os._exit(status)
    return functools.cache(lambda: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _started(descriptor: int, keep_open: Sequence[int]) -> Callable[[], int]:
    """Start a worker that finds its modules where this process does."""
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; "
        f"from {worker.__name__} import serve; serve({descriptor})"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(descriptor, *keep_open),
    ).wait


def _shards(clients: Sequence[Client], workers: int) -> list[Sequence[Client]]:
    """Divide clients into shards of equal size, as many for each worker as need be."""
    rounds = -(-len(clients) // (workers * LARGEST))
    number = min(workers * rounds, len(clients))
    bounds = [len(clients) * each // number for each in range(number + 1)]
    return [clients[start:end] for start, end in pairwise(bounds)]


@dataclass
class _Division(Generic[T]):
    """Work that is being done in shards.

    Attributes:
        workers: Who does it.
        target: The cluster and the commit that it is done for.
        work: The work.
        waiting: Shards that nobody has begun.
    """

    workers: Sequence[Worker]
    target: Target
    work: Work[T]
    waiting: deque[Sequence[Client]]
    _busy: dict[Connection, tuple[Worker, Sequence[Client]]] = field(default_factory=dict)
    _results: list[T] = field(default_factory=list)
    _failure: EtcsyncError | OSError | None = None
    _ending: bool = False

    def results(self, advance: Advance, stop: Stop) -> list[T]:
        """Have it done, and return what came of each shard; see `over_fleet`."""
        order = Order(self.target, self.work, logs.manner())
        for each in self.workers:
            with suppress(OSError):  # that it has ended shows when it is listened to
                each.connection.send(order)
            self._occupy(each)
        tally = _Tally(advance)
        while self._busy:
            for heard in wait(list(self._busy), PATIENCE):
                assert isinstance(heard, Connection)  # noqa: S101 - those that it was given
                self._listen(heard, tally)
            if not self._ending and (self._failure or stop()):
                self._end()
        if self._failure:
            raise self._failure
        if self.waiting:
            last = self.workers[-1].ended()
            self._results += [self._lost(clients, last) for clients in self.waiting]
        return self._results

    def _occupy(self, one: Worker) -> None:
        """Give a worker the next shard, if there is one."""
        if self.waiting:
            clients = self.waiting.popleft()
            self._busy[one.connection] = one, clients
            with suppress(OSError):  # as above
                one.connection.send(clients)

    def _listen(self, connection: Connection, tally: "_Tally") -> None:
        one, clients = self._busy[connection]
        try:
            said = connection.recv()
        except (EOFError, OSError):
            del self._busy[connection]
            self._results.append(self._lost(clients, one.ended()))
            return
        match said:
            case Progress():
                tally.note(clients, said)
            case Failed(error):
                del self._busy[connection]
                self._failure = self._failure or error
            case Done(result):
                del self._busy[connection]
                self._results.append(result)
                self._occupy(one)

    def _lost(self, clients: Sequence[Client], error: EtcsyncError) -> T:
        return self.work.lost(self.target.settings, clients, error)

    def _end(self) -> None:
        """Have all come to an end."""
        self._ending = True
        self.waiting.clear()
        for connection in self._busy:
            with suppress(OSError):  # as above
                connection.send(None)


class _Tally:
    """How far the work on all shards is together."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._noted: dict[str, dict[str, Progress]] = {}

    def note(self, clients: Sequence[Client], progress: Progress) -> None:
        """Tell what a word of progress on one shard means for the whole."""
        noted = self._noted.setdefault(progress.step, {})
        noted[clients[0].name] = progress
        done = sum(each.done for each in noted.values())
        self._advance(progress.step, done, sum(each.total for each in noted.values()))
