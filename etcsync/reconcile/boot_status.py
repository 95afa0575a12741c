"""What of a writable /boot is there, and what is missing; nothing is written."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from etcsync.config import Settings
from etcsync.errors import TreeError
from etcsync.host.bind import Bound, bound
from etcsync.host.exports import read_exported, read_text
from etcsync.host.exports_format import Export, parse_exports
from etcsync.host.fstab import FstabError, has_block, has_line, mounts
from etcsync.reconcile.boot_lines import client_line, live_fstab, with_line
from etcsync.reconcile.boot_pieces import exported_elsewhere, fstab_line, read_fstab
from etcsync.reconcile.boot_record import read_record, wanted_record
from etcsync.reconcile.exports_state import no_boot_writer, resolved

REVOKE = "etcsync boot revoke"


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a writable /boot.

    Attributes:
        name: ``directory``, ``bind-mount``, ``server-fstab``, ``export``, ``client-fstab``; or
            ``left-over`` for one that should not be there.
        present: Whether it is as it should be.
        what: What it is, or why it is not so.
        remedy: The command that mends it; None where nothing is to be mended.
    """

    name: str
    present: bool
    what: str
    remedy: str | None


@dataclass(frozen=True, slots=True)
class BootStatus:
    """The state of a writable /boot.

    Attributes:
        writer: The client that may write it, or None.
        pieces: The pieces that should be there, then those that should not.
    """

    writer: str | None
    pieces: tuple[Piece, ...]

    @property
    def complete(self) -> bool:
        """Whether everything is as the settings want it."""
        return all(piece.present for piece in self.pieces)


def boot_status(settings: Settings) -> BootStatus:
    """Compare what is there with what the settings want.

    Raises:
        StateError: It is not known what was set up.
    """
    writer = settings.boot.writer
    pieces = (*(_pieces(settings) if writer else ()), *_left_overs(settings))
    return BootStatus(writer or None, pieces)


def _pieces(settings: Settings) -> Iterator[Piece]:
    record, writer = wanted_record(settings), settings.client(settings.boot.writer)
    grant = f"etcsync boot grant {writer.name}"
    yield _piece("directory", os.path.isdir(record.mount), record.mount, grant)
    found = bound(record.source, record.mount)
    what = f"{record.source} at {record.mount}"
    if found is Bound.OTHER:
        yield Piece("bind-mount", False, f"something else is mounted at {record.mount}",
                    f"umount {record.mount}; then {grant}")  # fmt: skip
    else:
        yield _piece("bind-mount", found is Bound.RIGHT, what, grant)
    line = fstab_line(record)
    there = has_line(read_fstab(record.fstab), line)
    yield _piece("server-fstab", there, f"`{line.text}` in {record.fstab}", grant)
    if obstacle := no_boot_writer(writer):
        yield Piece(
            "export", False, obstacle, f"etcsync client add {writer.name} --address ADDRESS"
        )
    else:
        wanted = Export(record.mount, writer.address, settings.exports.client_options)
        there = _is_exported(settings, wanted)
        yield _piece("export", there, f"{record.mount} to {writer.address}", grant)
    yield _client_piece(settings, writer.name, grant)


def _client_piece(settings: Settings, name: str, grant: str) -> Piece:
    line = client_line(settings)
    if line is None:
        what = "the settings do not say by which address clients reach this server"
        return Piece("client-fstab", False, what, "set address in [server] of the settings")
    try:
        content = live_fstab(settings, name)
        there = mounts(content, line) and with_line(settings, name, content) == content
    except (TreeError, FstabError) as error:
        return Piece("client-fstab", False, str(error), f"mend it, then {grant}")
    return _piece("client-fstab", there, f"`{line.text}` in the fstab of {name}", grant)


def _left_overs(settings: Settings) -> Iterator[Piece]:
    boot, record = settings.boot, read_record(settings)
    if not boot.writer and record is None:
        return
    found = [
        f"{export.path} is exported to {export.client}"
        for export in exported_elsewhere(settings, record)
    ]
    found += [
        f"the fstab of {client.name} has the line for /boot"
        for client in settings.clients
        if client.name != boot.writer and _is_marked(settings, client.name)
    ]
    if record:
        mount_moved = not boot.writer or record.mount != boot.mount
        if mount_moved and bound(record.source, record.mount) is Bound.RIGHT:
            found.append(f"{record.source} is mounted at {record.mount}")
        fstab_moved = not boot.writer or record.fstab != boot.fstab
        if fstab_moved and has_block(read_fstab(record.fstab)):
            found.append(f"{record.fstab} has the line for {record.mount}")
    mend = f"etcsync boot grant {boot.writer}" if boot.writer else REVOKE
    for what in found:
        yield Piece("left-over", False, what, mend)


def _is_marked(settings: Settings, name: str) -> bool:
    try:
        return has_block(live_fstab(settings, name))
    except TreeError:
        return False


def _is_exported(settings: Settings, wanted: Export) -> bool:
    """Whether the managed file says so, and as far as that is known, it is so."""
    written = [line.export for line in parse_exports(read_text(settings.exports.file) or "")]
    now = read_exported() if settings.exports.command else None
    return all(
        any(
            resolved(each).key == resolved(wanted).key and each.meaning == wanted.meaning
            for each in exports
        )
        for exports in (written, now)
        if exports is not None
    )


def _piece(name: str, present: bool, what: str, remedy: str) -> Piece:
    return Piece(name, present, what, None if present else remedy)
