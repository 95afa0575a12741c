"""What becomes of one name that a scan meets: recorded, unmanaged, hidden, mirrored or refused."""

import errno
import os
import stat
import time
from typing import NamedTuple

from etcsync.entries import GIT_PATH, Entry, Kind
from etcsync.names import is_git_modules_name, is_safe_name
from etcsync.policy.treatment import Strategy
from etcsync.tree import beneath
from etcsync.tree.beneath import STAGING_NAME, Place
from etcsync.tree.findings import Findings
from etcsync.tree.ignore import Level
from etcsync.tree.reading import (
    entry_of,
    is_settled,
    kind_of,
    mirror_entry,
    read_file,
    stat_key,
)
from etcsync.tree.scanned import Terms
from etcsync.tree.tree_rules import TreeRules

GIT_FILE_LIMIT = 4096
"""Bytes of the ``.git`` file at a tree's top that are read."""

VANISHED = {errno.ENOENT, errno.ENOTDIR}
CHANGED_KIND = {errno.ELOOP, errno.EINVAL}

_SPECIAL = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
}


class Visit(NamedTuple):
    """A directory to be entered.

    Attributes:
        path: Where it is.
        plain: Its entry.
        levels: The ``.gitignore`` rules that hold in it, the nearest first.
        hidden: The rules hide it or a directory above it.
    """

    path: str
    plain: Entry
    levels: tuple[Level, ...]
    hidden: bool


class Intake:
    """Sorts names into the findings of one scan.

    Attributes:
        again: Paths that changed their kind while they were looked at.
    """

    def __init__(self, terms: Terms, found: Findings, rules: TreeRules) -> None:
        self._terms = terms
        self._found = found
        self._rules = rules
        self.again: set[str] = set()

    def take(self, place: Place, path: str, status: os.stat_result, visit: Visit) -> Visit | None:
        """Take in one name whose state is not the recorded one.

        Args:
            place: The name, in the open directory.
            path: The same from the top.
            status: Its ``lstat``.
            visit: The directory that it is in.

        Returns:
            A directory to be entered, if it is one.

        Raises:
            TreeError: The tree's rules take too long, or a content could not be stored.
        """
        try:
            if path == GIT_PATH:
                self._git_file(place, status)
            elif path != STAGING_NAME and not self._is_forbidden(path, status, visit):
                return self._sort(place, path, status, visit)
        except OSError as error:
            if error.errno in CHANGED_KIND and path not in self.again:
                self.again.add(path)
            elif error.errno not in VANISHED:
                plain = entry_of(status, ownership=self._terms.ownership)
                self._found.refuse(path, plain, "unreadable", reason(error))
        return None

    def _sort(self, place: Place, path: str, status: os.stat_result, visit: Visit) -> Visit | None:
        """Decide by rules and policy what becomes of it."""
        plain = entry_of(status, ownership=self._terms.ownership)
        kind = plain.kind
        directory = kind is Kind.DIRECTORY
        strategy = self._terms.treatment(path).strategy
        is_known = path in self._terms.known.paths or path in self._terms.known.records
        matched = (directory or not is_known) and (
            visit.hidden or self._rules.match(path, visit.levels, directory=directory)
        )
        hidden = matched and not is_known
        if hidden:
            self._found.hidden[path] = plain
        elif matched:
            self._found.shadowed.add(path)
        if strategy is Strategy.MIRROR and not is_known:
            target = beneath.readlink(place) if kind is Kind.SYMLINK else b""
            self._found.mirrored[path] = mirror_entry(
                status, target, ownership=self._terms.ownership
            )
        elif strategy is Strategy.IGNORE and not hidden:
            self._found.unmanaged[path] = plain
        elif not hidden:
            self._capture(place, path, status, plain)
        return self._enter(Visit(path, plain, visit.levels, matched), status) if directory else None

    def _capture(self, place: Place, path: str, status: os.stat_result, plain: Entry) -> None:
        """Take in what is to be recorded."""
        if plain.kind is Kind.DIRECTORY:
            self._found.entries[path] = plain
        elif plain.kind is Kind.SYMLINK:
            self._link(place, path, status)
        elif plain.kind is Kind.FILE:
            self._file(place, path)
        else:
            detail = _SPECIAL.get(stat.S_IFMT(status.st_mode), "of an unknown kind")
            self._found.refuse(path, plain, "special", detail)

    def _is_forbidden(self, path: str, status: os.stat_result, visit: Visit) -> bool:
        """Whether git refuses the name; then nothing of it is taken in."""
        name = path.rpartition("/")[2]
        if is_safe_name(name) and not (stat.S_ISLNK(status.st_mode) and is_git_modules_name(name)):
            return False
        self._found.occupied.add(visit.path)
        if not visit.hidden and name == GIT_PATH:
            self._found.warn(path, "nested-git", "a repository of its own")
        elif not visit.hidden:
            self._found.warn(path, "name", "git refuses this name")
        return True

    def _enter(self, visit: Visit, status: os.stat_result) -> Visit | None:
        """Return a directory, unless it lies too deep or on another file system."""
        if visit.path.count("/") >= self._terms.limits.depth:
            detail = f"more than {self._terms.limits.depth} directories deep"
        elif status.st_dev != self._terms.tree.device:
            detail = reason(OSError(errno.EXDEV, ""))
        else:
            return visit
        self._found.occupied.add(visit.path)
        self._found.refuse(visit.path, visit.plain, "unreadable", detail)
        return None

    def _link(self, place: Place, path: str, status: os.stat_result) -> None:
        moment = time.time_ns()
        target = beneath.readlink(place)
        after = beneath.lstat(place)
        settled = stat_key(status) == stat_key(after) and is_settled(after, moment)
        self._found.record(path, after, target, settled=settled)

    def _file(self, place: Place, path: str) -> None:
        self._terms.limits.check_time(self._terms.tree.path)
        limit = self._terms.limits.file_size
        status, content, settled = read_file(self._terms.tree, place, limit)
        if content is None and (longest := self._terms.known.longest(path)) > limit:
            limit = longest
            status, content, settled = read_file(self._terms.tree, place, limit)
        if content is not None:
            self._found.record(path, status, content, settled=settled)
            return
        plain = entry_of(status, ownership=self._terms.ownership)
        detail = f"{status.st_size} bytes, the limit is {limit}"
        self._found.refuse(path, plain, "oversized", detail)

    def _git_file(self, place: Place, status: os.stat_result) -> None:
        self._found.git_obstructed = True
        if kind_of(status) is Kind.FILE:
            self._found.gitfile = read_file(self._terms.tree, place, GIT_FILE_LIMIT).content
            self._found.git_obstructed = self._found.gitfile is None
        if self._found.git_obstructed:
            self._found.warn(GIT_PATH, "gitfile", "not the file that belongs here")


def reason(error: OSError) -> str:
    """Return in words why something in a tree cannot be read."""
    if error.errno == errno.EXDEV:
        return "another file system is mounted here"
    return error.strerror or "it cannot be read"
