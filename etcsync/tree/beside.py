"""What stands beside a tree's entries once they have changed, sorted as a scan would sort it."""

from collections.abc import Callable, Iterable

from etcsync.entries import ROOT, Entry, Kind, Tree, parent
from etcsync.tree.ignore import FILE_NAME, Hides, Level, level_of
from etcsync.tree.metadata_file import Beside


def sorted_anew(
    entries: Tree,
    beside: Beside,
    is_known: Callable[[str], bool],
    hides: Hides,
    read: Callable[[str], bytes],
) -> Beside:
    """Return what ``.gitignore`` files among ``entries`` hide of a tree, and what they do not.

    Rules in a file that is itself beside the entries are not heeded, for nobody has recorded them.

    Args:
        entries: All that will be recorded, and directories that may be hidden.
        beside: What else stands in the tree, in whichever way it was sorted so far.
        is_known: Whether a path is looked at whatever the rules say; as `Known.paths` says, and
            the paths of `Known.records`, at the next scan.
        hides: Compiled rules.
        read: Returns a blob's content.
    """
    others = {p: e for p, e in {**beside.hidden, **beside.unmanaged}.items() if p not in entries}
    directories = {p for p, entry in entries.items() if entry.kind is Kind.DIRECTORY}
    rules: dict[str, tuple[Level, ...]] = {}
    hidden: dict[str, Entry] = {}
    unmanaged: dict[str, Entry] = {}
    shadowed: set[str] = set()

    def enter(path: str, above: tuple[Level, ...]) -> None:
        name = FILE_NAME if path == ROOT else f"{path}/{FILE_NAME}"
        own = entries.get(name)
        if own is None or own.kind is not Kind.FILE or path in shadowed or path in hidden:
            rules[path] = above
        else:
            compiled = hides.rules(own.oid, lambda: read(own.oid))
            rules[path] = (level_of(path, compiled), *above)

    enter(ROOT, ())
    for path in sorted(directories.union(others) - {ROOT}):
        above = parent(path)
        directory = path in directories or others[path].kind is Kind.DIRECTORY
        known = is_known(path)
        levels = rules.get(above, ())
        matched = (directory or not known) and (
            above in shadowed or above in hidden or _matches(hides, path, levels, directory)
        )
        if matched and not known:
            hidden[path] = others.get(path) or entries[path]
        elif path in others:
            unmanaged[path] = others[path]
        if matched and known:
            shadowed.add(path)
        if directory:
            enter(path, levels)
    return Beside(unmanaged, hidden, anything_hidden(entries, hidden, shadowed), beside.occupied)


def _matches(hides: Hides, path: str, levels: tuple[Level, ...], directory: bool) -> bool:
    if not levels:
        return False
    verdict = hides.known_verdict(path, levels, directory=directory)
    return hides.is_hidden(path, levels, directory=directory) if verdict is None else verdict


def anything_hidden(entries: Tree, hidden: Tree, shadowed: Iterable[str]) -> bool:
    """Whether git would call something in a tree ignored.

    Args:
        entries: What is recorded.
        hidden: What ``.gitignore`` hides.
        shadowed: Directories that are recorded although the rules match them: git ignores those
            in which it tracks nothing.
    """
    return any(entry.kind is not Kind.OTHER for entry in hidden.values()) or any(
        not _holds_content(entries, path) for path in shadowed
    )


def _holds_content(entries: Tree, directory: str) -> bool:
    return any(
        path.startswith(directory + "/") and entry.kind is not Kind.DIRECTORY
        for path, entry in entries.items()
    )
