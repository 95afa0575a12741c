"""The one-line ``.git`` file in each tree, by which git on the server finds its history.

etcsync never reads it to find anything; a client can write there what it likes.
"""

import os

from etcsync.entries import GIT_PATH
from etcsync.errors import TreeError
from etcsync.hub.clone_directory import Budget
from etcsync.hub.set_aside import set_aside, weigh
from etcsync.hub.worktree import ensure_worktree, gitfile_content
from etcsync.reconcile.allowances import MEBIBYTE
from etcsync.reconcile.cluster import Cluster
from etcsync.tree.beneath import open_tree
from etcsync.tree.gitfile import put_gitfile
from etcsync.tree.staging import Staging


def restore_gitfile(cluster: Cluster, client: str) -> None:
    """Make the tree's ``.git`` lead to the hub, whatever stands there.

    A directory is kept in the state directory, and counts as what the client's edits add to the
    hub: it might put a new one there every day.

    Raises:
        TreeError: It cannot be replaced, or is larger than what the client may still add.
        StateError: What was added could not be noted.
    """
    tree_path = cluster.settings.tree_path(client)
    size = weigh(tree_path)
    left = cluster.allowances.left(client)
    if size > left:
        raise TreeError(
            f"{tree_path}/{GIT_PATH} is a directory of {size / MEBIBYTE:.1f} MiB, and of"
            f" limits.max_daily_capture {left / MEBIBYTE:.1f} MiB are left; it stays there.",
            hint="Move it out of the tree, or raise the limit; else it is set aside, and the client"
            " synced, as soon as that may be.",
        )
    cluster.allowances.charge({client: size})
    replace_gitfile(cluster, client, Budget(size=left))


def replace_gitfile(cluster: Cluster, client: str, budget: Budget | None = None) -> None:
    """Do what `restore_gitfile` does, whatever the client may still add.

    Args:
        cluster: The open cluster.
        client: The client's name.
        budget: What is copied at most, where trees and state lie on different file systems.

    Raises:
        TreeError: It cannot be replaced.
    """
    settings = cluster.settings
    tree_path = settings.tree_path(client)
    ensure_worktree(cluster.hub, client, tree_path)
    set_aside(tree_path, os.path.join(settings.state_dir, "aside", f"{client}.git"), budget)
    with open_tree(tree_path, writable=True) as tree:
        put_gitfile(
            tree,
            client,
            Staging(settings.trees.staging),
            gitfile_content(settings.hub_path, client),
        )
