"""Small files of a tree, read with no more trust than the rest of it."""

from contextlib import suppress

from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree
from etcsync.tree.reading import read_file

SIZE_LIMIT = 64 * 1024
"""Bytes; what is longer is not what is looked for."""


def read_small(tree: OpenTree, path: str) -> bytes | None:
    """Return the content of the file at ``path``.

    None where no regular file stands there, where it is longer than `SIZE_LIMIT`, or where it
    may not be read.
    """
    with suppress(OSError), tree.place(path) as place:
        return read_file(tree, place, SIZE_LIMIT).content
    return None


def names_in(tree: OpenTree, path: str) -> list[str]:
    """Return the names in the directory at ``path``, sorted; none where there is no such one."""
    with suppress(OSError), tree.directory(path) as directory:
        return sorted(name for name, _ in beneath.list_directory(directory))
    return []
