"""``boot grant`` and ``boot revoke``: which client may write the shared /boot.

The settings come first: whatever happens afterwards, the next call or the next run goes on from
what they say.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

from etcsync.config import Client, Settings, reread
from etcsync.errors import EtcsyncError, TreeError
from etcsync.host.fstab import FstabError
from etcsync.reconcile.boot_lines import FSTAB, BootLines, live_fstab, with_line
from etcsync.reconcile.boot_pieces import bring_server, refuse_hand_made, refuse_unfit
from etcsync.reconcile.boot_record import write_record
from etcsync.reconcile.boot_status import BootStatus, boot_status
from etcsync.reconcile.errors import never_reconciled
from etcsync.reconcile.intervening import intervene
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.model import Cause
from etcsync.reconcile.options import SyncOptions
from etcsync.reconcile.records import base_records
from etcsync.reconcile.surroundings import forget_if_gone
from etcsync.settings_file import set_value


@dataclass(frozen=True, slots=True)
class BootChange:
    """What a grant or a revocation did.

    Attributes:
        done: What was done, in sentences; nothing where everything was so already.
        warnings: What could not be done on a client, in sentences.
        status: How things are afterwards.
    """

    done: tuple[str, ...]
    warnings: tuple[str, ...]
    status: BootStatus


def grant_boot(settings: Settings, name: str, options: SyncOptions) -> BootChange:
    """Let the client ``name`` write /boot, and nobody else.

    It is taken from the client that had it before it is given.

    Raises:
        UsageError: There is no such client, or the settings lack what is needed.
        TreeError: The client was never reconciled.
        LockError: Another writer did not end in time.
        EtcsyncError: A step failed; those before it are done, and the next call goes on.
    """
    client = settings.client(name)
    _refuse_unless_root()
    wanted = settings.model_copy(update={"boot": settings.boot.model_copy(update={"writer": name})})
    refuse_unfit(wanted)
    refuse_hand_made(wanted)
    if name not in base_records(settings, [client]):
        raise never_reconciled(name)
    with writer_lock(settings.lock_path, wait=options.wait):
        granted = set_value(settings.source, "boot", "writer", name)
        return _bring(granted, options)


def revoke_boot(settings: Settings, options: SyncOptions) -> BootChange:
    """Let nobody write /boot any more, and undo what was set up for it.

    Raises:
        LockError: Another writer did not end in time.
        EtcsyncError: A step failed; those before it are done, and the next call goes on.
    """
    _refuse_unless_root()
    with writer_lock(settings.lock_path, wait=options.wait):
        settings = reread(settings)
        if settings.boot.writer:
            write_record(settings)
        revoked = set_value(settings.source, "boot", "writer", "")
        change = _bring(revoked, options)
        forget_if_gone(revoked)
        return replace(change, status=boot_status(revoked))


def _refuse_unless_root() -> None:
    if os.geteuid() != 0:
        raise EtcsyncError("only root can mount and export /boot", hint="Run etcsync as root.")


def _bring(settings: Settings, options: SyncOptions) -> BootChange:
    done = bring_server(settings, again=True)
    lines = BootLines(settings)
    changed, warnings = _bring_lines(settings, lines, options)
    warnings += lines.warnings.values()
    return BootChange((*done, *changed), tuple(warnings), boot_status(settings))


def _bring_lines(
    settings: Settings, lines: BootLines, options: SyncOptions
) -> tuple[list[str], list[str]]:
    """Put the clients' lines right; return what was done, and what could not be."""
    records = base_records(settings, settings.clients)
    clients = [each for each in _to_put_right(settings) if each.name in records]
    done, warnings = [], []
    for run in intervene(settings, clients, lines.intervention(Cause.BOOT), options):
        if run.error:
            hint = f"; {run.error.hint}" if run.error.hint else ""
            warnings.append(f"{FSTAB} of {run.name}: {run.error.message}{hint}")
        elif run.unmet:
            warnings += [f"{path} of {run.name}: {reason}" for path, reason in run.unmet]
        elif run.chosen:
            what = "added the line for /boot to" if run.name == settings.boot.writer else (
                "removed the line for /boot from"
            )  # fmt: skip
            done.append(f"{what} the {FSTAB} of {run.name}")
    return done, warnings


def _to_put_right(settings: Settings) -> Iterable[Client]:
    """Yield the clients whose fstab is not as it should be, or cannot be read; the writer last."""
    in_order = sorted(settings.clients, key=lambda each: each.name == settings.boot.writer)
    for client in in_order:
        try:
            content = live_fstab(settings, client.name)
            if with_line(settings, client.name, content) != content:
                yield client
        except (TreeError, FstabError):
            if client.name == settings.boot.writer:
                yield client
