"""Adopting the clones that an administrator made with ``git clone``.

The clone's history becomes the client's branch. Its base is the upstream commit that it last
merged, with the metadata that a checkout makes: so the modes and owners that the clone lost arrive
with the first reconciliation, as upstream's change and not as the client's.
"""

import os

from etcsync.config import Client
from etcsync.entries import ROOT, Entry, FileRecord, Kind, symlink_entry
from etcsync.hub.adopt import adopt_clone, inspect_clone
from etcsync.hub.checkout import Metadata, checkout_modes
from etcsync.hub.hub import GitEntry, RefUpdate, base_ref, branch_ref
from etcsync.hub.index_file import UNKNOWN_STAT, write_index
from etcsync.hub.objects import DIRECTORY_MODE, SYMLINK_MODE
from etcsync.hub.worktree import ensure_worktree, index_path
from etcsync.logs import get_logger
from etcsync.policy.policy import Policy
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.gitfile import replace_gitfile
from etcsync.reconcile.looking import look_anew
from etcsync.reconcile.messages import BaseRecord
from etcsync.reconcile.record import Recorder
from etcsync.reconcile.texts import metadata_text
from etcsync.tree.beneath import change_mode, open_tree
from etcsync.tree.scanned import Scan

log = get_logger()


def adopt(cluster: Cluster, client: Client) -> bool:
    """Take over the clone at a client's tree; return False where there is no clone.

    Killed at any moment, the next call completes it. Nothing in the tree changes but ``.git``,
    which becomes the one-line file that leads to the hub; the clone's own is kept in the state
    directory.

    Raises:
        TreeError: The clone is damaged, hostile, or in the middle of a merge.
    """
    tree_path = cluster.settings.tree_path(client.name)
    with open_tree(tree_path):
        pass
    if not os.path.isdir(os.path.join(tree_path, ".git")) or inspect_clone(tree_path) is None:
        return False
    adopted = adopt_clone(
        cluster.settings.hub_path, client.name, tree_path, cluster.settings.upstream.etc
    )
    found = look_anew(cluster, client)
    _close_files_left_alone(cluster, cluster.policy(client), tree_path, found)
    entries = _checked_out(cluster, found, adopted.merge_base)
    record = BaseRecord(adopted.merge_base or "")
    with cluster.hub.importer() as importer:
        mark = Recorder(cluster, importer).write_base(entries, record, metadata_text(entries))
        base = importer.finish()[mark]
    cluster.hub.update_refs([RefUpdate(base_ref(client.name), base, None)])
    _write_worktree(cluster, client, tree_path)
    replace_gitfile(cluster, client.name)
    return True


def _write_worktree(cluster: Cluster, client: Client, tree_path: str) -> None:
    """Let git on the server find the clone's history in the hub, before the first sync too."""
    hub = cluster.hub
    ensure_worktree(hub, client.name, tree_path)
    head = hub.refs().get(branch_ref(client.name))
    if head is not None:
        tree = hub.commit(head).tree
        entries = {
            path: FileRecord(entry.mode, entry.oid, UNKNOWN_STAT)
            for path, entry in hub.tree(tree).items()
            if entry.mode != DIRECTORY_MODE
        }
        write_index(index_path(hub.path, client.name), entries, tree)


def _close_files_left_alone(cluster: Cluster, policy: Policy, tree_path: str, found: Scan) -> None:
    """Take the permissions that the clone wrongly gave from files that no run will ever write.

    Policy ignores them or gives them to the client; yet among them are the backups of shadow and
    the keys of services, which a clone makes readable to everybody.
    """
    owned = {
        path: entry
        for path, entry in found.entries.items()
        if policy.treatment(path).strategy is Strategy.CLIENT
    }
    with open_tree(tree_path, writable=True) as tree:
        for path, entry in {**found.unmanaged, **owned}.items():
            theirs = cluster.theirs.entries.get(path)
            if theirs is None or entry.kind is not Kind.FILE or not entry.mode & ~theirs.mode:
                continue
            with tree.pinned(path) as descriptor:
                change_mode(descriptor, entry.mode & theirs.mode)
            log.info("closed", path=path, tree=tree_path, mode=f"{entry.mode & theirs.mode:04o}")


def _checked_out(cluster: Cluster, found: Scan, commit: str | None) -> dict[str, Entry]:
    """Return upstream's version at ``commit`` as a checkout of it leaves it."""
    if commit is None:
        return {}
    git = cluster.hub.tree(cluster.hub.commit(commit).tree)
    modes = checkout_modes(found.entries, {path: entry.mode for path, entry in git.items()})
    entries = {path: _entry(entry, modes[path]) for path, entry in git.items() if path in modes}
    return entries | {ROOT: found.entries[ROOT]}


def _entry(entry: GitEntry, metadata: Metadata) -> Entry:
    if entry.mode == SYMLINK_MODE:
        return symlink_entry(entry.oid)
    if entry.mode == DIRECTORY_MODE:
        return Entry(Kind.DIRECTORY, "", *metadata)
    return Entry(Kind.FILE, entry.oid, *metadata)
