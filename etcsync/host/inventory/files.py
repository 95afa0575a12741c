"""Reading inventory files and the further files that they name, within bounds.

Only regular files are read, and each once. Relative paths start at the folder of the file that
names them.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from etcsync.errors import UsageError
from etcsync.host.inventory.formats import READERS, guess_format
from etcsync.host.inventory.model import Format, Include, Reading, Remark

MAX_FILE_SIZE = 4 * 1024**2
"""Bytes of one file."""
MAX_FILES = 2000
MAX_DEPTH = 8
"""Files that lead from one to the next."""


def read_inventory(files: Sequence[str], format_: Format | None = None) -> list[Reading]:
    """Return what ``files`` and the files named in them say.

    A further file that cannot be read is a remark where it is named.

    Args:
        files: The files to begin with.
        format_: What they are; None: each is what it looks like.

    Raises:
        UsageError: One of ``files`` cannot be read, or does not tell its format.
    """
    gatherer = _Gatherer()
    for file in files:
        try:
            text = gatherer.text(file)
        except _UnreadableError as error:
            raise UsageError(f"{file} {error}") from error
        if text is None:
            continue
        known = format_ or guess_format(file, text)
        if known is None:
            raise UsageError(
                f"{file} does not tell what format it has",
                hint=f"Name it with --format: {', '.join(Format)}.",
            )
        gatherer.read(file, text, known)
    return gatherer.readings


class _UnreadableError(Exception):
    """Why a file was not read; continues a sentence that begins with its name."""


@dataclass(slots=True)
class _Gatherer:
    readings: list[Reading] = field(default_factory=list)
    seen: set[tuple[int, int]] = field(default_factory=set)

    def read(self, file: str, text: str, format_: Format, depth: int = 1) -> None:
        """Read one file's text, and then the files that it names."""
        reading = READERS[format_](text, file)
        self.readings.append(reading)
        for include in reading.includes:
            if depth == MAX_DEPTH:
                self._leave_out(include, f"is more than {MAX_DEPTH} files away")
                continue
            try:
                for path in _paths(file, include):
                    if (further := self.text(path)) is not None:
                        self.read(path, further, include.format, depth + 1)
            except _UnreadableError as error:
                self._leave_out(include, str(error))

    def _leave_out(self, include: Include, why: str) -> None:
        self.readings.append(Reading(remarks=(Remark(include.place, f"{include.path} {why}"),)))

    def text(self, path: str) -> str | None:
        """Return a file's text, or None where it was read before."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:
                state = os.fstat(file.fileno())
                if not stat.S_ISREG(state.st_mode):
                    raise _UnreadableError("is not a regular file")
                if (state.st_dev, state.st_ino) in self.seen:
                    return None
                if len(self.seen) >= MAX_FILES:
                    raise _UnreadableError(f"is one file more than the {MAX_FILES} that are read")
                content = file.read(MAX_FILE_SIZE + 1)
        except OSError as error:
            raise _UnreadableError(f"cannot be read: {error.strerror}") from error
        if len(content) > MAX_FILE_SIZE:
            raise _UnreadableError(f"is larger than {MAX_FILE_SIZE} bytes")
        self.seen.add((state.st_dev, state.st_ino))
        return content.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


def _paths(file: str, include: Include) -> Iterator[str]:
    """Yield the files that an include means, those of a directory by name."""
    path = os.path.join(os.path.dirname(file), include.path)
    if include.kind == "file" or (include.kind == "either" and not os.path.isdir(path)):
        yield path
        return
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise _UnreadableError(f"cannot be read: {error.strerror}") from error
    for name in names:
        below = os.path.join(path, name)
        if _is_wanted(name, include) and not os.path.isdir(below):
            yield below


def _is_wanted(name: str, include: Include) -> bool:
    """Return whether dnsmasq reads a file of that name in a directory."""
    if name.startswith((".", "#")) or name.endswith(("~", "#")):
        return False
    if include.only and not name.endswith(include.only):
        return False
    return not (include.without and name.endswith(include.without))
