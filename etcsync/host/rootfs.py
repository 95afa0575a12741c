"""The shared root: finding what lies in it, and running its programs inside it."""

import os
import select
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from etcsync.environment import SEARCH_PATH
from etcsync.errors import UpstreamError

ENVIRONMENT = {"PATH": SEARCH_PATH, "HOME": "/root", "LANG": "C.UTF-8"}
"""All that a program run in the root finds in its environment, besides what the caller adds."""

TIME_LIMIT = 60.0
OUTPUT_LIMIT = 65_536
FILE_LIMIT = 16 << 20
LINK_LIMIT = 40
"""As many symbolic links as Linux follows in one path; path_resolution(7)."""

BIND_DEVICES = 'mount --bind /dev "$0/dev" && exec chroot "$0" "$@"'
"""Shell text for a private mount namespace; the root and the command come as arguments."""


class Outcome(NamedTuple):
    """How a program run in the root ended."""

    status: int | None
    """Its exit status, negative for a signal, as `subprocess` has it; 125 to 127 when chroot(8)
    could not run it; None when it was killed at its time limit."""
    output: bytes
    """The beginning of its standard output and standard error together, as they came."""


def path_in_root(root: str, path: str) -> str:
    """Return where ``path``, as programs inside the root name it, lies on this machine.

    Symbolic links are resolved as they are after chroot(2): an absolute target starts at the root
    again, and ``..`` never leads above it. What does not exist is taken as it is named.

    Raises:
        UpstreamError: The links turn in a circle.
    """
    pending = path.split("/")[::-1]
    resolved: list[str] = []
    links = 0
    while pending:
        part = pending.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            del resolved[-1:]
            continue
        try:
            target = os.readlink(os.path.join(root, *resolved, part))
        except OSError:
            resolved.append(part)
            continue
        links += 1
        if links > LINK_LIMIT:
            raise UpstreamError(
                f"the symbolic links of /{path.lstrip('/')} in {root} turn in a circle",
                hint=f"Look at them with `namei -l {os.path.join(root, path.lstrip('/'))}`.",
            )
        if target.startswith("/"):
            resolved.clear()
        pending.extend(reversed(target.split("/")))
    return os.path.join(root, *resolved)


def run_in_root(
    root: str,
    command: Sequence[str],
    *,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    limit: float = TIME_LIMIT,
    keep_open: Sequence[int] = (),
) -> Outcome:
    """Run a program of the root inside the root and wait for its end.

    It gets `ENVIRONMENT`, its own session without a terminal, umask 022, ``/`` as current directory
    and no descriptor but its standard streams and ``keep_open``. Where the root has no
    ``/dev/null``, the server's ``/dev`` is bound there in a mount namespace that ends with the
    program, for shell scripts that redirect to it would leave a plain file of that name.

    Args:
        root: The directory that becomes ``/``.
        command: The program, looked up in the root's `SEARCH_PATH`, and its arguments.
        stdin: What it reads.
        environment: Further variables.
        limit: Seconds after which it and its process group are killed.
        keep_open: Descriptors that it and its children inherit, such as a held lock.

    Raises:
        UpstreamError: This process is not root, or chroot(8) is not installed.
    """
    if os.geteuid() != 0:
        raise UpstreamError(
            f"only root can run {command[0]} inside {root}", hint="Run etcsync as root."
        )
    arguments = ["chroot", root, *command]
    if not is_device(path_in_root(root, "dev/null")):
        arguments = ["unshare", "--mount", "--propagation", "private", "--",
                     "sh", "-c", BIND_DEVICES, root, *command]  # fmt: skip
    with tempfile.TemporaryFile() as istream:
        istream.write(stdin)
        istream.seek(0)
        try:
            process = subprocess.Popen(
                arguments,
                stdin=istream,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**ENVIRONMENT, **(environment or {})},
                cwd="/",
                umask=0o022,
                start_new_session=True,
                pass_fds=keep_open,
            )
        except FileNotFoundError as error:
            raise UpstreamError(
                f"{arguments[0]} is not installed",
                hint="Install the packages coreutils and util-linux.",
            ) from error
    with process:
        return collect(process, time.monotonic() + limit)


def collect(process: subprocess.Popen[bytes], deadline: float) -> Outcome:
    """Read what ``process`` writes until it ends or ``deadline`` (monotonic seconds) passes.

    A child that it left behind and that holds the pipe open is not waited for.
    """
    assert process.stdout is not None  # noqa: S101 - opened by the caller
    descriptor = process.stdout.fileno()
    readable = select.poll()
    readable.register(descriptor, select.POLLIN)
    output = b""
    while (left := deadline - time.monotonic()) > 0:
        if readable.poll(min(left, 0.1) * 1000):
            chunk = os.read(descriptor, OUTPUT_LIMIT)
            output += chunk[: OUTPUT_LIMIT - len(output)]
            if not chunk:
                break
        elif process.poll() is not None:
            break
    try:
        return Outcome(process.wait(max(0.0, deadline - time.monotonic())), output)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return Outcome(None, output)


def os_release(root: str) -> str:
    """Return the text of the root's os-release(5) file; ``""`` where it has none."""
    for path in ("etc/os-release", "usr/lib/os-release"):
        if content := read_in_root(root, path):
            return content.decode("utf-8", "replace")
    return ""


def account_files(root: str) -> tuple[bytes, bytes]:
    """Return the contents of the live root's ``/etc/passwd`` and ``/etc/group``.

    A file that is missing counts as empty.
    """
    return read_in_root(root, "etc/passwd"), read_in_root(root, "etc/group")


def read_in_root(root: str, path: str) -> bytes:
    """Return the content of a regular file of the root; ``b""`` when there is none.

    Raises:
        UpstreamError: The file cannot be read or is larger than `FILE_LIMIT`.
    """
    place = path_in_root(root, path)
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise UpstreamError(f"{place} cannot be read: {error.strerror}") from error
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        content = file.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise UpstreamError(f"{place} is larger than {FILE_LIMIT} bytes")
    return content


def is_device(path: str) -> bool:
    """Whether ``path`` is a character device."""
    try:
        return stat.S_ISCHR(os.lstat(path).st_mode)
    except OSError:
        return False
