"""Taking clients from the files of other programs: all into the settings, then all their trees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from etcsync.config import Settings
from etcsync.host.inventory.finding import Sources, find_clients
from etcsync.host.inventory.gathering import Act, Gathered
from etcsync.reconcile.options import Advance
from etcsync.reconcile.setting_up import ClientSetup
from etcsync.reconcile.setup import set_up_named
from etcsync.settings_file import add_clients


@dataclass(frozen=True, slots=True)
class Import:
    """What an import did, or would do.

    Attributes:
        gathered: The clients, and what is left out.
        setups: What became of the clients' trees, by client; empty where nothing was to be done.
        dry_run: Whether nothing was to be done.
    """

    gathered: Gathered
    setups: Mapping[str, ClientSetup] = field(default_factory=dict)
    dry_run: bool = False

    @property
    def exit_status(self) -> int:
        """Return 3 when a tree could not be set up, 1 when something was left out, else 0."""
        if any(setup.error for setup in self.setups.values()):
            return 3
        return 1 if self.gathered.remarks else 0


def import_clients(
    settings: Settings, sources: Sources, advance: Advance, *, dry_run: bool, wait: float
) -> Import:
    """Take the clients that ``sources`` have into the settings, and set their trees up.

    Clients that are known already are set up too, if they are not: an import that was cut off is
    finished by the next.

    Raises:
        UsageError: A file cannot be read, or there is no client in any. Nothing was done.
    """
    gathered = find_clients(sources, settings)
    if dry_run:
        return Import(gathered, dry_run=True)
    lacking = [each.client for each in gathered.found if each.act is not Act.KNOWN]
    if lacking:
        settings = add_clients(settings.source, lacking)
    names = [each.client.name for each in gathered.found]
    setups: Sequence[ClientSetup] = set_up_named(settings, names, advance, wait=wait)
    return Import(gathered, {setup.name: setup for setup in setups})
