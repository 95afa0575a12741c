"""The one-line ``.git`` file in each tree, by which git on the server finds its history.

etcsync never reads it to find anything; a client can write there what it likes.
"""

import os

from etcsync.hub.set_aside import set_aside
from etcsync.hub.worktree import ensure_worktree, gitfile_content
from etcsync.reconcile.cluster import Cluster
from etcsync.tree.beneath import open_tree
from etcsync.tree.gitfile import put_gitfile
from etcsync.tree.staging import Staging


def restore_gitfile(cluster: Cluster, client: str) -> None:
    """Make the tree's ``.git`` lead to the hub, whatever stands there.

    A repository of the client's own, or anything else that is not empty, is kept in the state
    directory.

    Raises:
        TreeError: It cannot be replaced.
    """
    settings = cluster.settings
    tree_path = settings.tree_path(client)
    ensure_worktree(cluster.hub, client, tree_path)
    set_aside(tree_path, os.path.join(settings.state_dir, "aside", f"{client}.git"))
    with open_tree(tree_path, writable=True) as tree:
        put_gitfile(
            tree,
            client,
            Staging(settings.trees.staging),
            gitfile_content(settings.hub_path, client),
        )
