"""A ``.etckeeper`` that is brought up to date at some paths and stays as it is at all others."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from etcsync.entries import ROOT, Entry, Kind, Tree, decode_path, encode_path, parent
from etcsync.tree.accounts import Accounts
from etcsync.tree.metadata_file import HEADER, empty_line, path_lines, read_lines


class _Lines(NamedTuple):
    """A metadata file taken apart.

    Attributes:
        head: What comes before the first command.
        empty: The lines of empty directories, by path.
        paths: The lines of each path, by the path as it is printed, in the order of the file.
    """

    head: str
    empty: dict[str, str]
    paths: dict[str, str]


def patch(
    content: bytes,
    changes: Mapping[str, Entry | None],
    after: Tree,
    accounts: Accounts,
    is_empty: Callable[[str], bool],
) -> bytes:
    """Return what etckeeper would write once ``changes`` are made, byte for byte.

    Lines of paths that do not change stay as they are, but for the names of their owners where
    ``changes`` give an owner another name.

    Args:
        content: The file so far; empty for one that is yet to be written.
        changes: By path, what stands there now; None: nothing any more.
        after: All entries afterwards.
        accounts: The names of owners afterwards.
        is_empty: Whether a directory holds nothing at all afterwards.
    """
    lines = _take_apart(content)
    prefix = "" if _is_filtered(lines) else "./"
    touched = dict(changes)
    if not changes.keys().isdisjoint({"passwd", "group"}):
        touched |= {path: after[path] for path in _renamed_owners(content, after, accounts)}
    for path, entry in touched.items():
        printed = ROOT if path == ROOT else prefix + path
        lines.paths.pop(printed, None)
        if entry is not None and entry.kind in {Kind.FILE, Kind.DIRECTORY}:
            lines.paths[printed] = "".join(
                f"{line}\n" for line in path_lines(entry, printed, accounts)
            )
    for directory in {parent(path) for path in changes} | changes.keys():
        lines.empty.pop(directory, None)
        entry = after.get(directory)
        if entry is not None and entry.kind is Kind.DIRECTORY and is_empty(directory):
            lines.empty[directory] = f"{empty_line(directory)}\n"
    ordered = [lines.head]
    ordered += [lines.empty[path] for path in sorted(lines.empty, key=encode_path)]
    ordered += [lines.paths[printed] for printed in sorted(lines.paths, key=encode_path)]
    return encode_path("".join(ordered))


def _take_apart(content: bytes) -> _Lines:
    lines = _Lines("", {}, {})
    head = ""
    for line in read_lines(decode_path(content)):
        if line.command == "mkdir":
            lines.empty[line.path or line.printed] = line.text
        elif line.command:
            lines.paths[line.printed] = lines.paths.get(line.printed, "") + line.text
        elif not lines.empty and not lines.paths:
            head += line.text
    return lines._replace(head=head or f"{HEADER}\n\n")


def _is_filtered(lines: _Lines) -> bool:
    """Whether etckeeper prints paths without ``./``, as it does where something is ignored."""
    return any(not printed.startswith("./") for printed in lines.paths if printed != ROOT)


def _renamed_owners(content: bytes, after: Tree, accounts: Accounts) -> Iterator[str]:
    """Yield the paths whose owner or group has another name now than the file says."""
    names = {"chown": accounts.user_names, "chgrp": accounts.group_names}
    for line in read_lines(decode_path(content)):
        entry = after.get(line.path or "")
        if line.command not in names or entry is None:
            continue
        number = entry.uid if line.command == "chown" else entry.gid
        if names[line.command].get(number, str(number)) != line.value:
            yield line.path or ""
