"""What was set up on the server for a client to write /boot: kept until all of it is gone again.

The settings say what should be. This says what may have to be taken down, after a kill or when the
settings name other places.
"""

import os
from contextlib import suppress
from typing import Literal

from pydantic import Field

from etcsync.config import Settings
from etcsync.document import Document
from etcsync.reconcile.state_file import StateFile


class BootRecord(Document):
    """Where the pieces of a writable /boot are, or may be.

    Attributes:
        source: The directory that is bind-mounted.
        mount: Where.
        fstab: The server's fstab that has a line for it.
    """

    version: Literal[1] = Field(1, alias="schema")
    source: str
    mount: str
    fstab: str


def wanted_record(settings: Settings) -> BootRecord:
    """Return where the settings want the pieces."""
    boot = settings.boot
    return BootRecord(schema=1, source=boot.source, mount=boot.mount, fstab=boot.fstab)


def read_record(settings: Settings) -> BootRecord | None:
    """Return where pieces may be; None where there are none.

    Raises:
        StateError: The file is damaged or cannot be read.
    """
    return _file(settings).read()


def write_record(settings: Settings) -> None:
    """Keep where the pieces will be, before the first of them is there.

    Raises:
        StateError: The file is damaged or cannot be written.
    """
    if read_record(settings) != wanted_record(settings):
        _file(settings).write(wanted_record(settings))


def forget_record(settings: Settings) -> None:
    """Let go of the record: nothing is left of what it tells."""
    with suppress(FileNotFoundError):
        os.unlink(_file(settings).path)


def _file(settings: Settings) -> StateFile[BootRecord]:
    return StateFile(
        os.path.join(settings.state_dir, "boot.json"),
        BootRecord,
        tells="what was set up for /boot",
        remedy="Remove it, then run `etcsync boot status`.",
    )
