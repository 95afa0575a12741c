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
    "ftruncate", "fsync", "fdatasync", "syncfs", "sendfile", "copy_file_range", "write", "pwrite64",
    "vfork", "openat",
)  # fmt: skip
"""What changes names, contents or metadata, brings them to disk, or starts git."""

READING = ("openat", "openat2", "getdents64", "read", "pread64", "readlinkat", "fcntl")
"""What can fail besides."""

PRESENT = shutil.which("strace") is not None

_LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)")
_WRITING = re.compile(r"O_(WRONLY|RDWR|CREAT)")


class Point(NamedTuple):
    """A system call's name, how many of that name were made then, and what it was about."""

    call: str
    turn: int
    about: str


def run_traced(cluster: Cluster, arguments: Sequence[str], *options: str) -> Answer:
    """Run one call of etcsync, strace attached to it before it begins."""
    ready, go = os.pipe()
    tracer: list[subprocess.Popen[bytes]] = []

    def await_tracer() -> None:
        os.close(go)
        with suppress(OSError):  # this call is counted, too, and may be made to fail
            os.read(ready, 1)

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
        CLEAN_ENVIRONMENT, 300, await_tracer, attach,
    )  # fmt: skip
    for each in tracer:
        each.communicate()
    answer = Answer(code, out.decode("utf-8", "surrogateescape"), err.decode(errors="replace"))
    assert "Traceback" not in answer.err, answer.err
    assert code in {-signal.SIGKILL, 0, 1, 2, 3}, answer
    return answer


def points(log: Path, calls: Sequence[str], *, reads: bool = False) -> list[Point]:
    """Return what was called, in order; of opens only those for writing, unless ``reads``."""
    found = []
    turns: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        if match := _LINE.match(line):
            call, about = match.groups()
            turns[call] += 1
            if call in calls and (reads or call != "openat" or _WRITING.search(about)):
                found.append(Point(call, turns[call], about[:90]))
    return found
