"""One file that etcsync puts into a system and takes away again, without touching others' files."""

import os
import stat
from dataclasses import dataclass
from enum import StrEnum

from etcsync.atomic_file import write_file
from etcsync.errors import EtcsyncError
from etcsync.host.rootfs import path_in_root
from etcsync.shipped import shipped_folder

SIGNATURE = b"Written by `etcsync hooks install`"
"""Stands in one of the first two lines of all that is ours."""


class State(StrEnum):
    """What is at a hook's place: ours as it should be, ours but different, nothing, another's."""

    INSTALLED = "installed"
    OUTDATED = "outdated"
    MISSING = "missing"
    FOREIGN = "foreign"


class ForeignFileError(EtcsyncError):
    """The place of a hook is taken by something that etcsync did not write."""


@dataclass(frozen=True)
class HookFile:
    """A file that is to be in a system.

    Attributes:
        name: What it plugs into: ``alpm``, ``apt``, ``etckeeper`` or ``systemd``.
        system: The directory that is ``/`` to the system.
        place: The file's path in it.
        content: What it holds.
        mode: Its permission bits.
    """

    name: str
    system: str
    place: str
    content: bytes
    mode: int = 0o644

    @property
    def path(self) -> str:
        """Where it lies on this machine; links that lead there are resolved as within the system.

        Raises:
            UpstreamError: The links turn in a circle.
        """
        folder, name = os.path.split(self.place)
        return os.path.join(path_in_root(self.system, folder), name)


def template(path: str) -> str:
    """Return the text of a file in the folder ``hooks``."""
    with open(os.path.join(shipped_folder("hooks"), path), encoding="utf-8") as file:
        return file.read()


def state(file: HookFile) -> State:
    """Return what is at the file's place.

    Raises:
        UpstreamError: The links that lead there turn in a circle.
        OSError: It cannot be looked at.
    """
    try:
        status = os.lstat(file.path)
    except FileNotFoundError:
        return State.MISSING
    if not stat.S_ISREG(status.st_mode):
        return State.FOREIGN
    with open(file.path, "rb") as present:
        content = present.read(len(file.content) + 1)
    if SIGNATURE not in b"\n".join(content.split(b"\n", 2)[:2]):
        return State.FOREIGN
    same = content == file.content and stat.S_IMODE(status.st_mode) == file.mode
    return State.INSTALLED if same else State.OUTDATED


def install(file: HookFile) -> bool:
    """Put the file in place, if it is not there as it should be; return whether that was so.

    Raises:
        ForeignFileError: Something that is not etcsync's is there; it stays.
        EtcsyncError: As `state`.
        OSError: It cannot be written; nothing has changed.
    """
    match state(file):
        case State.INSTALLED:
            return False
        case State.FOREIGN:
            raise ForeignFileError(
                f"{file.path} is not etcsync's: it stays as it is",
                hint="Move it away, then install again.",
            )
        case found:
            os.makedirs(os.path.dirname(file.path), exist_ok=True)
            replace = found is State.OUTDATED
            write_file(file.path, file.content, mode=file.mode, replace=replace, inherit=False)
            return True


def remove(file: HookFile) -> bool:
    """Take the file away, if etcsync's is there; return whether that was so.

    Raises:
        EtcsyncError: As `state`.
        OSError: It cannot be removed.
    """
    if state(file) in {State.MISSING, State.FOREIGN}:
        return False
    os.unlink(file.path)
    return True
