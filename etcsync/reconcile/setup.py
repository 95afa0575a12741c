"""Setting a cluster up, and clients coming and going."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from etcsync.config import Settings
from etcsync.host.inventory.gathering import Gathered
from etcsync.hub.create import create_hub
from etcsync.hub.hub import RefUpdate, base_ref, open_hub, pending_ref
from etcsync.hub.release import release
from etcsync.hub.upstream_commit import init_repository
from etcsync.hub.worktree import remove_worktree
from etcsync.privileges import WRITING, limited_to
from etcsync.reconcile.exporting import repair_exports
from etcsync.reconcile.first_settings import InitRequest, Step, first_settings, new_client
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.options import Advance, no_advance
from etcsync.reconcile.setting_up import ClientSetup, set_up_trees
from etcsync.reconcile.suspensions import forgetting
from etcsync.settings_file import add_clients
from etcsync.settings_file import remove_client as remove_from_settings
from etcsync.tree.staging import Staging


@dataclass(frozen=True, slots=True)
class InitResult:
    """What ``init`` did."""

    settings: str
    steps: Sequence[Step]
    clients: Sequence[ClientSetup]
    imported: Gathered | None
    """What files had that clients were to be taken from."""

    @property
    def exit_status(self) -> int:
        """Return 3 when a client could not be set up, 1 when an import left something out."""
        if any(client.error for client in self.clients):
            return 3
        return 1 if self.imported and self.imported.remarks else 0


def initialise(request: InitRequest, advance: Advance) -> InitResult:
    """Set up settings, upstream's repository, the hub and the trees; complete what is there.

    Args:
        request: What was asked for.
        advance: Told how far it is.

    Raises:
        UsageError: The request contradicts the settings, or says too little.
        UpstreamError: Upstream cannot be put under version control or read.
        HubError: The hub cannot be made, or is damaged.
        EtcsyncError: The exports that are managed were refused; all else is done.
    """
    first = first_settings(request)
    settings, steps = first.settings, [*first.steps]
    os.makedirs(settings.state_dir, mode=0o700, exist_ok=True)
    with writer_lock(settings.lock_path, wait=request.wait) as lock:
        done = init_repository(settings.upstream.root, settings.upstream.etc)
        if done:
            steps.append(Step("upstream", done))
        if not os.path.isdir(settings.hub_path):
            steps.append(Step("hub", settings.hub_path))
        create_hub(settings.hub_path)
        clients = set_up_trees(settings, settings.clients, lock, advance)
        repair_exports(settings)
    return InitResult(settings.source, steps, clients, first.imported)


def add_client(
    settings: Settings,
    name: str,
    *,
    address: str | None,
    mac: str | None,
    labels: Sequence[str],
    wait: float,
) -> str:
    """Add a client to the settings and set its tree up; return the outcome.

    Raises:
        UsageError: The name or a value cannot be, or contradicts what the settings say.
        TreeError: The tree cannot be set up.
        EtcsyncError: The exports that are managed were refused; all else is done.
    """
    client = new_client(name=name, address=address or "", mac=mac or "", labels=tuple(labels))
    settings = add_clients(settings.source, [client])
    (outcome,) = set_up_named(settings, [name], no_advance, wait=wait)
    if outcome.error:
        raise outcome.error
    return outcome.outcome


def set_up_named(
    settings: Settings, names: Sequence[str], advance: Advance, *, wait: float
) -> list[ClientSetup]:
    """Adopt or create the trees of clients of the settings; one client's failure is its own.

    Raises:
        UsageError: There is no such client.
        UpstreamError: Upstream cannot be read now.
        LockError: Another etcsync did not end in time.
        EtcsyncError: The exports that are managed were refused; all else is done.
    """
    clients = [settings.client(name) for name in names]
    with writer_lock(settings.lock_path, wait=wait) as lock:
        outcomes = set_up_trees(settings, clients, lock, advance)
        repair_exports(settings)
    return outcomes


def remove_client(settings: Settings, name: str, *, delete_tree: bool, wait: float) -> None:
    """Take a client out of the settings; its history stays in the hub.

    Raises:
        UsageError: The client is unknown.
        EtcsyncError: The exports that are managed were refused; all else is done.
    """
    settings.client(name)
    tree_path = settings.tree_path(name)
    with writer_lock(settings.lock_path, wait=wait), forgetting(settings, name):
        remaining = remove_from_settings(settings.source, name)
        if delete_tree and os.path.lexists(tree_path):
            with limited_to(WRITING):
                shutil.rmtree(tree_path)
        _forget(settings, name, tree_is_gone=not os.path.lexists(tree_path))
        repair_exports(remaining)


def release_client(settings: Settings, name: str, *, wait: float) -> str | None:
    """Give a client's tree back as a clone; return where what stood in the way is kept.

    Raises:
        UsageError: The client is unknown.
        TreeError: The tree cannot be given back.
        EtcsyncError: The exports that are managed were refused; all else is done.
    """
    settings.client(name)
    with writer_lock(settings.lock_path, wait=wait), forgetting(settings, name):
        released = release(
            settings.hub_path,
            name,
            settings.tree_path(name),
            settings.upstream.etc,
            settings.trees.staging,
        )
        remaining = remove_from_settings(settings.source, name)
        _forget(settings, name, tree_is_gone=True)
        repair_exports(remaining)
    return released.kept_aside


def _forget(settings: Settings, name: str, *, tree_is_gone: bool) -> None:
    """Let go of a client, but for its branch, which keeps the history.

    While the tree is there as it was, its base stays too: added again, the client goes on where it
    was. A tree that is gone, or is a clone now, begins with a base of its own.
    """
    with open_hub(settings.hub_path) as hub:
        refs = hub.refs()
        dropped = [pending_ref(name), *([base_ref(name)] if tree_is_gone else [])]
        hub.update_refs(RefUpdate(ref, None, refs[ref]) for ref in dropped if ref in refs)
        remove_worktree(hub, name)
    Staging(settings.trees.staging).remove(name)
