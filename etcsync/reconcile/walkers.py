"""Walkers that look ahead: trees are compared with their surveys on all processors at once."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from queue import SimpleQueue
from typing import IO, NamedTuple, cast

from etcsync.reconcile.at_once import MANY, workers
from etcsync.threads import starting_threads
from etcsync.tree import walker
from etcsync.tree.beneath import OpenTree
from etcsync.tree.imprint import Differences, differences

Answer = Differences | None
"""None: only a whole scan can tell."""


class Question(NamedTuple):
    """A tree to be compared; see `etcsync.tree.imprint.differences`.

    Attributes:
        quiet: The tree is taken to be as it was: unless a wanted directory differs, the others
            are not looked at.
    """

    tree_path: str
    imprints: Mapping[str, str]
    wanted: list[str]
    most: int
    seconds: float
    quiet: bool

    def answer(self, tree: OpenTree, ahead: Future[Answer] | None = None) -> Answer:
        """Compare the open tree, unless a walker has done so already."""
        if ahead is not None:
            with suppress(OSError, ValueError):  # the walker was stopped
                return ahead.result()
        asked = self.imprints, self.wanted, self.most, self.seconds
        if self.quiet:
            found = differences(tree, *asked, everywhere=False)
            if found is not None and not found.directories:
                return found
        return differences(tree, *asked)


@contextmanager
def looking_ahead(questions: Mapping[str, Question]) -> Iterator[Mapping[str, Future[Answer]]]:
    """Have trees compared while the block runs; nothing is asked where it is not worth while.

    Args:
        questions: By client.
    """
    questions = {name: each for name, each in questions.items() if not each.quiet}
    if len(questions) < MANY:
        yield {}
        return
    idle: SimpleQueue[_Walker] = SimpleQueue()
    with ExitStack() as stack:
        for _ in range(workers()):
            idle.put(stack.enter_context(_walker()))
        pool = stack.enter_context(ThreadPoolExecutor(workers()))
        stack.callback(pool.shutdown, cancel_futures=True)
        with starting_threads():
            answers = {name: pool.submit(_ask, idle, each) for name, each in questions.items()}
        yield answers


class _Walker(NamedTuple):
    """A running walker."""

    stdin: IO[bytes]
    stdout: IO[bytes]


@contextmanager
def _walker() -> Iterator[_Walker]:
    """Start a walker, and end it; it finds its modules where this process does."""
    script = f"import sys; sys.path[:] = {sys.path!r}; from {walker.__name__} import serve; serve()"
    command = [sys.executable, "-c", script]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    stdin, stdout = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    try:
        yield _Walker(stdin, stdout)
    finally:
        with suppress(BrokenPipeError):  # it was stopped
            stdin.close()
        stdout.close()
        process.wait()


def _ask(idle: SimpleQueue[_Walker], asked: Question) -> Answer:
    free = idle.get()
    try:
        free.stdin.write(walker.request(*asked[:-1]))
        free.stdin.flush()
        return walker.answered(free.stdout.readline())
    finally:
        idle.put(free)
