"""What a scan is told and what it finds."""

import math
import time
from collections.abc import Callable, Container, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from etcsync.entries import Entry, FileRecord, StatKey
from etcsync.errors import TreeError
from etcsync.policy.treatment import Treatment
from etcsync.tree.beneath import OpenTree
from etcsync.tree.imprint import Differences
from etcsync.tree.metadata_file import Beside

WarningKind = Literal["special", "oversized", "nested-git", "name", "unreadable", "gitfile"]


class TreeWarning(NamedTuple):
    """Something in a tree that is not recorded, and why."""

    path: str
    kind: WarningKind
    detail: str


class Limits(NamedTuple):
    """How much of a tree is taken in.

    Attributes:
        file_size: Bytes of the longest file that is recorded, where no longer version is known.
        entries: Names in the whole tree; a tree with more is refused.
        depth: Directories inside each other; deeper ones are reported.
        seconds: Time for a tree's own ``.gitignore`` rules; a tree that needs more is refused.
        until: The moment of `time.monotonic` by which all has been seen; else the tree is refused.
    """

    file_size: int = 8 * 1024 * 1024
    entries: int = 200_000
    depth: int = 256
    seconds: float = 10.0
    until: float = math.inf

    def check_time(self, tree: str) -> None:
        """Ask before each directory and each reading of a file whether to go on.

        Raises:
            TreeError: The time is up.
        """
        if time.monotonic() > self.until:
            raise TreeError(
                f"Looking at {tree} takes longer than limits.max_look_time; it was left alone.",
                hint="Is its disk slow, or does the client keep its files busy? See what is large"
                f" or new there (`du -a {tree}`); or raise the limit.",
            )


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a tree before it is scanned.

    Attributes:
        paths: All paths, directories too, that base, upstream or the last record have; they are
            looked at whatever ``.gitignore`` says.
        records: What was recorded of files and links: their state, and the blob.
        oids: Blobs that need not be stored again.
        longest: Gives the bytes of the longest version that is known of a path; asked only about
            files over the limit.
        to_be_written: Directories whose listings are asked for.
    """

    paths: AbstractSet[str] = frozenset()
    records: Mapping[str, FileRecord] = field(default_factory=dict)
    oids: Container[str] = frozenset()
    longest: Callable[[str], int] = lambda _: 0
    to_be_written: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Terms:
    """What one look is at, and how; as for `etcsync.tree.scan.scan`.

    Attributes:
        tree: The open tree.
        known: What the last record, base and upstream say.
        treatment: The policy for a path.
        limits: How much is taken in.
        ownership: False, where owner and group count as root's.
    """

    tree: OpenTree
    known: Known
    treatment: Callable[[str], Treatment]
    limits: Limits
    ownership: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """What stands in a tree.

    Attributes:
        entries: What is recorded: files, links and directories, the top among them.
        unmanaged: What policy ignores, by kind and metadata; and, as `Kind.OTHER`, what cannot be
            recorded: special files, files over the limit, what cannot be read, mount points. Of
            what lies beneath a directory of that kind nothing is known.
        hidden: What ``.gitignore`` hides, by kind and metadata.
        mirrored: Paths of strategy mirror that are not known, as `mirror_entry` gives them.
        stats: The states of those files and links, in directories that were visited, whose next
            change is sure to show.
        restated: Those among them that were not in their recorded state: they were read.
        warnings: In the order found.
        gitfile: Content of the ``.git`` at the top, if that is a small regular file.
        git_obstructed: Something else stands there.
        imprints: By directory, its imprint as it was listed; see `etcsync.tree.imprint`.
        listings: Of the directories that were asked for, if they have an imprint, the texts of the
            listings.
        shadowed: Known directories that ``.gitignore`` rules match.
        beside: What `etcsync.tree.metadata_file.generate` needs besides entries.
    """

    entries: dict[str, Entry]
    unmanaged: dict[str, Entry]
    hidden: dict[str, Entry]
    mirrored: dict[str, Entry]
    stats: dict[str, StatKey]
    restated: frozenset[str]
    warnings: tuple[TreeWarning, ...]
    gitfile: bytes | None
    git_obstructed: bool
    imprints: dict[str, str]
    listings: dict[str, bytes]
    shadowed: frozenset[str]
    beside: Beside


@dataclass(frozen=True, slots=True)
class Remembered:
    """What stood in a tree at an earlier look, and where something may be different now.

    Attributes:
        found: What the earlier scan found; all of it is recorded. Its imprints name every
            directory that was there.
        differences: Where to look again; in all other directories nothing has changed.
        content: Gives the content of a blob.
    """

    found: Scan
    differences: Differences
    content: Callable[[str], bytes]
