"""One call of etcsync under strace(1), which kills it or makes a system call fail."""

import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cluster import CLEAN_ENVIRONMENT, Answer, Cluster
from forked import run_forked

CHANGING = (
    "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink",
    "unlinkat", "rmdir", "mkdir", "mkdirat", "chmod", "fchmod", "fchmodat", "chown", "fchown",
    "lchown", "fchownat", "utimensat", "setxattr", "fsetxattr", "removexattr", "fremovexattr",
    "ftruncate", "fsync", "fdatasync", "syncfs", "sync", "sendfile", "copy_file_range", "write",
    "pwrite64", "vfork", "openat", "openat2",
)  # fmt: skip
"""What changes names, contents or metadata, brings them to disk, or starts git."""

READING = (
    "openat", "openat2", "getdents64", "read", "pread64", "readlinkat", "readlink", "fcntl",
    "flock", "newfstatat", "flistxattr", "pipe2", "clone3",
)  # fmt: skip
"""What changes nothing, and may fail as well."""

OPENS = {"openat", "openat2"}

ERRORS = ("ENOSPC", "EIO", "EROFS", "EDQUOT", "EMFILE", "ENOMEM", "ESTALE")
"""What may go wrong with them; each step is given one in turn."""

PRESENT = shutil.which("strace") is not None

_LINE = re.compile(r"^(\d+) +(\w+)\((.*)")
_WRITING = re.compile(r"O_(WRONLY|RDWR|CREAT)")


class Point(NamedTuple):
    """One system call of a run.

    Attributes:
        call: Its name.
        turn: How many of that name the process had made then, this one included.
        about: What it was about.
        error: The error with which it is to fail.
        elsewhere: Whether a thread or a git of the same run makes so many of that name, too.
    """

    call: str
    turn: int
    about: str
    error: str
    elsewhere: bool


def run_traced(cluster: Cluster, arguments: Sequence[str], *options: str) -> Answer:
    """Run one call of etcsync, strace attached to it before it begins."""
    ready, go = os.pipe()
    tracer: list[subprocess.Popen[bytes]] = []

    def await_tracer() -> None:
        os.close(go)
        with suppress(OSError):  # this call is counted, too, and may be made to fail
            os.read(ready, 1)

    def prepare() -> None:
        cluster.enter()
        await_tracer()

    def attach(child: int) -> None:
        os.close(ready)
        started = subprocess.Popen(
            ["strace", "-p", str(child), *options], stderr=subprocess.PIPE, start_new_session=True
        )
        tracer.append(started)
        assert started.stderr is not None
        assert b"attached" in started.stderr.readline()
        os.close(go)

    code, out, err = run_forked(
        ["--config", str(cluster.settings), *arguments],
        CLEAN_ENVIRONMENT, 300, prepare, attach,
    )  # fmt: skip
    for each in tracer:
        each.communicate()
    answer = Answer(code, out.decode("utf-8", "surrogateescape"), err.decode(errors="replace"))
    assert "Traceback" not in answer.err, answer.err
    assert code in {-signal.SIGKILL, 0, 1, 2, 3}, answer
    return answer


def points(log: Path, calls: Sequence[str], number: int = 0) -> list[Point]:
    """Return what the first process called, in order.

    An open is one of `CHANGING` if it is for writing, and else of `READING`.

    Args:
        log: What ``strace -f`` wrote of the run.
        calls: The names to be heeded, one of those two.
        number: Another one gives each step another error.
    """
    found = [
        m.groups() for m in map(_LINE.match, log.read_text(errors="replace").splitlines()) if m
    ]
    turns: dict[str, Counter[str]] = {process: Counter() for process, _, _ in found}
    first, *others = turns
    own: list[tuple[str, int, str]] = []
    for process, call, about in found:
        turns[process][call] += 1
        wanted = call in calls and (
            call not in OPENS or bool(_WRITING.search(about)) == (calls is CHANGING)
        )
        if wanted and process == first:
            own.append((call, turns[process][call], about[:90]))
    most = {call: max((turns[each][call] for each in others), default=0) for call in calls}
    return [
        Point(call, turn, about, ERRORS[each % len(ERRORS)], turn <= most[call])
        for each, (call, turn, about) in enumerate(own, number)
    ]
