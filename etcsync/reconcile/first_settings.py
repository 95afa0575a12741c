"""The settings that ``init`` works with: written, or completed, as it was asked."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from etcsync.braces import expand_braces
from etcsync.config import Client, Settings, load_settings, settings_path
from etcsync.errors import SettingsError, UsageError
from etcsync.host.inventory.finding import Sources, find_clients
from etcsync.host.inventory.gathering import Act, Gathered
from etcsync.host.rootfs import os_release
from etcsync.policy.packs import pack_for_os_release
from etcsync.settings_file import add_clients, create_settings


@dataclass(frozen=True, slots=True)
class InitRequest:
    """What ``init`` was asked for."""

    config: str | None
    root: str | None
    clients: Sequence[str]
    wait: float
    imports: Sequence[str] = ()
    """Files of other programs to take clients from."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that ``init`` did, in words."""

    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class FirstSettings:
    """The settings to go on with.

    Attributes:
        settings: They.
        steps: What was done about them, if anything.
        imported: What the files have that clients were to be taken from, or None.
    """

    settings: Settings
    steps: Sequence[Step]
    imported: Gathered | None


def new_client(**values: object) -> Client:
    """Return a client with these values.

    Raises:
        UsageError: A value cannot be.
    """
    try:
        return Client.model_validate(values)
    except ValidationError as error:
        said = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())
        raise UsageError(said) from error


def first_settings(request: InitRequest) -> FirstSettings:
    """Return the settings, written or completed as the request says.

    Raises:
        UsageError: The request contradicts the settings or says too little, a client cannot be
            called so, or there is none in the files. Nothing was written then.
    """
    path = settings_path(request.config)
    named = [new_client(name=name) for each in request.clients for name in expand_braces(each)]
    if os.path.exists(path):
        return _completed(request, path, named)
    if not request.root:
        raise UsageError(
            f"there are no settings at {path} yet, so init must be told the root",
            hint="Run `etcsync init --root /srv/root --clients 'client{0..5}'`.",
        )
    root = os.path.abspath(request.root)
    if not os.path.isdir(root):
        raise UsageError(f"{root} is not a directory", hint="Name the clients' shared root.")
    clients, imported = _with_imported(request, None, named)
    packs = pack_for_os_release(os_release(root))
    settings = create_settings(
        path, root=root, values={("policy", "packs"): packs}, clients=clients
    )
    return FirstSettings(settings, [Step("settings", path)], imported)


def _completed(request: InitRequest, path: str, named: Sequence[Client]) -> FirstSettings:
    """Return the settings that are there, with the clients that they lack."""
    settings = load_settings(path)
    if request.root and os.path.realpath(request.root) != os.path.realpath(settings.upstream.root):
        raise SettingsError(
            f"--root {request.root} contradicts {path}, where upstream.root is "
            f"{settings.upstream.root}",
            hint="Leave --root out, or name other settings with --config FILE.",
        )
    known = {client.name for client in settings.clients}
    added = [client for client in named if client.name not in known]
    clients, imported = _with_imported(request, settings, added)
    if not clients:
        return FirstSettings(settings, [], imported)
    steps = []
    for what, is_known in (("added", False), ("completed", True)):
        if names := [client.name for client in clients if (client.name in known) == is_known]:
            steps.append(Step("settings", f"{path}: {what} {', '.join(names)}"))
    return FirstSettings(add_clients(path, clients), steps, imported)


def _with_imported(
    request: InitRequest, settings: Settings | None, named: Sequence[Client]
) -> tuple[list[Client], Gathered | None]:
    """Return the clients that the settings lack, each with the values that they lack."""
    clients = {client.name: client for client in named}
    if not request.imports:
        return list(clients.values()), None
    imported = find_clients(Sources(request.imports), settings, list(clients.values()))
    clients |= {
        each.client.name: each.client for each in imported.found if each.act is not Act.KNOWN
    }
    return list(clients.values()), imported
