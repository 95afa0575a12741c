"""What this server should export, and how that compares with what it does; nothing is written."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from etcsync.config import Client, Settings
from etcsync.host.bind import Bound, bound
from etcsync.host.exports import OtherLine, other_lines, read_exported, read_text
from etcsync.host.exports_format import (
    Export,
    can_be_exported,
    is_name,
    is_network,
    parse_exports,
    render_exports,
)

APPLY = "etcsync exports apply"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings say is to be exported.

    Attributes:
        exports: The exports, sorted.
        warnings: What is left out, or should be thought about, in sentences.
    """

    exports: tuple[Export, ...]
    warnings: tuple[str, ...]

    @property
    def text(self) -> str:
        """The managed file."""
        return render_exports(self.exports)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A way in which what is exported departs from what should be.

    Attributes:
        path: The directory, or the managed file.
        client: To whom; ``""`` for the file.
        what: What is so, a sentence without a full stop.
        remedy: The command, or the step, that mends it.
    """

    path: str
    client: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ExportsState:
    """How what is exported compares with the settings.

    Attributes:
        wanted: What should be exported.
        differences: Where that is not so.
        others: Lines of other files for the same directories.
        exported_known: Whether it could be found out what is exported.
    """

    wanted: Wanted
    differences: tuple[Discrepancy, ...]
    others: tuple[OtherLine, ...]
    exported_known: bool

    @property
    def warnings(self) -> tuple[str, ...]:
        """What should be thought about, in sentences."""
        lines = (
            f"{each.place} exports {each.export.path} too: remove the line `{each.text}`"
            for each in self.others
        )
        return (*self.wanted.warnings, *lines)


def wanted_exports(settings: Settings, *, boot: bool = True) -> Wanted:
    """Return what the settings say is to be exported, as far as it is there.

    A directory that is missing would make exportfs fail for all.

    Args:
        settings: The settings.
        boot: Whether /boot is to be exported to its writer, where it is mounted.
    """
    exports: list[Export] = []
    warnings: list[str] = []
    for found in (*_root(settings), *_trees(settings), *(_boot(settings) if boot else ())):
        if isinstance(found, Export):
            exports.append(found)
        else:
            warnings.append(found)
    return Wanted(tuple(sorted(exports)), tuple(warnings))


def exports_state(settings: Settings) -> ExportsState:
    """Compare what is exported, or where no program is to be run the file, with the settings."""
    wanted = wanted_exports(settings)
    others = lines_elsewhere(settings)
    exported = read_exported() if settings.exports.command else None
    differences = list(_file_differences(settings, wanted))
    if exported is not None:
        differences += lacking(wanted, exported, others)
        differences += (
            Discrepancy(export.path, export.client, what, _mended(export, others))
            for export, what in surplus(settings, wanted, exported)
        )
    return ExportsState(wanted, tuple(differences), others, exported is not None)


def lines_elsewhere(settings: Settings) -> tuple[OtherLine, ...]:
    """Return the lines that other files have for the directories that etcsync exports."""
    places = _places(settings)
    found = other_lines(settings.exports.file)
    return tuple(line for line in found if os.path.realpath(line.export.path) in places)


def lacking(
    wanted: Wanted, exported: Sequence[Export], others: Sequence[OtherLine] = ()
) -> Iterator[Discrepancy]:
    """Yield what is not exported as ``wanted`` says."""
    there = {each.key: each for each in exported}
    for export in wanted.exports:
        now = there.get(export.key) or there.get(resolved(export).key)
        if now is None:
            yield _missing(export)
        elif now.meaning != export.meaning:
            what = f"{_to(export)} with other options: {now.options}"
            yield Discrepancy(export.path, export.client, what, _mended(now, others))


def surplus(
    settings: Settings, wanted: Wanted, exported: Sequence[Export]
) -> Iterator[tuple[Export, str]]:
    """Yield what is exported at etcsync's directories beyond ``wanted``, and how it is called."""
    plainly = {each.key for each in wanted.exports}
    others = [each for each in exported if each.key not in plainly]
    if not others:
        return
    mine = {resolved(each).key for each in wanted.exports}
    places = _places(settings)
    for export in others:
        key = resolved(export).key
        if key not in mine and key[0] in places:
            yield export, f"{_to(export)}, which the settings do not say ({export.options})"


def resolved(export: Export) -> Export:
    """Return an export with its directory as exportfs has it, without links."""
    return export._replace(path=os.path.realpath(export.path))


def says_elsewhere(export: Export, others: Sequence[OtherLine]) -> tuple[OtherLine, ...]:
    """Return the lines of ``others`` that export the same directory to the same client."""
    key = resolved(export).key
    return tuple(each for each in others if resolved(each.export).key == key)


def _missing(export: Export) -> Discrepancy:
    remedy = APPLY
    if is_name(export.client):
        remedy = f"{APPLY}; if that does not help, see whether `getent hosts {export.client}` does"
    what = f"{export.path} is not exported to {export.client}"
    return Discrepancy(export.path, export.client, what, remedy)


def _mended(export: Export, others: Sequence[OtherLine]) -> str:
    """Return what brings an export that should not be so to an end."""
    if lines := says_elsewhere(export, others):
        named = ", ".join(f"`{each.text}` in {each.place}" for each in lines)
        return f"remove the line {named}; then {APPLY}"
    return APPLY


def _to(export: Export) -> str:
    return f"{export.path} is exported to {export.client}"


def _file_differences(settings: Settings, wanted: Wanted) -> Iterator[Discrepancy]:
    file = settings.exports.file
    text = read_text(file)
    if text is None:
        yield Discrepancy(file, "", f"{file} is missing", APPLY)
        return
    written = [line.export for line in parse_exports(text)]
    if sorted(written) != sorted(wanted.exports):
        yield Discrepancy(file, "", f"{file} does not say what the settings do", APPLY)


def _places(settings: Settings) -> frozenset[str]:
    """Return the directories that etcsync exports, without links in their paths."""
    trees = (settings.tree_path(client.name) for client in settings.clients)
    paths = (settings.upstream.root, settings.boot.mount, *trees)
    return frozenset(os.path.realpath(path) for path in paths)


def _root(settings: Settings) -> Iterator[Export | str]:
    root, network = settings.upstream.root, settings.server.network
    if not network:
        yield (
            f"{root} is not exported: the settings do not name the clients' network "
            "(network in [server])"
        )
    elif not os.path.isdir(root):
        yield f"{root} is not exported: it is no directory"
    elif problem := _unfit(root):
        yield problem
    else:
        yield Export(root, network, settings.exports.root_options)


def _trees(settings: Settings) -> Iterator[Export | str]:
    for client in settings.clients:
        path = settings.tree_path(client.name)
        if not client.address:
            yield (
                f"{path} is not exported: the settings do not name an address of {client.name}; "
                f"`etcsync client add {client.name} --address ADDRESS` adds it"
            )
        elif not _is_directory(path):
            yield f"{path} is not exported: it is no directory; `etcsync init` creates it"
        elif problem := _unfit(path):
            yield problem
        else:
            if is_network(client.address):
                yield f"every machine in {client.address} may write {path}"
            yield Export(path, client.address, settings.exports.client_options)


def _boot(settings: Settings) -> Iterator[Export | str]:
    boot = settings.boot
    if not boot.writer:
        return
    writer = settings.client(boot.writer)
    if obstacle := no_boot_writer(writer):
        yield f"{boot.mount} is not exported: {obstacle}"
    elif bound(boot.source, boot.mount) is not Bound.RIGHT:
        yield (
            f"{boot.mount} is not exported: {boot.source} is not mounted there; "
            f"`etcsync boot grant {writer.name}` mounts it"
        )
    elif problem := _unfit(boot.mount):
        yield problem
    else:
        yield Export(boot.mount, writer.address, settings.exports.client_options)


def no_boot_writer(client: Client) -> str | None:
    """Return why /boot cannot be exported to ``client`` alone, or None."""
    if not client.address:
        return f"the settings do not name an address of {client.name}"
    if is_network(client.address):
        return f"{client.address}, the address of {client.name}, is a whole network"
    return None


def _unfit(path: str) -> str | None:
    if can_be_exported(path):
        return None
    return f"{path!r} is not exported: there are control characters in its name"


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False
