"""`etcsync git CLIENT -- ARGUMENTS`: git's reading commands on a client's recorded history."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from etcsync.errors import HubError, UsageError
from etcsync.hub.git import ENVIRONMENT, OPTIONS
from etcsync.hub.hub import Hub
from etcsync.hub.worktree import worktree_directory

ALLOWED = (
    "annotate", "blame", "cat-file", "cherry", "describe", "diff", "diff-tree", "for-each-ref",
    "grep", "log", "ls-tree", "merge-base", "name-rev", "range-diff", "rev-list", "rev-parse",
    "shortlog", "show", "show-ref",
)  # fmt: skip
"""Subcommands that only read, as long as no option in `REFUSED` is given."""

REFUSED = (
    "--contents", "--exec", "--ext-diff", "--filters", "--no-index", "--open-files-in-pager",
    "--output", "--show-signature", "--textconv",
)  # fmt: skip
"""Options that write files, run programs, or read files outside of the history."""

_RUN_NOTHING = (
    "-c", "gpg.program=false",
    "-c", "gpg.ssh.program=false",
    "-c", "gpg.x509.program=false",
)  # fmt: skip
"""What is behind the format ``%G?``; the hub's settings name no other programs."""

_QUIET_PAGER = "less" if shutil.which("less") else "cat -v"
"""Shows control characters instead of sending them to the terminal; git's own choice of options
for less lets some pass, hence `_PAGER_ENVIRONMENT`."""

_PAGER_ENVIRONMENT = {
    "GIT_PAGER": _QUIET_PAGER,
    "LESS": "-FX",
    "LESSSECURE": "1",
    "LESSCHARSET": "utf-8",
    "LESSHISTFILE": "-",
}


def client_git(hub: Hub, client: str, arguments: Sequence[str]) -> int:
    """Run a reading git command on the client's history and return git's exit status.

    ``HEAD`` is the client's branch. Git works on the hub alone, in an empty directory, without a
    work tree; standard input, output and error are inherited. On a terminal everything goes
    through a pager that shows control characters instead of obeying them: names, contents and
    messages are the client's.

    Raises:
        UsageError: The subcommand is none of `ALLOWED`, or an option is not safe.
        HubError: The client has no worktree in the hub, or git is not installed.
    """
    _check_arguments(arguments)
    directory = worktree_directory(hub.path, client)
    if not os.path.isdir(directory):
        raise HubError(
            f"the hub has no history of {client}", hint="`etcsync client list` shows the clients."
        )
    pager = ["--paginate"] if sys.stdout.isatty() else ["--no-pager"]
    command = ["git", "--bare", *OPTIONS, *_RUN_NOTHING, "-c", "color.ui=false", *pager]
    environment = os.environ | ENVIRONMENT | _PAGER_ENVIRONMENT | {"GIT_DIR": directory}
    with tempfile.TemporaryDirectory(prefix="etcsync-git-") as empty, _leave_interrupts_to_git():
        try:
            ended = subprocess.run([*command, *arguments], cwd=empty, env=environment, check=False)
        except FileNotFoundError as error:
            raise HubError("git is not installed", hint="Install the package git.") from error
    return ended.returncode if ended.returncode >= 0 else 128 - ended.returncode


@contextmanager
def _leave_interrupts_to_git() -> Iterator[None]:
    """Ctrl-C in a pager is the pager's; git and it get the signal as well."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _check_arguments(arguments: Sequence[str]) -> None:
    subcommand, *rest = arguments or [""]
    if subcommand not in ALLOWED:
        raise UsageError(
            f"`git {subcommand}` is not available here" if subcommand else "no git command given",
            hint=f"These read a client's history: {', '.join(ALLOWED)}.",
        )
    # Those behind a "--" as well: it may be the value of the option before it.
    for argument in rest:
        if _is_refused(subcommand, argument):
            raise UsageError(
                f"`git {subcommand}` with the option {argument} is not available here",
                hint=f"Options that write files or run programs are not: {', '.join(REFUSED)}"
                " and, for grep, -O.",
            )


def _is_refused(subcommand: str, argument: str) -> bool:
    """Whether git could understand ``argument`` as an option of `REFUSED`, abbreviated perhaps."""
    if argument == "--":
        return False
    if argument.startswith("--"):
        name = argument.partition("=")[0]
        return any(refused.startswith(name) for refused in REFUSED)
    # Short options can be strung together: -nO opens the pager as well.
    return subcommand == "grep" and argument.startswith("-") and "O" in argument
