"""What a scan has found so far, sorted by what becomes of it."""

import os
from collections.abc import Callable

from etcsync.entries import ROOT, Entry, Kind, StatKey, blob_oid, parent
from etcsync.errors import TreeError
from etcsync.policy.treatment import Strategy
from etcsync.tree.beside import anything_hidden
from etcsync.tree.imprint import UNSETTLED, Listing
from etcsync.tree.metadata_file import Beside
from etcsync.tree.reading import entry_of, stat_key
from etcsync.tree.scanned import Scan, Terms, TreeWarning, WarningKind


class Findings:
    """The growing result of one scan; the attributes are those of `Scan`, and one more.

    Attributes:
        occupied: As in `Beside`.
    """

    def __init__(self, terms: Terms, store: Callable[[bytes], str]) -> None:
        self._terms = terms
        self._store = store
        self._stored: set[str] = set()
        self.entries: dict[str, Entry] = {}
        self.unmanaged: dict[str, Entry] = {}
        self.hidden: dict[str, Entry] = {}
        self.mirrored: dict[str, Entry] = {}
        self.stats: dict[str, StatKey] = {}
        self.restated: set[str] = set()
        self.warnings: list[TreeWarning] = []
        self.occupied: set[str] = set()
        self.shadowed: set[str] = set()
        self.imprints: dict[str, str] = {}
        self.listings: dict[str, bytes] = {}
        self.gitfile: bytes | None = None
        self.git_obstructed = False

    def missing(self) -> set[str]:
        """Return the known paths of which nothing has been found."""
        found = (self.entries, self.unmanaged, self.mirrored, self.hidden)
        return set(self._terms.known.paths).difference(*found)

    def warn(self, path: str, kind: WarningKind, detail: str) -> None:
        """Note that something is not recorded."""
        self.warnings.append(TreeWarning(path, kind, detail))

    def refuse(self, path: str, plain: Entry, kind: WarningKind, detail: str) -> None:
        """Keep what cannot be recorded; a warning says so unless it would not be anyway."""
        barred = plain._replace(kind=Kind.OTHER)
        if path in self.hidden:
            self.hidden[path] = barred
            return
        self.forget(path)
        self.unmanaged[path] = barred
        if self._terms.treatment(path).strategy is not Strategy.IGNORE:
            self.warn(path, kind, detail)

    def forget(self, path: str) -> None:
        """Take back what was found at ``path``."""
        for found in (self.entries, self.unmanaged, self.hidden, self.mirrored):
            found.pop(path, None)

    def remember(self, earlier: Scan) -> None:
        """Begin with what an earlier scan found, of which nothing was worth a warning."""
        self.entries.update(earlier.entries)
        self.unmanaged.update(earlier.unmanaged)
        self.hidden.update(earlier.hidden)
        self.mirrored.update(earlier.mirrored)
        self.imprints.update(earlier.imprints)
        self.shadowed.update(earlier.shadowed)
        self.gitfile = earlier.gitfile

    def note_listing(self, directory: str, listing: Listing, moment: int) -> None:
        """Keep what tells later whether anything in a directory has changed; see `Listing`."""
        imprint = listing.imprint(moment)
        self.imprints[directory] = imprint
        if imprint != UNSETTLED and directory in self._terms.known.to_be_written:
            self.listings[directory] = listing.text

    def forget_names_in(self, directory: str) -> None:
        """Take back what was found at the names in a directory, but not what is further below."""
        self._forget_where(lambda path: path != ROOT and parent(path) == directory)
        if directory == ROOT:
            self.gitfile, self.git_obstructed = None, False

    def forget_beneath(self, directory: str) -> None:
        """Take back all that was found beneath a directory, at any depth."""
        prefix = directory + "/"
        self._forget_where(lambda path: path.startswith(prefix))
        for path in [p for p in self.imprints if p == directory or p.startswith(prefix)]:
            del self.imprints[path]

    def _forget_where(self, applies: Callable[[str], bool]) -> None:
        for found in (self.entries, self.unmanaged, self.hidden, self.mirrored):
            for path in [path for path in found if applies(path)]:
                del found[path]
        self.shadowed = {path for path in self.shadowed if not applies(path)}

    def record(self, path: str, status: os.stat_result, content: bytes, *, settled: bool) -> None:
        """Keep a file or link with its content, which is stored where it is new.

        Raises:
            TreeError: It could not be stored; that is no fault of the tree's.
        """
        oid = blob_oid(content)
        if oid not in self._terms.known.oids and oid not in self._stored:
            try:
                self._stored.add(self._store(content))
            except OSError as error:
                raise TreeError(
                    f"What {path} holds could not be stored: {error.strerror}.",
                    hint="Check the file system of state_dir (`df`, the kernel's log).",
                ) from error
        self.entries[path] = entry_of(status, oid, ownership=self._terms.ownership)
        if settled:
            self.stats[path] = stat_key(status)
            self.restated.add(path)

    def result(self) -> Scan:
        """Return all that was found."""
        hides = anything_hidden(self.entries, self.hidden, self.shadowed)
        visible = {p: entry for p, entry in self.mirrored.items() if p not in self.hidden}
        return Scan(
            entries=self.entries,
            unmanaged=self.unmanaged,
            hidden=self.hidden,
            mirrored=self.mirrored,
            stats=self.stats,
            restated=frozenset(self.restated),
            warnings=tuple(self.warnings),
            gitfile=self.gitfile,
            git_obstructed=self.git_obstructed,
            imprints=self.imprints,
            listings=self.listings,
            shadowed=frozenset(self.shadowed),
            beside=Beside(self.unmanaged | visible, self.hidden, hides, self.occupied),
        )
