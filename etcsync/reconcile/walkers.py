"""Walkers that look ahead: trees are compared with their surveys on all processors at once."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import IO, NamedTuple, cast

from etcsync.system_calls import widen_pipe
from etcsync.tree import walker
from etcsync.tree.beneath import OpenTree
from etcsync.tree.imprint import Differences, differences

MANY = 48
"""Clients; for fewer, starting processes takes longer than they save."""

QUIET_SHARE = 0.2
"""Of the time that a whole tree takes, what one takes that is quiet."""

MOST_WORKERS = 8

DEPTH = 32
"""Questions that a walker may have before it: enough to be busy until it is given more."""

_ONE_READ = 1 << 20

Answer = Differences | None
"""None: only a whole scan can tell."""

Ahead = Callable[[], Answer]
"""Waits for an answer; raises `StoppedError`."""


class StoppedError(Exception):
    """The walker that had the question has ended."""


class Question(NamedTuple):
    """A tree to be compared; see `etcsync.tree.imprint.differences`."""

    tree_path: str
    imprints: Mapping[str, str]
    wanted: list[str]
    most: int
    seconds: float
    quiet: bool

    def answer(self, tree: OpenTree, ahead: Ahead | None = None) -> Answer:
        """Compare the open tree, unless a walker has done so already."""
        if ahead is not None:
            with suppress(StoppedError):
                return ahead()
        asked = self.imprints, self.wanted, self.most, self.seconds
        return differences(tree, *asked, quiet=self.quiet)


def workers() -> int:
    """Return how many walkers there are at once."""
    return min(os.cpu_count() or 1, MOST_WORKERS)


@contextmanager
def looking_ahead(questions: Mapping[str, Question]) -> Iterator[Mapping[str, Ahead]]:
    """Have trees compared while the block runs; nothing is asked where it is not worth while.

    Args:
        questions: By client, in the order in which answers are wanted.
    """
    if sum(QUIET_SHARE if each.quiet else 1 for each in questions.values()) < MANY:
        yield {}
        return
    with ExitStack() as stack:
        crew = _Crew(questions, stack.enter_context(DefaultSelector()))
        for _ in range(workers()):
            crew.engage(stack.enter_context(_walker()))
        yield {name: partial(crew.answer, name) for name in questions}


@dataclass(eq=False)
class _Walker:
    """A running walker.

    Attributes:
        stdin: Takes requests.
        stdout: Gives answers.
        asked: The clients about whose trees it was asked and has not answered, in order.
        outgoing: What is still to be sent.
        incoming: What has come of an answer that is not complete.
    """

    stdin: IO[bytes]
    stdout: IO[bytes]
    asked: deque[str] = field(default_factory=deque)
    outgoing: bytearray = field(default_factory=bytearray)
    incoming: bytearray = field(default_factory=bytearray)


@contextmanager
def _walker() -> Iterator[_Walker]:
    """Start a walker, and end it; it finds its modules where this process does."""
    script = f"import sys; sys.path[:] = {sys.path!r}; from {walker.__name__} import serve; serve()"
    command = [sys.executable, "-c", script]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    stdin, stdout = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
    for pipe in (stdin, stdout):
        os.set_blocking(pipe.fileno(), False)
        widen_pipe(pipe)
    try:
        yield _Walker(stdin, stdout)
    finally:
        stdin.close()
        stdout.close()
        process.wait()


class _Crew:
    """Walkers that share the questions; one that has ended is not asked again.

    Nothing happens but in calls of `answer`: there is no thread that would keep the caller from
    its own work.
    """

    def __init__(self, questions: Mapping[str, Question], selector: DefaultSelector) -> None:
        self._selector = selector
        self._waiting = deque(questions.items())
        self._answers: dict[str, Answer] = {}
        self._working: set[_Walker] = set()
        self._spent: set[str] = set()  # given already, or never to come

    def engage(self, one: _Walker) -> None:
        """Give a walker its first questions."""
        self._working.add(one)
        self._selector.register(one.stdout, EVENT_READ, one)
        self._advance(one)

    def answer(self, name: str) -> Answer:
        """Return the answer about a client's tree, once; wait for it, if need be.

        Raises:
            StoppedError: There will be none.
        """
        self._attend(0)
        while name not in self._answers:
            if name in self._spent or not self._working:
                raise StoppedError
            self._attend(None)
        self._spent.add(name)
        return self._answers.pop(name)

    def _attend(self, patience: float | None) -> None:
        """Hear those who have something to say, and give them more to do."""
        for key, _ in self._selector.select(patience):
            if key.data in self._working:
                self._advance(key.data)

    def _advance(self, one: _Walker) -> None:
        try:
            self._hear(one)
            while self._waiting and len(one.asked) < DEPTH:
                name, asked = self._waiting.popleft()
                one.asked.append(name)
                one.outgoing += walker.request(*asked)
            self._send(one)
        except (OSError, ValueError, EOFError):
            self._dismiss(one)

    def _hear(self, one: _Walker) -> None:
        with suppress(BlockingIOError):
            said = os.read(one.stdout.fileno(), _ONE_READ)
            if not said:
                raise EOFError
            one.incoming += said
        while (heard := walker.answered(one.incoming)) is not None:
            found, length = heard
            del one.incoming[:length]
            self._answers[one.asked.popleft()] = found

    def _send(self, one: _Walker) -> None:
        """Send what the pipe takes; the rest when it takes more."""
        if one.outgoing:
            with suppress(BlockingIOError):
                del one.outgoing[: os.write(one.stdin.fileno(), one.outgoing)]
        registered = one.stdin in self._selector.get_map()
        if one.outgoing and not registered:
            self._selector.register(one.stdin, EVENT_WRITE, one)
        elif registered and not one.outgoing:
            self._selector.unregister(one.stdin)

    def _dismiss(self, one: _Walker) -> None:
        self._working.discard(one)
        self._spent.update(one.asked)
        for pipe in (one.stdin, one.stdout):
            if pipe in self._selector.get_map():
                self._selector.unregister(pipe)
