"""Upstream: the git repository of the root's /etc, read and fetched from.

It is the server's own and trusted; still no hook of it runs and nothing in it is written.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from etcsync.entries import decode_path
from etcsync.errors import HubError, UpstreamError
from etcsync.host.transactions import transaction_in_progress
from etcsync.hub.fetch import DURABLE, fetch
from etcsync.hub.git import GitCommand, configuration, git_command, read_git, run_git
from etcsync.hub.refs import UPSTREAM_REF, await_locks, read_ref
from etcsync.hub.rewrite import refuse_rewrite
from etcsync.hub.upstream_head import damaged, read_head, require_commit

NO_COMMIT = "0" * 40
"""The old value by which update-ref demands that a ref does not exist."""


class UpstreamState(NamedTuple):
    """Upstream as an administrator wants to see it."""

    path: str
    commit: str
    branch: str | None
    """The branch's short name; None when HEAD is detached."""
    uncommitted: tuple[str, ...]
    busy: str | None
    """A sentence naming the transaction in progress."""


class Fetched(NamedTuple):
    """What a fetch did to the hub's ref; both ids are the same when there was nothing to do."""

    old: str | None
    new: str


def read_upstream(etc_path: str, root: str | None = None) -> UpstreamState:
    """Return upstream's state; one git process.

    Args:
        etc_path: The root's /etc.
        root: The shared root; by default the directory above ``etc_path``.

    Raises:
        UpstreamError: As `head_commit`.
    """
    head = read_head(etc_path)
    return UpstreamState(
        path=etc_path,
        commit=require_commit(head, etc_path),
        branch=None if head.branch is None else head.branch.removeprefix("refs/heads/"),
        uncommitted=uncommitted(etc_path),
        busy=transaction_in_progress(root or os.path.dirname(etc_path), etc_path),
    )


def head_commit(etc_path: str) -> str:
    """Return the id of upstream's head commit; starts no process.

    Raises:
        UpstreamError: The directory is missing, not a repository, bare, damaged, kept in a format
            that etcsync cannot read, or has no commit yet.
    """
    return require_commit(read_head(etc_path), etc_path)


@contextmanager
def upstream_git(etc_path: str, **environment: str) -> Iterator[GitCommand]:
    """Yield a command object for upstream with its working files; failures are `UpstreamError`."""
    directory = read_head(etc_path).git_directory
    with git_command(directory, GIT_WORK_TREE=etc_path, **environment) as git:
        try:
            yield git
        except HubError as error:
            raise damaged(etc_path, error.message) from error


def uncommitted(etc_path: str) -> tuple[str, ...]:
    """Return the paths whose working files differ from upstream's head, sorted.

    Untracked paths that are not ignored are among them, and both names of a rename. A repository
    inside /etc counts as one path. Neither the index nor anything else is written.

    Raises:
        UpstreamError: The repository cannot be read.
    """
    with upstream_git(etc_path) as git:
        output = read_git(
            git, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames",
            "--ignore-submodules=dirty",
        )  # fmt: skip
    entries = output.split(b"\0")[:-1]
    return tuple(sorted({decode_path(entry[3:].rstrip(b"/")) for entry in entries}))


def fetch_upstream(
    hub_path: str, etc_path: str, commit: str, *, accept_rewrite: bool = False
) -> Fetched:
    """Bring ``commit`` with its history into the hub and move the hub's upstream branch to it.

    Exactly this commit is fetched, whatever is committed meanwhile. When the hub has it already as
    its upstream branch, no process is started.

    Args:
        hub_path: The hub's git directory.
        etc_path: The root's /etc.
        commit: A commit of upstream, as `head_commit` gave it.
        accept_rewrite: Move the branch even when its present commit is not in the new history.

    Raises:
        UpstreamError: The commit cannot be read, or upstream's history was rewritten or cut off.
        HubError: The hub cannot be written.
    """
    old = read_ref(hub_path, UPSTREAM_REF)
    if old == commit:
        return Fetched(old, commit)
    source = read_head(etc_path).common_directory
    refuse_shallow(etc_path, source)
    try:
        fetch(hub_path, source, commit, known=old)
    except HubError as error:
        raise damaged(etc_path, error.message) from error
    with git_command(hub_path, **configuration(DURABLE)) as git:
        if old is not None and not accept_rewrite:
            refuse_rewrite(partial(run_git, git), etc_path, old, commit)
        await_locks(hub_path)
        run_git(git, "update-ref", UPSTREAM_REF, commit, old or NO_COMMIT)
    return Fetched(old, commit)


def refuse_shallow(etc_path: str, source: str) -> None:
    """Refuse a repository whose commits the hub could not hold complete."""
    if os.path.exists(os.path.join(source, "shallow")):
        raise UpstreamError(
            f"the history of {etc_path} is cut off (a shallow clone)",
            hint=f"Complete it with `git -C {etc_path} fetch --unshallow`.",
        )


def objects_directory(etc_path: str) -> str:
    """Return where upstream's repository keeps its objects.

    Raises:
        UpstreamError: As `head_commit`.
    """
    return os.path.join(read_head(etc_path).common_directory, "objects")
