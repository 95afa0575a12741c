"""Letting a program of the root look at a content, with nothing within its reach to harm.

The program may be steered by the content, which a client wrote. So it runs as
`etcsync.host.cell` says: without a network, a terminal, or rights beyond an ordinary user's, with
the root read-only and nothing else of this machine in sight.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from etcsync.errors import UpstreamError
from etcsync.host import cell
from etcsync.host.rootfs import ENVIRONMENT, Outcome, collect

FILE = cell.FILE
"""Stands, in a command, for the path of the content as the program sees it."""

_ODD = re.compile(r"[^A-Za-z0-9._@+-]|^[.-]")
_NAME_LIMIT = 200


def run_confined(
    root: str, command: Sequence[str], *, name: str, content: bytes, limit: float
) -> Outcome:
    """Run a program of the root on a copy of ``content`` that it alone sees.

    Where the output names the copy's path, the file's bare name takes its place.

    Args:
        root: The directory that becomes ``/``.
        command: The program, looked up in the root, and its arguments; `FILE` in them stands for
            the copy.
        name: The copy's name, as far as it is harmless in a shell; some programs look at endings.
        content: What the copy holds.
        limit: Seconds after which everything in there is killed.

    Returns:
        How it ended; a negative status means that it could not be run so at all, and why is in
        the output.

    Raises:
        UpstreamError: This process is not root.
    """
    if os.geteuid() != 0:
        raise UpstreamError(
            f"only root can run {command[0]} inside {root}", hint="Run etcsync as root."
        )
    deadline = time.monotonic() + limit
    harmless = _ODD.sub("_", name)[-_NAME_LIMIT:]
    arguments = [root, harmless, str(int(limit) + 2), *command]
    with open(os.memfd_create("content"), "r+b") as copy:
        copy.write(content)
        copy.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", cell.__file__, *arguments],
            stdin=copy,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd="/",
            umask=0o022,
            start_new_session=True,
        )
    with process:
        try:
            status, output = collect(process, deadline)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    places = "|".join(map(re.escape, cell.SCRATCH))
    path = f"(?:{places})/{cell.FOLDER}/{re.escape(harmless)}"
    return Outcome(status, re.sub(path.encode(), harmless.encode(), output))
