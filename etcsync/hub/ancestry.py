"""How commits descend from each other, for many pairs with few processes."""

from collections.abc import Callable

from etcsync.errors import HubError

RevList = Callable[[str, list[str]], bytes]
"""Returns the lines ``commit parent…`` for a commit and all its ancestors, except for those that
the commits of the list have as well."""

HISTORIES_KEPT = 8
"""So many commits' whole histories are kept as sets, for questions that come in runs."""


class Ancestry:
    """Answers questions about ancestors; each commit's history is listed once.

    Clients ask about the same few upstream commits again and again: equal commits cost nothing,
    others one `git rev-list` for each newer commit, whatever the number of older ones.
    """

    def __init__(self, rev_list: RevList) -> None:
        self._rev_list = rev_list
        self._parents: dict[str, tuple[str, ...]] = {}
        self._listed: list[str] = []
        self._histories: dict[str, frozenset[str]] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def is_ancestor(self, old: str, new: str) -> bool:
        """Return whether ``old`` is ``new`` or one of its ancestors."""
        return old == new or old in self._history(new)

    def count_between(self, old: str, new: str) -> int:
        """Return how many commits ``new`` has in its history that ``old`` lacks."""
        if old == new:
            return 0
        count = self._counts.get((old, new))
        if count is None:
            count = len(self._history(new) - self._reachable(old))
            self._counts[old, new] = count
        return count

    def merge_base(self, one: str, other: str) -> str | None:
        """Return a best common ancestor, or None where the histories share nothing."""
        if one == other:
            return one
        common = self._history(one) & self._history(other)
        # Ancestors of common commits are common: the best are those that no other one descends
        # from, hence nobody's parent.
        best = common.difference(*(self._parents[commit] for commit in common))
        return min(best, default=None)

    def _history(self, commit: str) -> frozenset[str]:
        history = self._histories.get(commit)
        if history is None:
            if len(self._histories) >= HISTORIES_KEPT:
                del self._histories[next(iter(self._histories))]
            history = self._histories[commit] = self._reachable(commit)
        return history

    def _reachable(self, commit: str) -> frozenset[str]:
        if commit not in self._parents:
            self._load(commit)
        seen = {commit}
        waiting = [commit]
        while waiting:
            for parent in self._parents[waiting.pop()]:
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return frozenset(seen)

    def _load(self, commit: str) -> None:
        for line in self._rev_list(commit, self._listed).decode("ascii").splitlines():
            oid, *parents = line.split(" ")
            self._parents[oid] = tuple(parents)
        if commit not in self._parents:
            raise HubError(f"the hub does not know the commit {commit}")
        self._listed.append(commit)
