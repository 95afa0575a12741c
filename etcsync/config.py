"""The settings file: what etcsync knows about the server, the shared root and the clients.

The keys are described for users in docs/reference/settings.md. Reading the file is one function;
everything else is a pure function of its text.
"""

import os
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from pydantic import (
    PrivateAttr,
    StrictBool,
    ValidationError,
    model_validator,
)

from etcsync.contradictions import Place, overlaps, repetitions
from etcsync.document import Document
from etcsync.errors import SettingsError, UsageError
from etcsync.problems import Problem, place_of, problems_of, refusal, suggestion
from etcsync.quantities import Duration, Size
from etcsync.setting_types import (
    CLIENT,
    ClientAddress,
    ClientName,
    Command,
    ExportOptions,
    IncidentKind,
    Interval,
    IpAddress,
    Label,
    ListenAddress,
    MacAddress,
    Network,
    Path,
    Percent,
    TreeTemplate,
)
from etcsync.toml_text import Lines, Location, parse_toml

DEFAULT_PATH = "/etc/etcsync/etcsync.toml"
"""Where the settings are, unless ``--config`` or ``$ETCSYNC_CONFIG`` says otherwise."""


class Upstream(Document):
    """``[upstream]``: the shared root and its /etc."""

    root: Path
    etc: Path = ""
    """Default: ``<root>/etc``; never empty once read."""
    auto_commit: StrictBool = False

    @model_validator(mode="before")
    @classmethod
    def _default(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("root"), str):
            return {"etc": os.path.join(data["root"], "etc"), **data}
        return data


class Trees(Document):
    """``[trees]``: where the clients' trees are."""

    path: TreeTemplate = "/srv/etc-{client}"
    staging: Path = ""
    """Default: ``.etcsync`` in the directory that holds the trees; never empty once read."""

    @model_validator(mode="before")
    @classmethod
    def _default(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        path = data.get("path", cls.model_fields["path"].default)
        folder = os.path.dirname(str(path).partition(CLIENT)[0])
        return {"staging": os.path.join(folder, ".etcsync"), **data}


class Server(Document):
    """``[server]``: the NFS server as the clients see it."""

    address: IpAddress = ""
    network: Network = ""


class Exports(Document):
    """``[exports]``: the exports file that etcsync writes."""

    file: Path = "/etc/exports.d/etcsync.exports"
    root_options: ExportOptions = "ro,no_root_squash,subtree_check"
    client_options: ExportOptions = "rw,no_root_squash,subtree_check"
    command: tuple[str, ...] = ("exportfs", "-ra")
    """Run after the file was written; empty: write the file only."""


class Boot(Document):
    """``[boot]``: the one client that may write /boot."""

    writer: str = ""
    source: Path = ""
    """Default: ``<upstream.root>/boot``; never empty once read."""
    mount: Path = "/srv/clientboot"
    fstab: Path = "/etc/fstab"


class PolicySources(Document):
    """``[policy]``: where the rules come from."""

    packs: tuple[str, ...] = ("base",)
    files: tuple[Path, ...] = ()


class Limits(Document):
    """``[limits]``: what is refused as too much."""

    max_file_size: Size = 8 * 1024**2
    """Bytes."""
    max_delete_percent: Percent = 25
    max_look_time: Interval = 120.0
    """Seconds."""
    max_daily_capture: Size = 512 * 1024**2
    """Bytes."""


class Daemon(Document):
    """``[daemon]``: the rhythm of ``etcsync run``; durations are seconds."""

    interval: Interval = 300.0
    settle: Duration = 1.0
    listen: ListenAddress = ""


class Notify(Document):
    """``[notify]``: who is told of incidents."""

    command: Command = ()
    """Run for each burst of news, without a shell; empty: none."""
    urls: tuple[str, ...] = ()
    """Services as apprise names them; they may hold passwords, and are never shown."""
    on: tuple[IncidentKind, ...] = tuple(IncidentKind)
    quiet: Duration = 30.0
    """Seconds for which news is gathered before it is told."""


class Client(Document):
    """One ``[[clients]]`` table: a diskless machine. Empty: not known."""

    name: ClientName
    address: ClientAddress = ""
    mac: MacAddress = ""
    labels: tuple[Label, ...] = ()


_OPTIONAL = ("trees", "server", "exports", "boot", "policy", "limits", "daemon", "notify")
"""Tables that may be left out: each key in them has a default."""


class Settings(Document):
    """The whole settings file, complete and free of contradictions."""

    state_dir: Path = "/var/lib/etcsync"
    upstream: Upstream
    trees: Trees
    server: Server
    exports: Exports
    boot: Boot
    policy: PolicySources
    limits: Limits
    daemon: Daemon
    notify: Notify
    clients: tuple[Client, ...] = ()
    _source: str = PrivateAttr("")

    @model_validator(mode="before")
    @classmethod
    def _default(cls, data: dict[str, Any]) -> dict[str, Any]:
        data = {**{name: {} for name in _OPTIONAL}, **data}
        upstream, boot = data.get("upstream"), data["boot"]
        root = upstream.get("root") if isinstance(upstream, dict) else None
        if isinstance(root, str) and isinstance(boot, dict):
            return {**data, "boot": {"source": os.path.join(root, "boot"), **boot}}
        return data

    def model_post_init(self, context: Mapping[str, str] | None) -> None:
        """Remember where the settings were read from."""
        self._source = context["source"] if context else ""

    @property
    def source(self) -> str:
        """The absolute path of the file that the settings were read from."""
        return self._source

    @property
    def hub_path(self) -> str:
        """The bare repository that holds all that is recorded."""
        return os.path.join(self.state_dir, "hub.git")

    @property
    def reports_path(self) -> str:
        """The directory of the written reports, one below it per client."""
        return os.path.join(self.state_dir, "reports")

    @property
    def suspensions_path(self) -> str:
        """The file that says which clients are suspended."""
        return os.path.join(self.state_dir, "suspensions.json")

    @property
    def cache_path(self) -> str:
        """The directory of what may be removed at any time."""
        return os.path.join(self.state_dir, "cache")

    @property
    def surveys_path(self) -> str:
        """The file that says what was found in the trees, so that looks need not begin anew."""
        return os.path.join(self.cache_path, "surveys")

    @property
    def captured_path(self) -> str:
        """The file that says how much of each client was recorded of late."""
        return os.path.join(self.state_dir, "captured.json")

    @property
    def incidents_path(self) -> str:
        """The file in which the daemon keeps its open incidents."""
        return os.path.join(self.state_dir, "incidents.json")

    @property
    def lock_path(self) -> str:
        """The file whose lock makes writers wait for each other."""
        return os.path.join(self.state_dir, "lock")

    @property
    def daemon_lock_path(self) -> str:
        """The file that the daemon holds a lock on as long as it lives."""
        return os.path.join(self.state_dir, "daemon.lock")

    @property
    def daemon_record_path(self) -> str:
        """The file in which the daemon tells of its last pass."""
        return os.path.join(self.state_dir, "daemon.json")

    def tree_path(self, client_name: str) -> str:
        """Return the directory that is /etc to the client ``client_name``."""
        return self.trees.path.replace(CLIENT, client_name)

    @cached_property
    def _clients_by_name(self) -> Mapping[str, Client]:
        return {client.name: client for client in self.clients}

    def client(self, name: str) -> Client:
        """Return the client called ``name``.

        Raises:
            UsageError: There is none.
        """
        if client := self._clients_by_name.get(name):
            return client
        raise UsageError(
            f"there is no client {name!r}" + suggestion(name, self._clients_by_name),
            hint="`etcsync client list` shows the clients.",
        )


def _contradictions(settings: Settings) -> list[tuple[Location, str]]:
    """Return what is wrong in the settings as a whole, and where."""
    clients = settings.clients
    found: list[tuple[Location, str]] = []
    for key in ("name", "address", "mac"):
        values = (getattr(client, key) for client in clients)
        found += repetitions(key, [(("clients", i, key), v) for i, v in enumerate(values)])
    places = [
        Place(("upstream", "etc"), "upstream.etc", settings.upstream.etc),
        Place(("state_dir",), "state_dir", settings.state_dir),
        Place(("trees", "staging"), "trees.staging", settings.trees.staging),
    ]
    for i, client in enumerate(clients):
        path = settings.tree_path(client.name)
        places.append(Place(("clients", i), f"the tree of {client.name!r}", path))
    found += overlaps(places, allowed=("state_dir", "trees.staging"))
    writer = settings.boot.writer
    if writer and writer not in (names := [client.name for client in clients]):
        what = f"writer: there is no client {writer!r}" + suggestion(writer, names)
        found.append((("boot", "writer"), what))
    return found


@lru_cache(maxsize=4)
def parse_settings(text: str, source: str) -> Settings:
    """Return the settings that ``text`` holds. Pure; the same text is not parsed twice in a row.

    Args:
        text: The content of a settings file.
        source: The file's absolute path; relative paths in it start at its folder.

    Raises:
        SettingsError: Something in it is wrong; all that is wrong is listed.
    """
    data = parse_toml(text, source)
    context = {"source": source, "folder": os.path.dirname(source)}
    try:
        settings = Settings.model_validate(data, context=context)
    except ValidationError as error:
        problems = problems_of(error, Settings, data=data, source=source, text=text)
        raise refusal(problems) from error
    if found := _contradictions(settings):
        lines = Lines(text)
        raise refusal(
            Problem(source, lines.of(location), place_of(location, data), what)
            for location, what in found
        )
    return settings


def settings_path(path: str | None = None) -> str:
    """Return the absolute path of the settings file: ``path``, $ETCSYNC_CONFIG, or the default."""
    return os.path.abspath(path or os.environ.get("ETCSYNC_CONFIG") or DEFAULT_PATH)


def read_settings_text(path: str) -> str:
    """Return the content of the settings file ``path``.

    Raises:
        SettingsError: It is missing, cannot be read or is not UTF-8 text.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError as error:
        raise SettingsError(
            f"there is no settings file {path}",
            hint="Create it with `etcsync init --root DIR`, or name another with --config FILE.",
        ) from error
    except PermissionError as error:
        raise SettingsError(f"{path} may not be read", hint="Run etcsync as root.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text") from error


def load_settings(path: str | None = None) -> Settings:
    """Return the settings read from ``path``, else $ETCSYNC_CONFIG, else the default place.

    Raises:
        SettingsError: The file is missing or wrong.
    """
    source = settings_path(path)
    return parse_settings(read_settings_text(source), source)


def reread(settings: Settings) -> Settings:
    """Return what the settings file says by now; ``settings`` where that cannot be used.

    For what a wait for the lock may have left behind: another command may have changed the file.
    """
    try:
        return parse_settings(read_settings_text(settings.source), settings.source)
    except SettingsError:
        return settings
