"""Committing in upstream: through the root's own etckeeper where it is in use, else through git.

A ``git commit`` from the server would run etckeeper's hook, which carries the path ``/etc`` and so
works on the server's own /etc. Hence etckeeper runs in the root, and plain git without hooks.
"""

import fcntl
import os
import re
import shlex
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from etcsync.entries import GIT_PATH, METADATA_PATH
from etcsync.errors import HubError, UpstreamError
from etcsync.host.rootfs import Outcome, path_in_root, read_in_root, run_in_root
from etcsync.hub.git import git_command, run_git
from etcsync.hub.upstream import head_commit, uncommitted, upstream_git
from etcsync.hub.upstream_head import Head, damaged, read_head

IDENTITY = {
    "GIT_AUTHOR_NAME": "etcsync",
    "GIT_AUTHOR_EMAIL": "etcsync@localhost",
    "GIT_COMMITTER_NAME": "etcsync",
    "GIT_COMMITTER_EMAIL": "etcsync@localhost",
}
"""Who commits. Without it git fails in a root whose passwd gives root no full name."""

FIRST_MESSAGE = "Initial commit"
ETCKEEPER = "usr/bin/etckeeper"
GIT = "usr/bin/git"
ETCKEEPER_SETTINGS = "etc/etckeeper/etckeeper.conf"
VCS_SETTING = re.compile(rb"""^\s*VCS=["']?(\w+)""", re.MULTILINE)
"""Which version control etckeeper uses for a new repository; etckeeper.conf, a shell script that
is read here and not run."""

MARKER = "etcsync-init"
"""In ``.git`` until the first commit of `init_repository` is made: all in there is its own."""

TIME_LIMIT = 600.0
LOCK_WAIT = 60.0
SAID_LINES = 5
"""How much of a failed program's output goes into the error message."""


def uses_etckeeper(root: str, etc_path: str) -> bool:
    """Whether etckeeper is installed in the root and keeps ``etc_path`` with git, or would."""
    if not has_etckeeper(root, etc_path):
        return False
    if os.path.lexists(git_directory := os.path.join(etc_path, GIT_PATH)):
        return os.path.isdir(git_directory)
    return etckeeper_vcs(root) == "git"


def has_etckeeper(root: str, etc_path: str) -> bool:
    """Whether etckeeper is installed in the root and ``etc_path`` lies there."""
    inside = os.path.commonpath([os.path.realpath(root), os.path.realpath(etc_path)])
    program = path_in_root(root, ETCKEEPER)
    return inside == os.path.realpath(root) and os.path.isfile(program)


def etckeeper_vcs(root: str) -> str:
    """Return the version control that the root's etckeeper is set up for; ``""`` when none."""
    found = VCS_SETTING.findall(read_in_root(root, ETCKEEPER_SETTINGS))
    return found[-1].decode() if found else ""


def init_repository(root: str, etc_path: str) -> str | None:
    """Put the root's /etc under version control with a first commit, or complete that.

    With etckeeper installed in the root, and run as root, ``etckeeper init`` and ``etckeeper
    commit`` do it inside the root; else plain git without hooks. ``.git`` is mode 0700. A
    repository that has a commit is left as it is. Killed at any moment, the next call completes.

    Returns:
        A sentence that tells what was done; None when nothing was.

    Raises:
        UpstreamError: There is no such directory, its repository is damaged, etckeeper is set up
            for another version control, or a program failed.
    """
    refuse_own_etc(etc_path)
    with exclusive(etc_path) as lock:
        head = existing_head(etc_path)
        if head is not None and head.commit is not None:
            return None
        through_etckeeper = os.geteuid() == 0 and has_etckeeper(root, etc_path)
        if through_etckeeper and not uses_etckeeper(root, etc_path):
            raise UpstreamError(
                f"etckeeper in {root} is set up for {etckeeper_vcs(root) or 'no version control'}",
                hint=f'Write VCS="git" into {path_in_root(root, ETCKEEPER_SETTINGS)}.',
            )
        if head is None:
            create_repository(etc_path, lock)
        if through_etckeeper:
            # `etckeeper init` runs this file; left by a repository that is gone, it would give
            # /etc the modes of that time. The commit writes it anew.
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(etc_path, METADATA_PATH))
            etckeeper(root, etc_path, "init", keep_open=(lock,))
            etckeeper(root, etc_path, "commit", message=FIRST_MESSAGE, keep_open=(lock,))
        else:
            commit_with_git(etc_path, FIRST_MESSAGE, "--allow-empty", keep_open=(lock,))
        head_commit(etc_path)
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(etc_path, GIT_PATH, MARKER))
    name = "etckeeper" if through_etckeeper else "git"
    return f"put {etc_path} under {name}" + (", completing what was begun" if head else "")


def commit_all(root: str, etc_path: str, message: str) -> str | None:
    """Commit all that differs from upstream's head, and return the new commit's id.

    Returns:
        None when there was nothing to commit.

    Raises:
        UpstreamError: The repository cannot be read, a program failed, or etckeeper is in use and
            this process is not root: plain git would leave the recorded metadata behind.
    """
    refuse_own_etc(etc_path)
    if not uncommitted(etc_path):
        return None
    if uses_etckeeper(root, etc_path):
        etckeeper(root, etc_path, "commit", message=message)
    else:
        commit_with_git(etc_path, message)
    return head_commit(etc_path)


def commit_command(root: str, etc_path: str, message: str) -> str:
    """Return the shell command with which an administrator commits upstream."""
    place, quoted = shlex.quote(etc_path), shlex.quote(message)
    if uses_etckeeper(root, etc_path):
        return f"chroot {shlex.quote(root)} etckeeper commit -m {quoted}"
    return f"git -C {place} add -A && git -C {place} commit -m {quoted}"


def refuse_own_etc(etc_path: str) -> None:
    """Refuse to work on the /etc that this server runs with."""
    if os.path.isdir(etc_path) and os.path.samefile(etc_path, "/etc"):
        raise UpstreamError(
            f"{etc_path} is this server's own /etc, not that of a shared root",
            hint="Name the clients' root directory in `upstream.root`.",
        )


@contextmanager
def exclusive(etc_path: str) -> Iterator[int]:
    """Hold the lock on the directory ``etc_path`` itself, and yield the descriptor that holds it.

    Programs that inherit the descriptor keep the lock when this process is killed, so that nobody
    clears away what they still work on.
    """
    try:
        descriptor = os.open(etc_path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UpstreamError(
            f"{etc_path} cannot be opened: {error.strerror}",
            hint="Check `upstream.root` and `upstream.etc` in the settings, and what is mounted.",
        ) from error
    try:
        deadline = time.monotonic() + LOCK_WAIT
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise UpstreamError(
                        f"another process is still working on the repository of {etc_path}",
                        hint="Wait for it to end, then try again.",
                    ) from error
                time.sleep(0.1)
        yield descriptor
    finally:
        os.close(descriptor)


def existing_head(etc_path: str) -> Head | None:
    """Return where the repository stands; None when there is none.

    What an interrupted `init_repository` left is cleared away and counts as none.
    """
    git_directory = os.path.join(etc_path, GIT_PATH)
    if not os.path.lexists(git_directory):
        return None
    if not os.path.isdir(git_directory):
        return read_head(etc_path)
    names = set(os.listdir(git_directory))
    if MARKER not in names:
        return read_head(etc_path) if names else None
    with suppress(UpstreamError):
        head = read_head(etc_path)
        if head.commit is not None:
            os.unlink(os.path.join(git_directory, MARKER))
            return head
    for name in names - {MARKER}:
        path = os.path.join(git_directory, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    return None


def create_repository(etc_path: str, lock: int) -> None:
    """Create an empty repository whose ``.git`` nobody else can enter, under a held lock."""
    git_directory = os.path.join(etc_path, GIT_PATH)
    os.makedirs(git_directory, exist_ok=True)
    os.chmod(git_directory, 0o700)
    with open(os.path.join(git_directory, MARKER), "wb"):
        pass
    formats = {"GIT_DEFAULT_HASH": "sha1", "GIT_DEFAULT_REF_FORMAT": "files"}
    try:
        with git_command(git_directory, GIT_WORK_TREE=etc_path, **formats) as git:
            run_git(
                git, "init", "--quiet", "--template=", "--initial-branch=master", keep_open=(lock,)
            )
    except HubError as error:
        raise damaged(etc_path, error.message) from error
    # Without a template git makes no such directory, and `etckeeper init` writes its hook there.
    os.makedirs(os.path.join(git_directory, "hooks"), exist_ok=True)


def commit_with_git(
    etc_path: str, message: str, *options: str, keep_open: Sequence[int] = ()
) -> None:
    """Commit all of ``etc_path`` without running a hook."""
    with upstream_git(etc_path, **IDENTITY) as git:
        run_git(git, "add", "--all", keep_open=keep_open)
        run_git(
            git, "commit", "--quiet", "--no-verify", "--no-gpg-sign", "--cleanup=verbatim",
            "--file=-", *options, stdin=message.encode(), keep_open=keep_open,
        )  # fmt: skip


def etckeeper(
    root: str, etc_path: str, action: str, message: str = "", keep_open: Sequence[int] = ()
) -> None:
    """Run one action of the root's etckeeper inside the root.

    Raises:
        UpstreamError: It failed, could not be run, or took longer than `TIME_LIMIT` seconds.
    """
    if not os.path.isfile(path_in_root(root, GIT)):
        raise UpstreamError(
            f"etckeeper in {root} needs git, which is not installed there",
            hint=f"Install it with the root's package manager: chroot {root} …",
        )
    place = "/" + os.path.relpath(os.path.realpath(etc_path), os.path.realpath(root))
    command = ["etckeeper", action, "-d", place]
    if action == "commit":
        command.append("--stdin")
    outcome = run_in_root(
        root,
        command,
        stdin=message.encode(),
        environment=IDENTITY,
        limit=TIME_LIMIT,
        keep_open=keep_open,
    )
    if outcome.status != 0:
        raise failed(root, f"etckeeper {action}", outcome)


def failed(root: str, command: str, outcome: Outcome) -> UpstreamError:
    """Return the error for a program of the root that did not succeed."""
    said = "\n".join(outcome.output.decode("utf-8", "replace").splitlines()[-SAID_LINES:])
    hint = f"Run `chroot {root} {command}` to see more."
    if outcome.status is None:
        return UpstreamError(f"`{command}` in {root} did not end in time: {said}", hint=hint)
    if outcome.status in {125, 126, 127}:
        hint = (
            "If the root is made for another kind of processor, run the command there on such a"
            " machine, or install qemu-user-static on this one."
        )
    return UpstreamError(f"`{command}` failed in {root}: {said}", hint=hint)
