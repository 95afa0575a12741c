"""Setting a cluster up, and clients coming and going."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from etcsync.braces import expand_braces
from etcsync.config import Client, Settings, load_settings, settings_path
from etcsync.errors import EtcsyncError, SettingsError, TreeError, UsageError
from etcsync.host.rootfs import os_release
from etcsync.hub.create import create_hub
from etcsync.hub.hub import RefUpdate, base_ref, open_hub, pending_ref
from etcsync.hub.release import release
from etcsync.hub.upstream_commit import init_repository
from etcsync.hub.worktree import remove_worktree
from etcsync.policy.packs import pack_for_os_release
from etcsync.reconcile.adoption import adopt
from etcsync.reconcile.cluster import Cluster, open_cluster
from etcsync.reconcile.errors import client_error
from etcsync.reconcile.exporting import repair_exports
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.options import SyncOptions, no_advance
from etcsync.reconcile.reconciler import fetch, reconcile
from etcsync.reconcile.suspensions import forgetting
from etcsync.settings_file import add_clients, create_settings
from etcsync.settings_file import remove_client as remove_from_settings


@dataclass(frozen=True, slots=True)
class InitRequest:
    """What ``init`` was asked for."""

    config: str | None
    root: str | None
    clients: Sequence[str]
    wait: float


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that ``init`` did, in words."""

    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class ClientSetup:
    """What became of one client.

    Attributes:
        name: The client.
        outcome: ``created``, ``adopted``, ``taken`` (a tree without history), ``managed`` (there
            was nothing to do) or ``failed``.
        error: Why it failed.
    """

    name: str
    outcome: str
    error: EtcsyncError | None = None

    @property
    def error_text(self) -> str | None:
        """What went wrong and what to do, in one line."""
        if self.error is None:
            return None
        return " ".join(filter(None, (f"{self.error.message}.", self.error.hint)))


@dataclass(frozen=True, slots=True)
class InitResult:
    """What ``init`` did."""

    settings: str
    steps: Sequence[Step]
    clients: Sequence[ClientSetup]

    @property
    def exit_status(self) -> int:
        """Return 3 when a client could not be set up, else 0."""
        return 3 if any(client.error for client in self.clients) else 0


def initialise(request: InitRequest) -> InitResult:
    """Set up settings, upstream's repository, the hub and the trees; complete what is there.

    Raises:
        UsageError: The request contradicts the settings, or says too little.
        UpstreamError: Upstream cannot be put under version control or read.
        HubError: The hub cannot be made, or is damaged.
        EtcsyncError: The exports that are managed were refused; all else is done.
    """
    names = [name for pattern in request.clients for name in expand_braces(pattern)]
    steps = []
    settings, step = _settings(request, names)
    if step:
        steps.append(step)
    os.makedirs(settings.state_dir, mode=0o700, exist_ok=True)
    with writer_lock(settings.lock_path, wait=request.wait):
        done = init_repository(settings.upstream.root, settings.upstream.etc)
        if done:
            steps.append(Step("upstream", done))
        if not os.path.isdir(settings.hub_path):
            steps.append(Step("hub", settings.hub_path))
        create_hub(settings.hub_path)
        commit = fetch(settings, SyncOptions())
        with open_cluster(settings, commit) as cluster:
            clients = set_up_clients(cluster, settings.clients)
        repair_exports(settings)
    return InitResult(settings.source, steps, clients)


def _settings(request: InitRequest, names: Sequence[str]) -> tuple[Settings, Step | None]:
    """Return the settings, written or completed as the request says."""
    path = settings_path(request.config)
    clients = [_client(name=name) for name in names]
    if os.path.exists(path):
        settings = load_settings(path)
        if request.root and os.path.realpath(request.root) != os.path.realpath(
            settings.upstream.root
        ):
            raise SettingsError(
                f"--root {request.root} contradicts {path}, where upstream.root is "
                f"{settings.upstream.root}",
                hint="Leave --root out, or name other settings with --config FILE.",
            )
        known = {client.name for client in settings.clients}
        added = [client for client in clients if client.name not in known]
        if not added:
            return settings, None
        listed = ", ".join(client.name for client in added)
        return add_clients(path, added), Step("settings", f"{path}: added {listed}")
    if not request.root:
        raise UsageError(
            f"there are no settings at {path} yet, so init must be told the root",
            hint="Run `etcsync init --root /srv/root --clients 'client{0..5}'`.",
        )
    root = os.path.abspath(request.root)
    if not os.path.isdir(root):
        raise UsageError(f"{root} is not a directory", hint="Name the clients' shared root.")
    packs = pack_for_os_release(os_release(root))
    settings = create_settings(
        path, root=root, values={("policy", "packs"): packs}, clients=clients
    )
    return settings, Step("settings", path)


def set_up_clients(cluster: Cluster, clients: Sequence[Client]) -> list[ClientSetup]:
    """Adopt or create the trees of ``clients``; one client's failure is its own."""
    outcomes = {}
    new = []
    for client in clients:
        try:
            outcome = _set_up(cluster, client)
        except (TreeError, OSError) as error:
            outcomes[client.name] = ClientSetup(client.name, "failed", client_error(error))
            continue
        outcomes[client.name] = ClientSetup(client.name, outcome)
        if outcome == "created":
            new.append(client)
    for run in reconcile(cluster, new, SyncOptions(), no_advance):
        if run.error:
            outcomes[run.name] = ClientSetup(run.name, "failed", run.error)
    return [outcomes[client.name] for client in clients]


def _set_up(cluster: Cluster, client: Client) -> str:
    tree_path = cluster.settings.tree_path(client.name)
    managed = base_ref(client.name) in cluster.hub.refs()
    if client.name in cluster.suspensions and not managed:
        raise TreeError(
            f"{client.name} is suspended, so its tree is not set up",
            hint=f"Run `etcsync resume {client.name}`, then this again.",
        )
    try:
        os.mkdir(tree_path, 0o755)
    except FileExistsError:
        pass
    else:
        if managed:
            os.rmdir(tree_path)
            raise TreeError(
                f"{tree_path} is missing, though the hub has its history",
                hint="Is its file system mounted? To begin anew: "
                f"`etcsync client remove {client.name}`, then `etcsync client add {client.name}`.",
            )
        return "created"
    if managed:
        return "managed"
    if adopt(cluster, client):
        return "adopted"
    return "taken" if os.listdir(tree_path) else "created"


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
    client = _client(name=name, address=address or "", mac=mac or "", labels=tuple(labels))
    settings = add_clients(settings.source, [client])
    with writer_lock(settings.lock_path, wait=wait):
        commit = fetch(settings, SyncOptions())
        with open_cluster(settings, commit) as cluster:
            (outcome,) = set_up_clients(cluster, [settings.client(name)])
        repair_exports(settings)
    if outcome.error:
        raise outcome.error
    return outcome.outcome


def _client(**values: object) -> Client:
    """Return a client with these values.

    Raises:
        UsageError: A value cannot be.
    """
    try:
        return Client.model_validate(values)
    except ValidationError as error:
        said = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())
        raise UsageError(said) from error


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
