"""The pieces on the server of a writable /boot: directory, bind mount, fstab line, export.

Each is brought to what the settings say; what is right already is left alone, so that a call that
was killed is completed by the next. What the settings do not want any more goes first, the export
before everything: no two clients are ever exported /boot.
"""

import os
from collections.abc import Callable
from contextlib import suppress

from etcsync.atomic_file import write_file
from etcsync.config import Settings
from etcsync.errors import EtcsyncError, SettingsError
from etcsync.host.bind import Bound, bind, bound, reload_fstab, unbind
from etcsync.host.exports import read_exported, read_text
from etcsync.host.exports_format import Export, parse_exports
from etcsync.host.fstab import FstabError, FstabLine, has_block, has_line, with_block, without_block
from etcsync.logs import get_logger
from etcsync.reconcile.boot_lines import client_line
from etcsync.reconcile.boot_record import BootRecord, read_record, wanted_record, write_record
from etcsync.reconcile.exporting import bring_exports, repair_exports
from etcsync.reconcile.exports_state import (
    lines_elsewhere,
    no_boot_writer,
    resolved,
    wanted_exports,
)

log = get_logger()


def bring_server(settings: Settings, *, again: bool = False) -> list[str]:
    """Bring exports and the pieces of /boot to what the settings say; the lock is held.

    Args:
        settings: The settings.
        again: Try exports that were refused before.

    Returns:
        What was done, in sentences; nothing where all was right, or nothing is managed.

    Raises:
        EtcsyncError: Something stands in the way; what comes after it was not done.
    """
    done: list[str] = []
    record = read_record(settings)
    if settings.boot.writer or record:
        refuse_hand_made(settings)
        done += _withdraw(settings, record, again=again)
        if record and (not settings.boot.writer or record != wanted_record(settings)):
            done += _take_down(record)
        if settings.boot.writer:
            refuse_unfit(settings)
            write_record(settings)
            done += _set_up(wanted_record(settings))
    if repair_exports(settings, again=again):
        done.append(f"exported what {settings.exports.file} says")
    for each in done:
        log.info("server repaired", done=each)
    return done


def refuse_unfit(settings: Settings) -> None:
    """Refuse a writer to whom /boot cannot be exported alone.

    Raises:
        SettingsError: The settings lack an address, or the source is no directory.
    """
    writer = settings.client(settings.boot.writer)
    if obstacle := no_boot_writer(writer):
        raise SettingsError(
            f"{writer.name} cannot be the one that writes /boot: {obstacle}",
            hint=f"Give it one address: `etcsync client add {writer.name} --address ADDRESS`.",
        )
    if client_line(settings) is None:
        raise SettingsError(
            "the settings do not say by which address clients reach this server",
            hint="Set address in [server] of the settings.",
        )
    if not os.path.isdir(settings.boot.source):
        raise SettingsError(
            f"{settings.boot.source} is no directory", hint="Set source in [boot] of the settings."
        )


def refuse_hand_made(settings: Settings) -> None:
    """Refuse to go on where another file exports /boot: it could not be withdrawn.

    Raises:
        EtcsyncError: One does.
    """
    place = os.path.realpath(settings.boot.mount)
    lines = [
        each for each in lines_elsewhere(settings) if os.path.realpath(each.export.path) == place
    ]
    if lines:
        named = "; ".join(f"{each.place}: {each.text}" for each in lines)
        raise EtcsyncError(
            f"{settings.boot.mount} is exported by a line that etcsync does not write: {named}",
            hint="Remove that line, then run this again; etcsync writes its own.",
        )


def fstab_line(record: BootRecord) -> FstabLine:
    """Return the line of the server's fstab."""
    return FstabLine(record.source, record.mount, "none", "bind")


def read_fstab(path: str) -> bytes:
    """Return the content of the server's fstab; empty where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def exported_elsewhere(settings: Settings, record: BootRecord | None) -> list[Export]:
    """Return the exports of /boot, now or in the managed file, to others than its writer."""
    boot = settings.boot
    places = {os.path.realpath(boot.mount)} | (
        {os.path.realpath(record.mount)} if record else set()
    )
    allowed = None
    if boot.writer:
        address = settings.client(boot.writer).address
        allowed = resolved(Export(boot.mount, address, "")).key
    written = parse_exports(read_text(settings.exports.file) or "")
    now = (settings.exports.command and read_exported()) or ()
    exports = [*now, *(line.export for line in written)]
    keys = {resolved(each).key: each for each in exports}
    return [each for key, each in keys.items() if key[0] in places and key != allowed]


def _withdraw(settings: Settings, record: BootRecord | None, *, again: bool) -> list[str]:
    """Take /boot from every client but its writer, and make sure that it is gone."""
    others = exported_elsewhere(settings, record)
    if not others:
        return []
    bring_exports(settings, wanted_exports(settings, boot=False), again=again)
    for left in exported_elsewhere(settings, record):
        raise EtcsyncError(
            f"{left.path} is still exported to {left.client}",
            hint=f"Withdraw it: `exportfs -u {left.client}:{left.path}`; then run this again.",
        )
    return [f"withdrew {each.path} from {each.client}" for each in others]


def _take_down(record: BootRecord) -> list[str]:
    done = []
    if bound(record.source, record.mount) is Bound.RIGHT:
        unbind(record.source, record.mount, record.fstab)
        done.append(f"unmounted {record.mount}")
    if _rewrite(record.fstab, without_block):
        done.append(f"removed the line for {record.mount} from {record.fstab}")
    if os.path.isdir(record.mount) and bound(record.source, record.mount) is Bound.NOTHING:
        with suppress(OSError):  # what somebody has put into it stays
            os.rmdir(record.mount)
            done.append(f"removed {record.mount}")
    return done


def _set_up(record: BootRecord) -> list[str]:
    done = []
    found = bound(record.source, record.mount)
    if found is Bound.OTHER:
        raise EtcsyncError(
            f"something else than {record.source} is mounted at {record.mount}",
            hint=f"See `findmnt {record.mount}`; unmount it, or set another mount in [boot].",
        )
    if not os.path.isdir(record.mount):
        os.makedirs(record.mount, 0o755)
        done.append(f"made {record.mount}")
    content, line = read_fstab(record.fstab), fstab_line(record)
    needed = has_block(content) or not has_line(content, line)
    if needed and _rewrite(record.fstab, lambda text: with_block(text, line)):
        done.append(f"added the line for {record.mount} to {record.fstab}")
    if found is Bound.NOTHING:
        bind(record.source, record.mount, record.fstab)
        done.append(f"mounted {record.source} at {record.mount}")
    return done


def _rewrite(path: str, change: Callable[[bytes], bytes]) -> bool:
    """Write what ``change`` makes of the server's fstab; return whether that is anything else."""
    content = read_fstab(path)
    try:
        wanted = change(content)
    except FstabError as error:
        raise EtcsyncError(
            f"{path}: {error}", hint="Put them right by hand, then run this again."
        ) from error
    if wanted == content:
        return False
    write_file(os.path.realpath(path), wanted)
    reload_fstab(path)
    return True
