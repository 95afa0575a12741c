"""The walk over a live tree, directory by directory.

Directories are entered through `etcsync.tree.beneath` alone. A file is read only when its state
differs from the one recorded with its content; and what cannot be recorded is reported, never
guessed. The walk keeps a list of directories to visit, so that depth costs neither stack nor
descriptors.
"""

import os
import sys
import time
from dataclasses import dataclass, field

from etcsync.entries import ROOT, Entry, FileRecord, Kind, encode_path, parent
from etcsync.errors import TreeError
from etcsync.policy.treatment import Strategy
from etcsync.tree import beneath, ignore
from etcsync.tree.beneath import Place
from etcsync.tree.findings import Findings
from etcsync.tree.imprint import listing_of
from etcsync.tree.intake import CHANGED_KIND, VANISHED, Intake, Visit, reason
from etcsync.tree.reading import LOW_BITS, entry_of
from etcsync.tree.scanned import Scan, Terms
from etcsync.tree.tree_rules import TreeRules

_LONG = 256
"""Names beneath a path of this length count double, and so on: long paths take memory too."""


@dataclass
class Scanner:
    """One walk.

    Attributes:
        terms: What is looked at, and how.
        found: What has been found so far.
        rules: The tree's own ``.gitignore`` rules.
        intake: Takes in what is not in its recorded state.
        pending: Directories to be visited.
        visited: The directories that were, by path.
        count: The names that were met; of a long path more than one.
    """

    terms: Terms
    found: Findings
    rules: TreeRules
    intake: Intake
    pending: list[Visit] = field(default_factory=list)
    visited: dict[str, Visit] = field(default_factory=dict)
    count: int = 0

    def walk(self) -> Scan:
        """Visit all directories and return what was found."""
        self.pending.append(self.top())
        self.visit_pending()
        return self.result()

    def top(self) -> Visit:
        """Take in the tree's own directory, and return it to be visited."""
        plain = entry_of(os.fstat(self.terms.tree.descriptor), ownership=self.terms.ownership)
        self.found.entries[ROOT] = plain
        return Visit(ROOT, plain, (), hidden=False)

    def result(self) -> Scan:
        """Look once more for what was missing or in motion; return all that was found.

        Some file systems leave a name out of a listing while it is being replaced.
        """
        for path in sorted(self.intake.again | self.found.missing()):
            if parent(path) in self.visited:
                self._look_again(path, self.visited[parent(path)])
        self.visit_pending()
        return self.found.result()

    def visit_pending(self) -> None:
        """Visit what is pending, and all that is met beneath."""
        while self.pending:
            self.visit(self.pending.pop())

    def visit(self, visit: Visit) -> None:
        """Take in the names in one directory; directories among them are pending then."""
        self.terms.limits.check_time(self.terms.tree.path)
        moment = time.time_ns()
        try:
            descriptor = self.terms.tree.open_directory(visit.path)
        except OSError as error:
            self._bar(visit, error)
            return
        try:
            left = self.terms.limits.entries - self.count
            children = beneath.list_directory(descriptor, left)
            own = os.fstat(descriptor) if visit.path == ROOT else None
            self.found.note_listing(visit.path, listing_of(children, own), moment)
            self._children(visit, descriptor, children)
        except OSError as error:
            self._bar(visit, error)
        finally:
            os.close(descriptor)

    def _bar(self, visit: Visit, error: OSError) -> None:
        """Deal with a directory that cannot be entered or listed."""
        if visit.path == ROOT:
            raise TreeError(
                f"The tree {self.terms.tree.path} cannot be read: {reason(error)}.",
                hint="Check the file system that it lies on (`mount`, the kernel's log).",
            ) from error
        self.found.imprints.pop(visit.path, None)
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
        record_of, treatment = self.terms.known.records.get, self.terms.treatment
        low_bits = LOW_BITS
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
        self.found.entries[path] = entry_of(status, record.oid, ownership=self.terms.ownership)

    def _count(self, names: int) -> None:
        self.count += names
        most = self.terms.limits.entries
        if self.count > most:
            raise TreeError(
                f"The tree {self.terms.tree.path} holds more than {most} names.",
                hint="Find what fills it and move it elsewhere.",
            )

    def _look_again(self, path: str, visit: Visit) -> None:
        try:
            with self.terms.tree.place(path) as place:
                self._take(place, path, beneath.lstat(place), visit)
        except OSError as error:
            if error.errno not in VANISHED | CHANGED_KIND:
                unknown = Entry(Kind.OTHER, "", 0, 0, 0)
                self.found.refuse(path, unknown, "unreadable", reason(error))

    def _take(self, place: Place, path: str, status: os.stat_result, visit: Visit) -> None:
        below = self.intake.take(place, path, status, visit)
        if below is not None:
            self.pending.append(below)
