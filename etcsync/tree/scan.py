"""The walk over a live tree: what stands there now, found without trusting any of it.

Directories are entered through `etcsync.tree.beneath` alone. A file is read only when its state
differs from the one recorded with its content; and what cannot be recorded is reported, never
guessed. The walk keeps a list of directories to visit, so that depth costs neither stack nor
descriptors.
"""

import os
import sys
from collections.abc import Callable

from etcsync.entries import ROOT, Entry, FileRecord, Kind, encode_path, parent
from etcsync.errors import TreeError
from etcsync.policy.treatment import Strategy, Treatment
from etcsync.tree import beneath, ignore
from etcsync.tree.beneath import OpenTree, Place
from etcsync.tree.findings import Findings
from etcsync.tree.ignore import Hides
from etcsync.tree.intake import CHANGED_KIND, VANISHED, Intake, Visit, reason
from etcsync.tree.reading import LOW_BITS, entry_of
from etcsync.tree.scanned import Known, Limits, Scan
from etcsync.tree.tree_rules import TreeRules

_LONG = 256
"""Names beneath a path of this length count double, and so on: long paths take memory too."""


def scan(
    tree: OpenTree,
    known: Known,
    treatment: Callable[[str], Treatment],
    hides: Hides,
    store: Callable[[bytes], str],
    *,
    limits: Limits = Limits(),  # noqa: B008 (immutable)
    ownership: bool = True,
) -> Scan:
    """Walk a tree and return what stands there.

    Args:
        tree: The open tree.
        known: What the last record, base and upstream say.
        treatment: The policy for a path.
        hides: Compiled ``.gitignore`` rules, shared by all scans of a run.
        store: Keeps a content that ``known.oids`` lacks and returns its blob id.
        limits: How much is taken in.
        ownership: False, where not running as root: owner and group count as root's.

    Raises:
        TreeError: The tree is too large, its rules take too long, or its top cannot be read.
    """
    found = Findings(known, treatment, store, ownership=ownership)
    rules = TreeRules(tree, hides, known.records, limits.seconds)
    intake = Intake(tree, known, treatment, limits, ownership, found, rules)
    _Scanner(tree, known, treatment, limits, ownership, found, rules, intake).walk()
    return found.result()


class _Scanner:
    """One walk; see `scan`."""

    def __init__(
        self,
        tree: OpenTree,
        known: Known,
        treatment: Callable[[str], Treatment],
        limits: Limits,
        ownership: bool,
        found: Findings,
        rules: TreeRules,
        intake: Intake,
    ) -> None:
        self.tree = tree
        self.known = known
        self.treatment = treatment
        self.limits = limits
        self.ownership = ownership
        self.found = found
        self.rules = rules
        self.intake = intake
        self.pending: list[Visit] = []
        self.visited: dict[str, Visit] = {}
        self.count = 0

    def walk(self) -> None:
        """Visit all directories, then look once more for what was missing or in motion.

        Some file systems leave a name out of a listing while it is being replaced.
        """
        plain = entry_of(os.fstat(self.tree.descriptor), ownership=self.ownership)
        self.found.entries[ROOT] = plain
        self.pending.append(Visit(ROOT, plain, (), hidden=False))
        self._visit_pending()
        for path in sorted(self.intake.again | self.found.missing()):
            if parent(path) in self.visited:
                self._look_again(path, self.visited[parent(path)])
        self._visit_pending()

    def _visit_pending(self) -> None:
        while self.pending:
            self.limits.check_time(self.tree.path)
            visit = self.pending.pop()
            try:
                descriptor = self.tree.open_directory(visit.path)
            except OSError as error:
                self._bar(visit, error)
                continue
            try:
                left = self.limits.entries - self.count
                self._children(visit, descriptor, beneath.list_directory(descriptor, left))
            except OSError as error:
                self._bar(visit, error)
            finally:
                os.close(descriptor)

    def _bar(self, visit: Visit, error: OSError) -> None:
        """Deal with a directory that cannot be entered or listed."""
        if visit.path == ROOT:
            raise TreeError(
                f"The tree {self.tree.path} cannot be read: {reason(error)}.",
                hint="Check the file system that it lies on (`mount`, the kernel's log).",
            ) from error
        if error.errno in VANISHED | CHANGED_KIND:
            self.found.forget(visit.path)
        else:
            self.found.refuse(visit.path, visit.plain, "unreadable", reason(error))

    def _children(
        self, visit: Visit, descriptor: int, children: list[tuple[str, os.stat_result]]
    ) -> None:
        prefix = "" if visit.path == ROOT else visit.path + "/"
        self._count(len(children) * (1 + len(prefix) // _LONG))
        rules = next((status for name, status in children if name == ignore.FILE_NAME), None)
        if rules is not None and not visit.hidden:
            levels = self.rules.levels(visit.path, descriptor, rules, visit.levels)
            visit = visit._replace(levels=levels)
        self.visited[visit.path] = visit
        # This is the way of nearly every name, so that each call in it counts.
        record_of, treatment, low_bits = self.known.records.get, self.treatment, LOW_BITS
        for name, status in children:
            path = sys.intern(prefix + name)  # in memory once for a fleet of trees
            record = record_of(path)
            if (
                record is None
                or record.stat
                != (
                    status.st_ctime_ns,
                    status.st_mtime_ns,
                    status.st_ino & low_bits,
                    status.st_size & low_bits,
                    status.st_uid,
                    status.st_gid,
                )
                or treatment(path).strategy is Strategy.IGNORE
            ):
                self._take(Place(descriptor, encode_path(name)), path, status, visit)
            else:
                self._take_unchanged(path, status, record)

    def _take_unchanged(self, path: str, status: os.stat_result, record: FileRecord) -> None:
        """Take in what is in its recorded state."""
        self.found.stats[path] = record.stat
        self.found.entries[path] = entry_of(status, record.oid, ownership=self.ownership)

    def _count(self, names: int) -> None:
        self.count += names
        if self.count > self.limits.entries:
            raise TreeError(
                f"The tree {self.tree.path} holds more than {self.limits.entries} names.",
                hint="Find what fills it and move it elsewhere.",
            )

    def _look_again(self, path: str, visit: Visit) -> None:
        try:
            with self.tree.place(path) as place:
                self._take(place, path, beneath.lstat(place), visit)
        except OSError as error:
            if error.errno not in VANISHED | CHANGED_KIND:
                unknown = Entry(Kind.OTHER, "", 0, 0, 0)
                self.found.refuse(path, unknown, "unreadable", reason(error))

    def _take(self, place: Place, path: str, status: os.stat_result, visit: Visit) -> None:
        below = self.intake.take(place, path, status, visit)
        if below is not None:
            self.pending.append(below)
