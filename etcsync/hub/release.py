"""Giving a client's tree back as a stand-alone git clone."""

import os
import secrets
import shutil
import stat
from typing import NamedTuple

from etcsync.entries import GIT_PATH
from etcsync.errors import HubError, TreeError
from etcsync.hub.adopt import inspect_clone
from etcsync.hub.clone_directory import directory, exists, read_file, readable
from etcsync.hub.fetch import fetch
from etcsync.hub.file_system import (
    RENAME_EXCHANGE,
    RENAME_NOREPLACE,
    is_unsupported,
    rename,
    sync_file_system,
)
from etcsync.hub.git import git_command, run_git
from etcsync.hub.new_repository import write_repository, write_text
from etcsync.hub.refs import UPSTREAM_REF, read_ref
from etcsync.hub.set_aside import free_name
from etcsync.hub.upstream_head import read_head
from etcsync.privileges import WRITING, limited_to

BRANCH_PREFIX = "refs/heads/"
DEFAULT_BRANCH = "refs/heads/master"
GITFILE_LIMIT = 65_536


class Released(NamedTuple):
    """What a release did."""

    git_directory: str
    """The tree's own ``.git`` directory."""
    commit: str
    """Its head: the last that was recorded of the tree."""
    kept_aside: str | None
    """Where that is now which stood in the tree in place of the hub's gitfile."""


def release(
    hub_path: str, client: str, tree_path: str, upstream_etc: str, work_directory: str
) -> Released:
    """Give the tree a ``.git`` directory of its own, as ``git clone`` of upstream makes one.

    Its branch has upstream's name and the client's recorded history; ``origin`` is upstream. It
    shares nothing with the hub, which is left as it is, as are the tree's other files. Killed at
    any moment, the next call completes; a tree that was released already is left as it is.

    Args:
        hub_path: The hub's git directory.
        client: The client's name.
        tree_path: Its tree.
        upstream_etc: The root's /etc.
        work_directory: A directory on the tree's file system that no client can reach.

    Raises:
        HubError: The hub has no history of the client, or git failed.
        TreeError: What stands in the tree as ``.git`` cannot be replaced.
    """
    place = os.path.join(tree_path, GIT_PATH)
    commit = read_ref(hub_path, f"{BRANCH_PREFIX}{client}")
    if commit is None:
        raise HubError(
            f"the hub has no history of {client}", hint="`etcsync client list` shows all clients."
        )
    os.makedirs(work_directory, mode=0o700, exist_ok=True)
    exchanged = os.path.join(work_directory, f"release-{client}")
    kept = keep(exchanged, hub_path)
    if not is_released(tree_path, commit):
        building = building_directory(work_directory, os.path.basename(exchanged))
        build(hub_path, client, upstream_etc, building)
        os.rename(building, exchanged)
        with (
            limited_to(WRITING),
            readable(place),
            directory(tree_path) as tree,
            directory(work_directory) as work,
        ):
            swap_in(tree, work, os.path.basename(exchanged))
            os.fsync(tree)
        kept = keep(exchanged, hub_path) or kept
    return Released(place, commit, kept)


def building_directory(work_directory: str, name: str) -> str:
    """Return a free name to build at, after removing what killed runs left half built.

    It is a new name each time: the git of a killed run may still write to its own.
    """
    prefix = f"{name}.building-"
    for left in os.listdir(work_directory):
        if left.startswith(prefix):
            shutil.rmtree(os.path.join(work_directory, left), ignore_errors=True)
    return os.path.join(work_directory, prefix + secrets.token_hex(8))


def is_released(tree_path: str, commit: str) -> bool:
    """Whether the tree has a ``.git`` directory that stands at ``commit``."""
    try:
        state = inspect_clone(tree_path)
    except TreeError:
        return False
    return state is not None and state.commit == commit


def build(hub_path: str, client: str, upstream_etc: str, path: str) -> None:
    """Create the git directory of a stand-alone clone, complete and on disk."""
    upstream = read_head(upstream_etc)
    branch = upstream.branch or DEFAULT_BRANCH
    name = branch.removeprefix(BRANCH_PREFIX)
    origin = f"refs/remotes/origin/{name}"
    write_repository(path, branch, {
        ("core",): {"repositoryformatversion": "0", "filemode": "true", "bare": "false",
                    "logallrefupdates": "true"},
        ("remote", "origin"): {"url": upstream.git_directory,
                               "fetch": "+refs/heads/*:refs/remotes/origin/*"},
        ("branch", name): {"remote": "origin", "merge": branch},
    })  # fmt: skip
    history = f"+{BRANCH_PREFIX}{client}:{branch}"
    fetch(path, hub_path, history, f"+{UPSTREAM_REF}:{origin}", checked=False)
    write_text(os.path.join(path, "refs", "remotes", "origin", "HEAD"), f"ref: {origin}\n")
    with git_command(path) as git:
        run_git(git, "read-tree", branch)
    sync_file_system(path)


def swap_in(tree: int, work: int, name: str) -> None:
    """Exchange the new git directory with what stands in the tree, if anything does."""
    occupied = exists(GIT_PATH, tree)
    try:
        rename(work, name, tree, GIT_PATH, RENAME_EXCHANGE if occupied else RENAME_NOREPLACE)
    except OSError as error:
        if not is_unsupported(error):
            raise
        # Without the flag the tree has no .git for a moment, which harms nothing else in it.
        if occupied:
            os.rename(GIT_PATH, f"{name}.out", src_dir_fd=tree, dst_dir_fd=work)
        os.rename(name, GIT_PATH, src_dir_fd=work, dst_dir_fd=tree)
        if occupied:
            os.rename(f"{name}.out", name, src_dir_fd=work, dst_dir_fd=work)


def keep(place: str, hub_path: str) -> str | None:
    """Remove what came out of the tree if it is the hub's gitfile; else keep it under a free name.

    Returns:
        That name; None when nothing had to be kept.
    """
    parent, name = os.path.split(place)
    with readable(place), directory(parent) as work:
        if not exists(name, work):
            return None
        if is_gitfile(name, work, hub_path):
            os.unlink(name, dir_fd=work)
            return None
        kept = free_name(f"{place}.kept")
        os.rename(place, kept)
    return kept


def is_gitfile(name: str, parent: int, hub_path: str) -> bool:
    """Whether a name of an open directory is a gitfile, gitrepository-layout(5), into the hub."""
    if not stat.S_ISREG(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        return False
    content = read_file(name, parent, GITFILE_LIMIT) or b""
    target = os.path.normpath(os.fsdecode(content.removeprefix(b"gitdir:").strip()))
    return target.startswith((f"{os.path.normpath(hub_path)}/", f"{os.path.realpath(hub_path)}/"))
