"""What was set up on the server for a client to write /boot: kept until all of it is gone again.

The settings say what should be. This says what may have to be taken down, after a kill or when the
settings name other places.
"""

import os
from contextlib import suppress
from typing import Literal

from pydantic import Field, ValidationError

from etcsync.atomic_file import write_file
from etcsync.config import Settings
from etcsync.document import Document
from etcsync.errors import StateError
from etcsync.host.exports import read_text


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
        StateError: The file is damaged.
    """
    path = _path(settings)
    text = read_text(path)
    if text is None:
        return None
    try:
        return BootRecord.model_validate_json(text)
    except ValidationError as error:
        raise StateError(
            f"{path} is damaged, so it is not known what was set up for /boot",
            hint="Remove it, then run `etcsync boot status`.",
        ) from error


def write_record(settings: Settings) -> None:
    """Keep where the pieces will be, before the first of them is there."""
    if read_record(settings) != wanted_record(settings):
        text = wanted_record(settings).model_dump_json(by_alias=True, indent=1)
        write_file(_path(settings), f"{text}\n".encode(), mode=0o600)


def forget_record(settings: Settings) -> None:
    """Let go of the record: nothing is left of what it tells."""
    with suppress(FileNotFoundError):
        os.unlink(_path(settings))


def _path(settings: Settings) -> str:
    return os.path.join(settings.state_dir, "boot.json")
