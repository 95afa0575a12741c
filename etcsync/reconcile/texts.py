"""The metadata files that etcsync generates: for trees by name, for bases by number."""

from collections.abc import Callable

from etcsync.entries import Entry, Kind, Tree
from etcsync.tree.accounts import Accounts, parse_accounts
from etcsync.tree.metadata_file import Beside, generate


def metadata_text(entries: Tree) -> bytes:
    """Return a metadata file with numeric owners, which mean the same whoever reads them."""
    return generate(entries)


class Texts:
    """Generates the metadata files of trees, with the names that each tree itself knows."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        """Take ``read``, which returns a blob's content."""
        self._read = read
        self._accounts: dict[tuple[str, str], Accounts] = {}

    def of_tree(self, entries: Tree, beside: Beside) -> bytes:
        """Return the metadata file of a tree as etckeeper, run in it, would write it."""
        return generate(entries, self._known_accounts(entries), beside)

    def _known_accounts(self, entries: Tree) -> Accounts:
        key = _content(entries.get("passwd")), _content(entries.get("group"))
        if key not in self._accounts:
            passwd, group = (self._read(oid) if oid else b"" for oid in key)
            self._accounts[key] = parse_accounts(passwd, group)
        return self._accounts[key]


def _content(entry: Entry | None) -> str:
    return entry.oid if entry is not None and entry.kind is Kind.FILE else ""
