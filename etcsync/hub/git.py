"""Git, run in a way that nothing a client wrote can steer.

Every git process of etcsync starts here. It never has a client's tree as work tree or current
directory; configuration of the system and of users, hooks, replace refs, external diffs and
attribute files outside the hub are switched off.

GitPython runs what writes, or starts processes in its turn, and knows every kind of repository.
Loading it would take a fifth of the time of a short command, so that this is done when it is
needed; what only reads goes without it.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from subprocess import PIPE, Popen, TimeoutExpired, run
from threading import Thread
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from etcsync.errors import HubError
from etcsync.threads import starting_threads

if TYPE_CHECKING:
    from git import Git

ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C",
    "HOME": "/nonexistent",
}
"""Set for every git process, on top of the environment that `etcsync.environment` has cleansed."""

OPTIONS = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "protocol.ext.allow=never",
    "-c", "submodule.recurse=false",
    "-c", "gc.auto=0",
    "-c", "core.quotePath=false",
    "-c", "core.warnAmbiguousRefs=false",
)  # fmt: skip
"""Given to every git process, before the subcommand.

Commits are named by their ids: git need not look whether a ref bears such a name."""

TIME_LIMIT = 600.0
"""Seconds that one git process may take; it is ended then."""

PATIENCE = 10.0
"""Seconds after which a process that was asked to end is killed."""

MINIMUM_VERSION = (2, 31)
"""The oldest git that will do: earlier ones do not read the settings that `configuration` gives."""


class GitTimeoutError(HubError):
    """Git was ended at its time limit."""


class GitCommand:
    """Git as it is run on one repository; made by `git_command`.

    Attributes:
        directory: The git directory, and the current directory of what is run.
        environment: Variables that are set for what is run, on top of those of this process.
    """

    def __init__(self, directory: str, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.environment = {**ENVIRONMENT, "GIT_DIR": directory, **environment}

    @cached_property
    def python(self) -> "Git":
        """GitPython's command object."""
        from git import Git  # noqa: PLC0415 - see above

        git = Git(self.directory)
        git.update_environment(**self.environment)
        return git


@contextmanager
def git_command(directory: str, **environment: str) -> Iterator[GitCommand]:
    """Yield a hardened git that works on the repository ``directory``.

    Args:
        directory: The git directory; it is the current directory too, so that no relative path
            leads into a tree.
        environment: Further variables, such as ``GIT_INDEX_FILE``.
    """
    yield GitCommand(directory, environment)


def run_git(
    git: GitCommand,
    *arguments: str,
    stdin: bytes = b"",
    limit: float = TIME_LIMIT,
    keep_open: Sequence[int] = (),
    nothing: int = 0,
) -> bytes:
    """Run one git command to its end and return its standard output.

    Git and its children inherit the descriptors in ``keep_open``, such as a lock that they shall
    hold even when this process is killed. With an exit status of ``nothing`` git says that there is
    nothing to say: the output is empty then.

    Raises:
        HubError: Git failed or was not found; the message carries what git said.
        GitTimeoutError: It took longer than ``limit`` seconds.
    """
    from git.exc import GitCommandNotFound  # noqa: PLC0415 - see above

    with tempfile.TemporaryFile() as istream:
        istream.write(stdin)
        istream.seek(0)
        try:
            process = git.python.execute(
                ["git", *OPTIONS, *arguments], istream=istream, as_process=True, pass_fds=keep_open
            )
        except GitCommandNotFound as error:
            raise _not_installed() from error
        popen = cast("Popen[bytes]", process.proc)
        with _to_its_end(popen):
            try:
                output, said = popen.communicate(timeout=limit)
            except TimeoutExpired as error:
                raise GitTimeoutError(f"git {arguments[0]} failed: {error}") from error
    if popen.returncode == 0:
        return output
    if popen.returncode == nothing:
        return b""
    reason = said.decode("utf-8", "replace").strip() or popen.returncode
    raise HubError(f"git {arguments[0]} failed: {reason}")


@contextmanager
def _to_its_end(popen: Popen[bytes]) -> Iterator[None]:
    """Have a process ended when the block is left, and what it does to a repository be done.

    One that is still running then is asked to end, so that it takes its locks with it.
    """
    try:
        yield
    finally:
        if popen.poll() is None:
            popen.terminate()
            _await_end(popen, PATIENCE)


def _await_end(popen: Popen[bytes], patience: float) -> None:
    """Wait for a process, and kill it if it does not end within so many seconds."""
    try:
        popen.wait(patience)
    except TimeoutExpired:
        popen.kill()
        popen.wait()


def read_git(git: GitCommand, *arguments: str, stdin: bytes = b"") -> bytes:
    """Do what `run_git` does, faster, for a command that writes nothing and starts no process.

    Raises:
        HubError: Git failed or was not found; the message carries what git said.
        GitTimeoutError: It took longer than `TIME_LIMIT` seconds.
    """
    try:
        done = run(
            ["git", *OPTIONS, *arguments],
            input=stdin,
            capture_output=True,
            cwd=git.directory,
            env=os.environ | git.environment,
            timeout=TIME_LIMIT,
            check=False,
        )
    except FileNotFoundError as error:
        raise _not_started(git, error) from error
    except TimeoutExpired as error:
        raise GitTimeoutError(f"git {arguments[0]} failed: {error}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise HubError(f"git {arguments[0]} failed: {said or done.returncode}")
    return done.stdout


class GitProcess(NamedTuple):
    """A running git process that takes requests and gives answers until its input is closed."""

    popen: Popen[bytes]
    stdin: IO[bytes]
    stdout: IO[bytes]
    complaints: "_Complaints"

    def last_words(self) -> str:
        """Return what git said on its standard error; only for a process that is about to end."""
        return self.complaints.text()


class _Complaints:
    """Reads a process's standard error as it comes, so that git never waits for it to be read."""

    LIMIT = 65_536
    """Bytes that are kept, from the start; the rest is read and dropped."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept = b""
        self._reader = Thread(target=self._read, daemon=True)

    def listen(self) -> None:
        """Begin to read."""
        with starting_threads():
            self._reader.start()

    def _read(self) -> None:
        # What cannot be read is not told; git's end, and its answers, say enough.
        with suppress(OSError):
            while chunk := self._stream.read1(4096):  # type: ignore[attr-defined]  # a BufferedReader
                self._kept += chunk[: self.LIMIT - len(self._kept)]

    def text(self) -> str:
        """Return what was said; waits for the process to end."""
        self._reader.join(TIME_LIMIT)
        return self._kept.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Let go of the stream; the process has ended."""
        if self._reader.is_alive():
            self._reader.join(TIME_LIMIT)
        self._stream.close()


@contextmanager
def git_process(git: GitCommand, *arguments: str) -> Iterator[GitProcess]:
    """Yield a running git command; when the block is left it has ended.

    The process is the head of a process group of its own: Ctrl-C reaches etcsync alone, which ends
    it in good order.

    Raises:
        HubError: Git was not found.
    """
    try:
        popen = Popen(
            ["git", *OPTIONS, *arguments],
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=git.directory,
            env=os.environ | git.environment,
            process_group=0,
        )
    except FileNotFoundError as error:
        raise _not_started(git, error) from error
    if not (popen.stdin and popen.stdout and popen.stderr):
        raise HubError(f"git {arguments[0]} could not be started")
    complaints = _Complaints(popen.stderr)
    try:
        complaints.listen()
        yield GitProcess(popen, popen.stdin, popen.stdout, complaints)
    finally:
        for pipe in (popen.stdin, popen.stdout):
            with suppress(BrokenPipeError):
                pipe.close()
        _await_end(popen, TIME_LIMIT)
        complaints.close()


def git_version() -> tuple[int, ...]:
    """Return the version of the git that is installed, such as ``(2, 39, 5)``.

    Raises:
        HubError: None is installed, or it does not tell.
    """
    with git_command(os.sep) as git:
        said = run_git(git, "version").decode("utf-8", "replace")
    if not (found := re.match(r"git version (\d+(?:\.\d+)+)", said)):
        raise HubError(f"git does not tell its version: {said.strip()}")
    return tuple(map(int, found[1].split(".")))


def configuration(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that gives ``settings`` to git and to the git processes it starts.

    See ``GIT_CONFIG_COUNT`` in git(1); pass it on to `git_command`.
    """
    environment = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


def is_ancestor(git: GitCommand, old: str, new: str) -> bool:
    """Whether the history of ``new`` contains ``old``."""
    return read_git(git, "rev-list", "--max-count=1", old, f"^{new}") == b""


def _not_started(git: GitCommand, error: FileNotFoundError) -> HubError:
    if error.filename == git.directory:
        return HubError(f"there is no repository {git.directory}")
    return _not_installed()


def _not_installed() -> HubError:
    return HubError("git is not installed", hint="Install the package git.")
