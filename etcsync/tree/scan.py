"""The walk over a live tree: what stands there now, found without trusting any of it.

Directories are entered through `etcsync.tree.beneath` alone. A file is read only when its state
differs from the one recorded with its content; and what cannot be recorded is reported, never
guessed. The walk keeps a list of directories to visit, so that depth costs neither stack nor
descriptors.
"""

import errno
import os
import stat
import time
from collections.abc import Callable
from typing import NamedTuple

from etcsync.entries import GIT_PATH, ROOT, Entry, Kind, encode_path, parent
from etcsync.errors import TreeError
from etcsync.policy.treatment import Strategy, Treatment
from etcsync.tree import beneath, ignore
from etcsync.tree.beneath import STAGING_NAME, OpenTree, Place
from etcsync.tree.findings import Findings
from etcsync.tree.ignore import Hides, Level
from etcsync.tree.names import is_git_directory_name, is_git_modules_name
from etcsync.tree.reading import (
    LOW_32_BITS,
    entry_of,
    is_settled,
    kind_of,
    mirror_entry,
    read_file,
    stat_key,
)
from etcsync.tree.scanned import Known, Limits, Scan
from etcsync.tree.tree_rules import TreeRules

GIT_FILE_LIMIT = 4096
"""Bytes of the ``.git`` file at a tree's top that are read."""

_SPECIAL = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
}
_VANISHED = {errno.ENOENT, errno.ENOTDIR}
_CHANGED_KIND = {errno.ELOOP, errno.EINVAL}
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
    _Scanner(tree, known, treatment, limits, ownership, found, rules).walk()
    return found.result()


class _Visit(NamedTuple):
    """A directory to be entered.

    Attributes:
        path: Where it is.
        plain: Its entry.
        levels: The ``.gitignore`` rules from above, the nearest first.
        hidden: The rules hide it or a directory above it.
    """

    path: str
    plain: Entry
    levels: tuple[Level, ...]
    hidden: bool


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
    ) -> None:
        self.tree = tree
        self.known = known
        self.treatment = treatment
        self.limits = limits
        self.ownership = ownership
        self.found = found
        self.rules = rules
        self.pending: list[_Visit] = []
        self.visited: dict[str, _Visit] = {}
        self.again: set[str] = set()
        self.count = 0

    def walk(self) -> None:
        """Visit all directories, then look once more for what was missing or in motion.

        Some file systems leave a name out of a listing while it is being replaced.
        """
        plain = entry_of(os.fstat(self.tree.descriptor), ownership=self.ownership)
        self.found.entries[ROOT] = plain
        self.pending.append(_Visit(ROOT, plain, (), hidden=False))
        self._visit_pending()
        for path in sorted(self.again | self.found.missing()):
            if parent(path) in self.visited:
                self._look_again(path, self.visited[parent(path)])
        self._visit_pending()

    def _visit_pending(self) -> None:
        while self.pending:
            visit = self.pending.pop()
            try:
                with self.tree.directory(visit.path) as descriptor:
                    children = beneath.list_directory(descriptor)
                    self._children(visit, descriptor, children)
            except OSError as error:
                self._bar(visit, error)

    def _bar(self, visit: _Visit, error: OSError) -> None:
        """Deal with a directory that cannot be entered or listed."""
        if visit.path == ROOT:
            raise TreeError(
                f"The tree {self.tree.path} cannot be read: {_reason(error)}.",
                hint="Check the file system that it lies on; 'etcsync doctor' helps.",
            ) from error
        if error.errno in _VANISHED | _CHANGED_KIND:
            self.found.forget(visit.path)
        else:
            self.found.refuse(visit.path, visit.plain, "unreadable", _reason(error))

    def _children(
        self, visit: _Visit, descriptor: int, children: list[tuple[str, os.stat_result]]
    ) -> None:
        prefix = "" if visit.path == ROOT else visit.path + "/"
        self._count(len(children) * (1 + len(prefix) // _LONG))
        rules = next((status for name, status in children if name == ignore.FILE_NAME), None)
        if rules is not None and not visit.hidden:
            levels = self.rules.levels(visit.path, descriptor, rules, visit.levels)
            visit = visit._replace(levels=levels)
        self.visited[visit.path] = visit
        for name, status in children:
            path = prefix + name
            if not self._is_unchanged(path, status):
                self._take(Place(descriptor, encode_path(name)), path, status, visit)

    def _is_unchanged(self, path: str, status: os.stat_result) -> bool:
        """Take in what is in its recorded state; this is the way of nearly every name."""
        record = self.known.records.get(path)
        if (
            record is None
            or record.stat
            != (
                status.st_ctime_ns,
                status.st_mtime_ns,
                status.st_ino & LOW_32_BITS,
                status.st_size,
                status.st_uid,
                status.st_gid,
            )
            or self.treatment(path).strategy is Strategy.IGNORE
        ):
            return False
        mode = status.st_mode
        if stat.S_ISREG(mode) and self.ownership:
            entry = Entry(Kind.FILE, record.oid, mode & 0o7777, status.st_uid, status.st_gid)
        else:
            entry = entry_of(status, record.oid, ownership=self.ownership)
        self.found.stats[path], self.found.entries[path] = record.stat, entry
        return True

    def _count(self, names: int) -> None:
        self.count += names
        if self.count > self.limits.entries:
            raise TreeError(
                f"The tree {self.tree.path} holds more than {self.limits.entries} names.",
                hint="Find what fills it and move it elsewhere.",
            )

    def _look_again(self, path: str, visit: _Visit) -> None:
        try:
            with self.tree.place(path) as place:
                self._take(place, path, beneath.lstat(place), visit)
        except OSError as error:
            if error.errno not in _VANISHED | _CHANGED_KIND:
                unknown = Entry(Kind.OTHER, "", 0, 0, 0)
                self.found.refuse(path, unknown, "unreadable", _reason(error))

    def _take(self, place: Place, path: str, status: os.stat_result, visit: _Visit) -> None:
        """Take in one name whose state is not the recorded one."""
        try:
            if path == GIT_PATH:
                self._git_file(place, status)
            elif path != STAGING_NAME and not self._is_forbidden(path, status, visit):
                self._sort(place, path, status, visit)
        except OSError as error:
            if error.errno in _CHANGED_KIND and path not in self.again:
                self.again.add(path)
            elif error.errno not in _VANISHED:
                plain = entry_of(status, ownership=self.ownership)
                self.found.refuse(path, plain, "unreadable", _reason(error))

    def _sort(self, place: Place, path: str, status: os.stat_result, visit: _Visit) -> None:
        """Decide by rules and policy what becomes of one name."""
        kind = kind_of(status)
        directory = kind is Kind.DIRECTORY
        plain = entry_of(status, ownership=self.ownership)
        strategy = self.treatment(path).strategy
        is_known = path in self.known.paths or path in self.known.records
        matched = (directory or not is_known) and (
            visit.hidden or self.rules.match(path, visit.levels, directory=directory)
        )
        if matched:
            if is_known:
                self.found.shadowed.add(path)
            else:
                self.found.hidden[path] = plain
        if strategy is Strategy.MIRROR and not is_known:
            target = beneath.readlink(place) if kind is Kind.SYMLINK else b""
            self.found.mirrored[path] = mirror_entry(status, target, ownership=self.ownership)
        elif strategy is Strategy.IGNORE and path not in self.found.hidden:
            self.found.unmanaged[path] = plain
        elif path not in self.found.hidden:
            self._capture(place, path, status, plain)
        if directory:
            self._enter(_Visit(path, plain, visit.levels, matched), status)

    def _capture(self, place: Place, path: str, status: os.stat_result, plain: Entry) -> None:
        """Take in what is to be recorded."""
        if plain.kind is Kind.DIRECTORY:
            self.found.entries[path] = plain
        elif plain.kind is Kind.SYMLINK:
            self._link(place, path, status)
        elif plain.kind is Kind.FILE:
            self._file(place, path)
        else:
            detail = _SPECIAL.get(stat.S_IFMT(status.st_mode), "of an unknown kind")
            self.found.refuse(path, plain, "special", detail)

    def _is_forbidden(self, path: str, status: os.stat_result, visit: _Visit) -> bool:
        """Whether git refuses the name; then nothing of it is taken in."""
        name = path.rpartition("/")[2]
        if not is_git_directory_name(name) and not (
            stat.S_ISLNK(status.st_mode) and is_git_modules_name(name)
        ):
            return False
        self.found.occupied.add(visit.path)
        if not visit.hidden and name == GIT_PATH:
            self.found.warn(path, "nested-git", "a repository of its own")
        elif not visit.hidden:
            self.found.warn(path, "name", "git refuses this name")
        return True

    def _enter(self, visit: _Visit, status: os.stat_result) -> None:
        """Have a directory visited, unless it lies too deep or on another file system."""
        if visit.path.count("/") >= self.limits.depth:
            detail = f"more than {self.limits.depth} directories deep"
        elif status.st_dev != self.tree.device:
            detail = _reason(OSError(errno.EXDEV, ""))
        else:
            self.pending.append(visit)
            return
        self.found.occupied.add(visit.path)
        self.found.refuse(visit.path, visit.plain, "unreadable", detail)

    def _link(self, place: Place, path: str, status: os.stat_result) -> None:
        moment = time.time_ns()
        target = beneath.readlink(place)
        after = beneath.lstat(place)
        settled = stat_key(status) == stat_key(after) and is_settled(after, moment)
        self.found.record(path, after, target, settled=settled)

    def _file(self, place: Place, path: str) -> None:
        status, content, settled = read_file(self.tree, place, self.limits.file_size)
        if content is not None:
            self.found.record(path, status, content, settled=settled)
            return
        plain = entry_of(status, ownership=self.ownership)
        detail = f"{status.st_size} bytes, the limit is {self.limits.file_size}"
        self.found.refuse(path, plain, "oversized", detail)

    def _git_file(self, place: Place, status: os.stat_result) -> None:
        self.found.git_obstructed = True
        if kind_of(status) is Kind.FILE:
            self.found.gitfile = read_file(self.tree, place, GIT_FILE_LIMIT).content
            self.found.git_obstructed = self.found.gitfile is None
        if self.found.git_obstructed:
            self.found.warn(GIT_PATH, "gitfile", "not the file that belongs here")


def _reason(error: OSError) -> str:
    if error.errno == errno.EXDEV:
        return "another file system is mounted here"
    return error.strerror or "it cannot be read"
