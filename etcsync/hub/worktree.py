"""The linked worktree by which git, run on the server, finds a tree's recorded history.

``worktrees/<client>`` in the hub and the one-line ``.git`` file in the tree are what
`git worktree add` would make (gitrepository-layout(5)); etcsync itself never follows the latter.
"""

import os
import shutil
from contextlib import suppress

from etcsync.entries import GIT_PATH, encode_path
from etcsync.hub.create import ensure_file
from etcsync.hub.failures import writing
from etcsync.hub.hub import Hub
from etcsync.hub.refs import branch_ref, checked_client

_LOCKED = b"etcsync keeps this worktree\n"
"""Keeps `git worktree prune` from removing it while the tree is not mounted."""


def worktree_directory(hub_path: str, client: str) -> str:
    """Return the client's worktree directory in the hub; raises as `branch_ref` does."""
    return os.path.join(hub_path, "worktrees", checked_client(client))


def index_path(hub_path: str, client: str) -> str:
    """Return the path of the client's index file; raises as `branch_ref` does."""
    return os.path.join(worktree_directory(hub_path, client), "index")


def gitfile_content(hub_path: str, client: str) -> bytes:
    """Return what the ``.git`` file of the client's tree contains."""
    directory = worktree_directory(os.path.abspath(hub_path), client)
    return b"gitdir: %s\n" % encode_path(directory)


def ensure_worktree(hub: Hub, client: str, tree_path: str) -> None:
    """Make the client's worktree directory lead to its branch and to the tree at ``tree_path``.

    Writes only what differs. The index is left alone, and so is the tree: the caller puts
    `gitfile_content` there.

    Raises:
        HubError: The name cannot be a client's, or the files cannot be written.
    """
    directory = worktree_directory(hub.path, client)
    gitfile = os.path.join(os.path.abspath(tree_path), GIT_PATH)
    with writing(hub.path, f"the worktree of {client}"):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        for name, content in (
            ("locked", _LOCKED),
            ("commondir", b"../..\n"),
            ("gitdir", encode_path(gitfile) + b"\n"),
            ("HEAD", b"ref: %s\n" % branch_ref(client).encode("ascii")),
        ):
            ensure_file(os.path.join(directory, name), content)


def remove_worktree(hub: Hub, client: str) -> None:
    """Remove the client's worktree directory and index, if they exist; the history stays."""
    with suppress(FileNotFoundError):
        shutil.rmtree(worktree_directory(hub.path, client))
