"""The walk over a tree that has been looked at before: only what differs is visited.

What is found so is what a whole scan finds, provided that the policy and every ``.gitignore`` are
the same; where that, or anything else, cannot be told, the walk says so and gives up.
"""

from functools import partial

from etcsync.entries import ROOT, Entry, Kind, ancestors, encode_path, parent
from etcsync.tree import ignore
from etcsync.tree.ignore import Hides, Level
from etcsync.tree.intake import Visit
from etcsync.tree.scanned import Remembered, Scan
from etcsync.tree.scanner import Scanner


class StartAnewError(Exception):
    """Only a whole scan can tell what stands in the tree."""


class Rescanner:
    """One walk over what differs."""

    def __init__(self, scanner: Scanner, hides: Hides, remembered: Remembered) -> None:
        """Take a scanner that has found nothing yet."""
        self._scanner = scanner
        self._found = scanner.found
        self._hides = hides
        self._remembered = remembered

    def walk(self) -> Scan:
        """Visit what differs and return what stands in the tree.

        Raises:
            StartAnewError: Only a whole scan can tell.
            TreeError: As a whole scan.
        """
        self._found.remember(self._remembered.found)
        earlier = self._remembered.found
        lists = (earlier.entries, earlier.unmanaged, earlier.hidden, earlier.mirrored)
        self._scanner.count = sum(map(len, lists))
        differences = self._remembered.differences
        self._found.listings.update(differences.listings)
        if not differences.directories:
            return self._found.result()
        met: dict[str, Visit] = {}
        for path in sorted(differences.directories, key=_depth):
            if path not in self._remembered.found.imprints:
                # New, and visited with what it is in; unless it was overlooked, as it was moved
                # away and back while the earlier scan was under way.
                if parent(path) not in self._scanner.visited:
                    raise StartAnewError
                continue
            if path not in self._found.imprints:
                continue  # gone
            visit = met.pop(path) if path in met else self._visit_of(path)
            for below in self._revisit(visit):
                if below.path in self._found.imprints:
                    met[below.path] = below
                else:
                    self._scanner.pending.append(below)
                    self._scanner.visit_pending()
        return self._scanner.result()

    def _revisit(self, visit: Visit) -> list[Visit]:
        """Look at one directory anew; return the directories in it, which are not visited."""
        rules = self._rules_in(visit.path)
        before = {p for p in self._found.imprints if p != ROOT and parent(p) == visit.path}
        shadowed = self._found.shadowed | self._found.hidden.keys()
        self._found.forget_names_in(visit.path)
        if visit.path == ROOT:
            visit = self._scanner.top()
        self._scanner.visit(visit)
        below, self._scanner.pending = self._scanner.pending, []
        if self._rules_in(visit.path) != rules:
            raise StartAnewError
        if any(each.path in before and each.hidden != (each.path in shadowed) for each in below):
            raise StartAnewError
        for gone in before.difference(each.path for each in below):
            self._found.forget_beneath(gone)
        return below

    def _rules_in(self, directory: str) -> Entry | None:
        name = ignore.FILE_NAME
        return self._found.entries.get(name if directory == ROOT else f"{directory}/{name}")

    def _visit_of(self, path: str) -> Visit:
        """Return the visit by which a remembered directory was entered."""
        if path == ROOT:
            return self._scanner.top()
        found = self._found
        lists = (found.entries, found.hidden, found.unmanaged, found.mirrored)
        plain = next(each[path] for each in lists if path in each)
        levels: tuple[Level, ...] = ()
        for above in (ROOT, *reversed(list(ancestors(path)))):
            entry = self._rules_in(above)
            if entry is not None and entry.kind is Kind.FILE and not self._is_hidden(above):
                read = partial(self._remembered.content, entry.oid)
                rules = self._hides.rules(entry.oid, read)
                depth = 0 if above == ROOT else len(encode_path(above)) + 1
                levels = (Level(depth, rules), *levels)
        return Visit(path, plain, levels, hidden=self._is_hidden(path))

    def _is_hidden(self, path: str) -> bool:
        return path in self._found.hidden or path in self._found.shadowed


def _depth(path: str) -> tuple[int, str]:
    return (0, "") if path == ROOT else (1 + path.count("/"), path)
