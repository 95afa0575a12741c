"""The clients that inventory files have for the settings: files in, clients and remarks out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from etcsync.config import Client, Server, Settings, parse_settings, read_settings_text
from etcsync.errors import SettingsError, UsageError
from etcsync.host.inventory.files import read_inventory
from etcsync.host.inventory.gathering import Found, Gathered, gather
from etcsync.host.inventory.machines import Selection
from etcsync.host.inventory.model import Format, Remark
from etcsync.settings_edit import with_clients

_SHOWN = 50
"""Remarks listed in an error."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where clients are to be found.

    Attributes:
        files: The files to read.
        format: What they are; None: each is what it looks like.
        match: A pattern of the clients' names; empty: whoever `Selection` takes for a client.
    """

    files: Sequence[str]
    format: Format | None = None
    match: str = ""


def find_clients(
    sources: Sources, settings: Settings | None, named: Sequence[Client] = ()
) -> Gathered:
    """Return the clients that ``sources`` have, and what is left out.

    Args:
        sources: Where to look.
        settings: The settings as they are; None: there are none yet.
        named: Further clients that are going to be in the settings.

    Raises:
        UsageError: A file cannot be read, or there is no client in any.
    """
    known = [*(settings.clients if settings else ()), *named]
    selection = Selection(settings.server if settings else Server(), sources.match)
    gathered = gather(read_inventory(sources.files, sources.format), known, selection)
    if settings:
        gathered = _fitting(gathered, settings)
    if not gathered.found:
        raise _nothing(gathered, sources)
    return gathered


def _fitting(gathered: Gathered, settings: Settings) -> Gathered:
    """Leave out whom the settings cannot have, such as for the place of the tree."""
    text = read_settings_text(settings.source)
    if not _objection(text, settings.source, gathered.found):
        return gathered
    found, remarks = [], list(gathered.remarks)
    for each in gathered.found:
        if objection := _objection(text, settings.source, [each]):
            what = f"{each.client.name} is left out, for then {objection}"
            remarks.append(Remark(each.places[0], what))
        else:
            found.append(each)
    return replace(gathered, found=tuple(found), remarks=tuple(remarks))


def _objection(text: str, source: str, found: Sequence[Found]) -> str:
    """Return why the settings would be wrong with these clients; empty: they would not."""
    try:
        parse_settings(with_clients(text, [each.client for each in found]), source)
    except SettingsError as error:
        return error.message.partition("\n")[0]
    return ""


def _nothing(gathered: Gathered, sources: Sources) -> UsageError:
    lines = [f"there is no client to import in {', '.join(sources.files)}"]
    lines += map(str, gathered.remarks[:_SHOWN])
    if more := len(gathered.remarks) - _SHOWN:
        lines += [f"and {more} more"] if more > 0 else []
    hint = None
    if gathered.passed_over:
        lines.append(f"machines that may be none: {gathered.passed_over}")
        hint = "Say which are clients with --match 'client*', or set server.network."
    return UsageError("\n".join(lines), hint=hint)
