"""The bench: where a client's new files wait, and the old ones until they have been looked at.

It lies beside the trees, out of every client's reach; only where a tree is a file system of its
own does it lie in the tree, under a name that nothing reads. Each change has a numbered slot on it,
and a journal tells what belongs where.

A bench beside the trees stays when it is empty: on some file systems, to make a directory and
remove it takes longer than all else that a small change needs.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from etcsync.entries import decode_path, encode_path
from etcsync.errors import TreeError
from etcsync.system_calls import mount_id
from etcsync.tree import beneath, journal
from etcsync.tree.beneath import STAGING_NAME, OpenTree, Place, open_tree


@dataclass(frozen=True, slots=True)
class Staging:
    """The directory beside the trees in which every client has a bench of its own.

    Attributes:
        directory: A path of the server; made, open to its owner alone, when it is first needed.
    """

    directory: str

    def lies_inside(self, tree: OpenTree) -> bool:
        """Whether the bench of this tree has to lie in it, for nothing can be renamed across.

        Raises:
            TreeError: The staging directory cannot be used.
        """
        with self._open() as top:
            return top.device != tree.device or mount_id(top.descriptor) != mount_id(
                tree.descriptor
            )

    @contextmanager
    def bench(self, client: str, tree: OpenTree, *, inside: bool) -> Iterator[OpenTree]:
        """Open a client's bench, made where it does not exist.

        Raises:
            TreeError: It cannot be made, or something else stands in its place.
        """
        with ExitStack() as stack:
            above = tree if inside else stack.enter_context(self._open())
            name = bench_name(client, inside=inside)
            path = f"{above.path}/{name}"
            try:
                descriptor = _open_or_make(above, name)
                stack.callback(os.close, descriptor)
            except OSError as error:
                raise TreeError(
                    f"The staging directory {path} cannot be used: {error.strerror}.",
                    hint="Look at what stands there, and at the free space; then sync again.",
                ) from error
            _own(descriptor, path)
            yield OpenTree(path, descriptor, above.device, above.stepwise)

    def unfinished(self, client: str, tree: OpenTree) -> list[bool]:
        """Return where a killed run left something: True for inside the tree, False for beside it.

        In a tree a bench counts only with a journal on it: a client may put there what it likes.
        """
        beside = os.path.join(self.directory, bench_name(client, inside=False))
        found = [False] if os.path.isdir(beside) and not is_clear(beside) else []
        with suppress(OSError), tree.directory(STAGING_NAME) as bench:
            if not {each for each, _ in beneath.list_directory(bench)}.isdisjoint(journal.NAMES):
                found.append(True)
        return found

    def discard(self, client: str, tree: OpenTree, *, inside: bool) -> None:
        """Clear a client's bench, the journal last; remove it, if it lies in the tree.

        Raises:
            TreeError: Something on it cannot be removed.
        """
        with self.bench(client, tree, inside=inside) as bench:
            self.clear_bench(bench, tree, inside=inside)

    def clear_bench(self, bench: OpenTree, tree: OpenTree, *, inside: bool) -> None:
        """Do what `discard` does to a bench that is open."""
        for name in (*slots_in_use(bench), *reversed(journal.NAMES)):
            clear(Place(bench.descriptor, encode_path(name)))
        if inside:
            _put_away(tree, STAGING_NAME)

    def remove(self, client: str) -> None:
        """Remove a client's bench beside the trees; one that holds something stays."""
        if os.path.isdir(self.directory):
            with self._open() as top:
                _put_away(top, bench_name(client, inside=False))

    @contextmanager
    def _open(self) -> Iterator[OpenTree]:
        if not os.path.isdir(self.directory):
            try:
                os.makedirs(self.directory, mode=0o700, exist_ok=True)
            except OSError as error:
                raise TreeError(
                    f"The staging directory {self.directory} cannot be made: {error.strerror}.",
                    hint="Check trees.staging in the settings.",
                ) from error
        with open_tree(self.directory, writable=True) as top:
            _own(top.descriptor, self.directory)
            yield top


def is_clear(bench_path: str) -> bool:
    """Whether a bench beside the trees holds nothing, as between two runs, or is gone."""
    try:
        return not os.listdir(bench_path)
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        return False


def _open_or_make(above: OpenTree, name: str) -> int:
    """Open a directory, made where it does not exist; the caller closes the descriptor."""
    with suppress(FileNotFoundError):
        return above.open_directory(name)
    beneath.make_directory(Place(above.descriptor, encode_path(name)))
    return above.open_directory(name)


def _put_away(above: OpenTree, name: str) -> None:
    with suppress(OSError):  # an empty directory that stays is found and used again
        beneath.rmdir(Place(above.descriptor, encode_path(name)))


def bench_name(client: str, *, inside: bool) -> str:
    """Return the one component under which a client's bench lies."""
    if client in {"", ".", ".."} or "/" in client or "\0" in client:
        raise TreeError(f"{client!r} cannot be a client's name.", hint="Rename it in the settings.")
    return STAGING_NAME if inside else client


def _own(descriptor: int, path: str) -> None:
    """Make sure that nobody else can enter a directory, and that it hands on no ACL."""
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid():
        raise TreeError(
            f"The staging directory {path} belongs to another user.",
            hint="Remove it; it is made again.",
        )
    if status.st_mode & 0o7777 != 0o700:
        beneath.change_mode(descriptor, 0o700)
    beneath.remove_attribute(descriptor, "system.posix_acl_default")


def slots_in_use(bench: OpenTree) -> list[str]:
    """Return the names on a bench, but for the journal's."""
    names = {name for name, _ in beneath.list_directory(bench.descriptor)}
    return sorted(names.difference(journal.NAMES))


def clear(place: Place) -> None:
    """Remove what stands in a slot, a file or an empty directory.

    Raises:
        TreeError: It is a directory that is not empty.
    """
    try:
        beneath.unlink(place)
    except IsADirectoryError:
        try:
            beneath.rmdir(place)
        except OSError as error:
            raise TreeError(
                f"A directory in the staging directory is not empty: {decode_path(place.name)}.",
                hint="Move what it holds to where it belongs; then sync again.",
            ) from error
