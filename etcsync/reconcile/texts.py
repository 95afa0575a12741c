"""The metadata files that etcsync generates: for trees by name, for bases by number."""

from collections import deque
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import NamedTuple

from etcsync.entries import Entry, Kind, Tree
from etcsync.tree.accounts import Accounts, parse_accounts
from etcsync.tree.metadata_file import Beside, generate

_REMEMBERED = 8
"""Trees whose metadata file is remembered; most trees of a fleet are alike."""

_shape = attrgetter("kind", "mode", "uid", "gid")
"""Returns all that a metadata file says of an entry."""


def metadata_text(entries: Tree) -> bytes:
    """Return a metadata file with numeric owners, which mean the same whoever reads them."""
    return generate(entries)


class _Known(NamedTuple):
    """A metadata file, and all that it was made from."""

    shapes: Mapping[str, object]
    accounts: Accounts
    beside: Beside
    text: bytes


class Texts:
    """Generates the metadata files of trees, with the names that each tree itself knows."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        """Take ``read``, which returns a blob's content."""
        self._read = read
        self._accounts: dict[tuple[str, str], Accounts] = {}
        self._known: deque[_Known] = deque(maxlen=_REMEMBERED)

    def of_tree(self, entries: Tree, beside: Beside) -> bytes:
        """Return the metadata file of a tree as etckeeper, run in it, would write it."""
        accounts = self._known_accounts(entries)
        shapes = dict(zip(entries, map(_shape, entries.values()), strict=True))
        for known in self._known:
            if known.accounts is accounts and known.shapes == shapes and known.beside == beside:
                return known.text
        text = generate(entries, accounts, beside)
        self._known.appendleft(_Known(shapes, accounts, beside, text))
        return text

    def _known_accounts(self, entries: Tree) -> Accounts:
        key = _content(entries.get("passwd")), _content(entries.get("group"))
        if key not in self._accounts:
            passwd, group = (self._read(oid) if oid else b"" for oid in key)
            self._accounts[key] = parse_accounts(passwd, group)
        return self._accounts[key]


def _content(entry: Entry | None) -> str:
    return entry.oid if entry is not None and entry.kind is Kind.FILE else ""
