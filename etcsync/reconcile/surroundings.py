"""The part of a run that concerns the server around the trees: exports, and /boot."""

import os
from collections.abc import Iterator, Sequence

from etcsync.config import Settings, reread
from etcsync.errors import EtcsyncError, StateError, TreeError
from etcsync.host.fstab import has_block
from etcsync.reconcile.boot_lines import FSTAB, BootLines, live_fstab
from etcsync.reconcile.boot_pieces import bring_server
from etcsync.reconcile.boot_record import forget_record, read_record
from etcsync.reconcile.errors import client_error
from etcsync.reconcile.model import ClientRun, ServerRun


def standing_lines(settings: Settings) -> BootLines:
    """Return what decides the clients' lines for /boot in every run.

    Where it is not known what was set up, they are left alone; `repair_server` tells of it.
    """
    settings = reread(settings)
    try:
        in_use = bool(settings.boot.writer) or read_record(settings) is not None
    except StateError:
        in_use = False
    return BootLines(settings, in_use=in_use)


def repair_server(lines: BootLines, runs: Sequence[ClientRun]) -> ServerRun:
    """Bring exports and /boot to what the settings say; the lock is held.

    Args:
        lines: What decided the clients' lines, with the settings that it went by.
        runs: What was done for the clients.
    """
    settings = lines.settings
    warnings = (*lines.warnings.values(), *_unmet(runs))
    try:
        done = bring_server(settings)
        forget_if_gone(settings)
    except (EtcsyncError, OSError) as error:
        return ServerRun(warnings=warnings, error=client_error(error))
    return ServerRun(done, warnings)


def forget_if_gone(settings: Settings) -> None:
    """Let go of the record of what was set up for /boot, once nothing of it is left."""
    if settings.boot.writer or read_record(settings) is None:
        return
    if not any(_may_have_line(settings, client.name) for client in settings.clients):
        forget_record(settings)


def _may_have_line(settings: Settings, name: str) -> bool:
    if not os.path.lexists(settings.tree_path(name)):
        return False
    try:
        return has_block(live_fstab(settings, name))
    except TreeError:
        return True


def _unmet(runs: Sequence[ClientRun]) -> Iterator[str]:
    for run in runs:
        for path, reason in run.unmet:
            if path == FSTAB:
                yield f"{FSTAB} of {run.name} is not put right for /boot: {reason}"
