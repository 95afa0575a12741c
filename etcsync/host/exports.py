"""What this server exports, what says so, and the program that makes it so; exportfs(8)."""

import glob
import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from etcsync.host.exports_format import Export, parse_exports
from etcsync.host.rootfs import Outcome, collect

ETAB = "/var/lib/nfs/etab"
"""Where exportfs writes what is exported, all options spelled out, and mountd reads it. What
`exportfs -s` prints is made from it, but leaves options and quotes out."""

EXPORTS = "/etc/exports"
FRAGMENTS = "/etc/exports.d/*.exports"
TIME_LIMIT = 60.0

_DUPLICATES = re.compile(
    r"^exportfs: duplicated export entries:\n(?:exportfs: \t.*(?:\n|\Z)){2}", re.MULTILINE
)

_NOTE = "Neither 'subtree_check' or 'no_subtree_check'"
"""Begins what is said of an export that relies on that default, and is no complaint."""


class OtherLine(NamedTuple):
    """An export that a file says which etcsync does not write.

    Attributes:
        file: The file.
        number: The line, counted from 1.
        text: The line as it stands there.
        export: What it says.
    """

    file: str
    number: int
    text: str
    export: Export

    @property
    def place(self) -> str:
        """The line's place as text."""
        return f"{self.file}:{self.number}"


def read_text(path: str) -> str | None:
    """Return the content of a file, None where there is none; stray bytes become surrogates."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def read_exported() -> tuple[Export, ...] | None:
    """Return what is exported now, or None where that is not to be known."""
    try:
        text = read_text(ETAB)
    except PermissionError:
        return None
    return None if text is None else tuple(line.export for line in parse_exports(text))


def other_lines(own: str) -> Iterator[OtherLine]:
    """Yield the exports that the files exportfs reads have, but for the file ``own``."""
    for path in [EXPORTS, *sorted(glob.glob(FRAGMENTS))]:
        text = None if os.path.realpath(path) == os.path.realpath(own) else read_text(path)
        if text is not None:
            lines = text.split("\n")
            for number, export in parse_exports(text):
                yield OtherLine(path, number, lines[number - 1].strip(), export)


def run_command(command: Sequence[str]) -> Outcome | None:
    """Run the program that exports what the files say; None where there is no such program."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
        )
    except FileNotFoundError:
        return None
    with process:
        return collect(process, time.monotonic() + TIME_LIMIT)


def complaints(output: str, own: str, paths: Iterable[str]) -> list[str]:
    """Return what a failed exportfs said of the file ``own`` or of the directories ``paths``.

    That another file has the very same export makes it fail, though it is exported. Pure.
    """
    ours = "|".join(re.escape(each) for each in (own, *paths))
    named = re.compile(rf"(?:{ours})(?![\w./-])")
    said = _DUPLICATES.sub("", output).splitlines()
    return [line for line in said if named.search(line) and _NOTE not in line]
