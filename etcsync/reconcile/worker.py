"""A process that works on shards of the fleet, one after the other, for the one that started it.

It is sent an `Order` and then shards, each a sequence of clients, and sends `Progress` and for each
shard what came of it. None, sent while it is at work, means that it shall come to an end, and so
does the end of the connection: a worker does not go on for long when nobody waits for it.
"""

import gc
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol, TypeVar

from etcsync import environment
from etcsync.config import Client, Settings
from etcsync.errors import EtcsyncError
from etcsync.logs import Manner, take_over
from etcsync.privileges import drop_to_tree_work
from etcsync.reconcile.cluster import Cluster, open_cluster
from etcsync.reconcile.options import Advance

PACE = 0.1
"""Seconds between two words of progress."""

Stop = Callable[[], bool]

T_co = TypeVar("T_co", covariant=True)


class Work(Protocol[T_co]):
    """What is done for some clients of an open cluster; it must be possible to pickle it."""

    @property
    def reads_only(self) -> bool:
        """Whether it neither writes nor runs a program of the shared root."""

    def __call__(
        self, cluster: Cluster, clients: Sequence[Client], advance: Advance, stop: Stop, /
    ) -> T_co:
        """Do it; tell ``advance`` how far it is, and begin nothing once ``stop`` says yes."""

    def lost(self, settings: Settings, clients: Sequence[Client], error: EtcsyncError) -> T_co:
        """Return what is told of clients where the process that was to do it has ended."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is worked towards; see `open_cluster`."""

    settings: Settings
    commit: str
    fetched: bool = True


class Order(NamedTuple):
    """What a worker is to do, and how it is to log."""

    target: Target
    work: Work[object]
    manner: Manner


class Progress(NamedTuple):
    """How far the work on a shard is; see `Advance`."""

    step: str
    done: int
    total: int


class Done(NamedTuple):
    """What came of a shard."""

    result: Any


class Failed(NamedTuple):
    """Why nothing can be done for any client."""

    error: EtcsyncError | OSError


def serve(descriptor: int) -> None:
    """Work for whoever holds the other end of the connection, until it is closed.

    Whoever interrupts the command means the process that asks; so this one has a group of its own.
    """
    os.setpgid(0, 0)
    environment.cleanse()
    gc.disable()  # all that a shard holds is in use until it ends
    gc.freeze()
    with Connection(descriptor) as connection, suppress(EOFError, ConnectionError):
        order: Order = connection.recv()
        take_over(order.manner)
        try:
            _work(connection, order)
        except ConnectionError:
            raise
        except (EtcsyncError, OSError) as error:
            connection.send(Failed(error))


def _work(connection: Connection, order: Order) -> None:
    target, work, _ = order
    with open_cluster(target.settings, target.commit, fetched=target.fetched) as cluster:
        if work.reads_only:
            cluster.contents.open_file()
            drop_to_tree_work()
        while shard := connection.recv():
            connection.send(Done(work(cluster, shard, _telling(connection), connection.poll)))
            gc.collect()


def _telling(connection: Connection) -> Advance:
    last = 0.0

    def advance(step: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last > PACE:
            last = now
            with suppress(ConnectionError):  # `stop` will say so
                connection.send(Progress(step, done, total))

    return advance
