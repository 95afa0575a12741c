"""Running one command and telling what it cost: time, processor, memory, bytes, processes."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

_BLOCK = 512
"""Bytes of a block in getrusage(2)."""


class Sample(NamedTuple):
    """What one run of a command cost, its children included.

    Attributes:
        seconds: By the clock.
        cpu: Seconds of processor time, user and system.
        peak: Bytes of the largest process.
        written: Bytes that were given to file systems.
    """

    seconds: float
    cpu: float
    peak: int
    written: int


def run(
    command: Sequence[str], environment: Mapping[str, str], allowed: Collection[int] = (0,)
) -> Sample:
    """Run ``command`` and measure it; whatever interrupts this ends the command too.

    Raises:
        RuntimeError: It ended with another status than ``allowed``.
    """
    with tempfile.TemporaryFile() as said, open(os.devnull, "wb") as nothing:
        actions = [
            (os.POSIX_SPAWN_DUP2, nothing.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, said.fileno(), 2),
        ]
        started = time.perf_counter()
        child = os.posix_spawnp(command[0], command, environment, file_actions=actions, setpgroup=0)
        try:
            _, status, usage = os.wait4(child, 0)
        except BaseException:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        seconds = time.perf_counter() - started
        code = os.waitstatus_to_exitcode(status)
        if code not in allowed:
            said.seek(0)
            words = said.read()[-2000:].decode(errors="replace")
            raise RuntimeError(f"{' '.join(command)[:300]} ended with {code}: {words}")
    return Sample(
        seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, usage.ru_oublock * _BLOCK
    )


def count_tasks(
    command: Sequence[str], environment: Mapping[str, str], allowed: Collection[int] = (0,)
) -> int | None:
    """Run ``command`` and return how many processes and threads it started, itself included.

    It runs in a namespace of process numbers of its own, which are given out one by one. Where that
    is not allowed it runs all the same, and None is returned.
    """
    if subprocess.run(["unshare", "--pid", "--fork", "true"], check=False).returncode != 0:
        run(command, environment, allowed)
        return None
    with tempfile.NamedTemporaryFile("r") as last:
        script = '"$@"; code=$?; sh -c "echo \\$\\$" > "$LAST_NUMBER"; exit $code'
        run(
            ["unshare", "--pid", "--fork", "sh", "-c", script, "sh", *command],
            {**environment, "LAST_NUMBER": last.name},
            allowed,
        )
        # The shell is the first, the one that tells its own number the last.
        return int(last.read()) - 2
