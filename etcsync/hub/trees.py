"""Git trees as flat mappings, sharing between clients what is equal."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from etcsync.entries import encode_path
from etcsync.errors import HubError
from etcsync.hub.objects import DIRECTORY_MODE, GITLINK_MODE, GitEntry, parse_tree
from etcsync.names import is_safe_name

LONGEST_PATH = 4095
"""Bytes of the longest path that Linux opens (PATH_MAX); what lies deeper is not recorded."""

MOST_PATHS = 250_000
"""A tree with more of them is refused: a few small objects can spell out billions of paths."""

ROOTS_KEPT = 64
"""So many whole trees are kept for those who ask again; their subtrees are all kept."""

ReadTrees = Callable[[Iterable[str]], Iterator[bytes]]


class FlatTree(NamedTuple):
    """A git tree with all its subtrees.

    Attributes:
        entries: What stands at each path, directories included, the root itself not.
        rejected: Paths that git holds but no tree may get, with the reason in words.
    """

    entries: Mapping[str, GitEntry]
    rejected: Mapping[str, str]


class _Place(NamedTuple):
    """A tree object at its place.

    Attributes:
        prefix: What the paths of its entries begin with: empty, or a directory and a slash.
        oid: Its id.
    """

    prefix: str
    oid: str


class _Node(NamedTuple):
    """A subtree that was read, whose own subtrees are not put in yet."""

    entries: dict[str, GitEntry]
    rejected: dict[str, str]
    children: list[_Place]


class TreeCache:
    """Flattens trees; each subtree at its place is read and flattened once.

    A thousand trees that differ in a few files share all but the directories above these.
    """

    def __init__(self, read: ReadTrees) -> None:
        self._read = read
        self._subtrees: dict[_Place, FlatTree] = {}
        self._roots: dict[str, FlatTree] = {}

    def flat(self, oids: Iterable[str]) -> dict[str, FlatTree]:
        """Return the trees with all their subtrees, by id; many at once are faster.

        Raises:
            HubError: A tree is missing, or holds too much.
            ValueError: A tree is corrupt.
        """
        wanted = dict.fromkeys(oids)
        found = {oid: root for oid in wanted if (root := self._roots.get(oid)) is not None}
        found |= self._flatten([oid for oid in wanted if oid not in found])
        for oid in list(wanted)[-ROOTS_KEPT:]:
            self._roots[oid] = found[oid]
        for oid in list(self._roots)[:-ROOTS_KEPT]:
            del self._roots[oid]
        return found

    def _flatten(self, oids: list[str]) -> dict[str, FlatTree]:
        """Read level by level, then put together from the deepest level up.

        Without recursion: a client may nest directories as deep as it likes.
        """
        nodes: dict[_Place, _Node] = {}
        level = [_Place("", oid) for oid in oids]
        room = MOST_PATHS * len(oids)
        while level:
            children: dict[_Place, None] = {}
            for place, raw in zip(level, self._read(place.oid for place in level), strict=True):
                node = nodes[place] = _node(place, raw)
                children |= dict.fromkeys(node.children)
                room -= len(node.entries)
                if room < 0:
                    raise HubError(f"the tree {oids[0]} has more than {MOST_PATHS} paths")
            level = [child for child in children if child not in self._subtrees]
        for place, node in reversed(nodes.items()):
            for child in node.children:
                entries, rejected = self._subtrees[child]
                node.entries.update(entries)
                node.rejected.update(rejected)
            self._subtrees[place] = FlatTree(node.entries, node.rejected)
        return {oid: self._subtrees.pop(_Place("", oid)) for oid in oids}


def _node(place: _Place, raw: bytes) -> _Node:
    node = _Node({}, {}, [])
    for name, entry in parse_tree(raw):
        path = place.prefix + name
        if not is_safe_name(name):
            node.rejected[path] = "a name that git tools take for something else"
        elif entry.mode == GITLINK_MODE:
            node.rejected[path] = "a nested repository"
        elif len(path) * 3 > LONGEST_PATH and len(encode_path(path)) > LONGEST_PATH:
            node.rejected[path[:200] + "…"] = "a path that is too long"
        else:
            node.entries[path] = entry
            if entry.mode == DIRECTORY_MODE:
                node.children.append(_Place(path + "/", entry.oid))
    return node
