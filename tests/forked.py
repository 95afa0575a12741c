"""The command line in a process of its own that need not load Python's modules once more.

A new interpreter takes half a second until it has imported what etcsync needs; a fork of this one
has it already. What the program finds is the same: arguments, environment, streams, a fresh
process that ends. One that must be killed at any instant, or be started as users start it, is run
as a program instead.
"""

import functools
import importlib
import os
import pkgutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

import etcsync
from etcsync.cli.main import run


@functools.cache
def load_everything() -> None:
    """Import all of etcsync here, once, so that no fork has to."""
    for module in pkgutil.walk_packages(etcsync.__path__, "etcsync."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    importlib.import_module("git.repo")


def run_forked(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    wait: float,
    prepare: Callable[[], None] = lambda: None,
    begun: Callable[[int], None] = lambda _: None,
) -> tuple[int, bytes, bytes]:
    """Return exit status, standard output and standard error of one call of etcsync.

    Args:
        arguments: As on the command line.
        environment: The variables that it is given.
        wait: Seconds after which it is killed.
        prepare: Called in the new process before anything else.
        begun: Called here with the number of the new process.

    Raises:
        TimeoutError: It did not end in time; it was killed.
    """
    load_everything()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _become_etcsync(arguments, environment, out.fileno(), err.fileno(), prepare)
        begun(child)
        status = _ended(child, time.monotonic() + wait)
        out.seek(0)
        err.seek(0)
        return status, out.read(), err.read()


def _ended(child: int, deadline: float) -> int:
    pause = 0.001
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise TimeoutError
        time.sleep(pause)
        pause = min(pause * 1.2, 0.02)
    return os.waitstatus_to_exitcode(ended[1])


def _become_etcsync(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    out: int,
    err: int,
    prepare: Callable[[], None],
) -> NoReturn:
    """Run the command line in this process, which has no other purpose, and end it."""
    code = 1
    try:
        prepare()
        for number, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), out, err)):
            os.dup2(descriptor, number)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["etcsync", *arguments]
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, mode, encoding="utf-8", errors="surrogateescape", closefd=False)
            for number, mode in enumerate(("r", "w", "w"))
        )
        try:
            run()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
            sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
