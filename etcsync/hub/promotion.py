"""A commit of etcsync's own in upstream's repository, made without any hook.

The steps are small, and a note in the git directory tells of them from before the first one until
after the last, so that whoever finds it can go on. While they are taken git's own lock on the
index is held, under a content by which it is known again: no ``git commit``, and so no etckeeper
and no package manager's hook, comes in between.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from etcsync.atomic_file import write_file
from etcsync.entries import ancestors, decode_path, encode_path
from etcsync.errors import UpstreamError
from etcsync.hub.fetch import DURABLE
from etcsync.hub.file_system import sync_file_system
from etcsync.hub.git import configuration, is_ancestor, run_git
from etcsync.hub.importer import Change, NewCommit, open_importer
from etcsync.hub.objects import Identity
from etcsync.hub.refs import await_lock
from etcsync.hub.upstream import upstream_git
from etcsync.hub.upstream_head import Head, read_head

PLACE = "etcsync"
"""In upstream's git directory: what exists only while something is promoted."""

NOTE = "promotion"
NEW_INDEX = "new-index"
INDEX = "index"
INDEX_LOCK = "index.lock"

ONE_PACK = {"fastimport.unpackLimit": "0"}
"""What is written stays one pack, which is brought to disk with its name, as single objects are
not."""


class Note(NamedTuple):
    """A promotion that has begun.

    Attributes:
        branch: The full name of the ref that is to move.
        old: The commit that it names.
        new: The commit that it shall name.
    """

    branch: str
    old: str
    new: str


def place(head: Head) -> str:
    """Return the directory of what exists only while something is promoted."""
    return os.path.join(head.git_directory, PLACE)


def read_note(head: Head) -> Note | None:
    """Return the promotion that has begun and was not ended, or None.

    Raises:
        UpstreamError: The note cannot be understood.
    """
    path = os.path.join(place(head), NOTE)
    try:
        with open(path, encoding="ascii") as file:
            return Note(**json.load(file))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise UpstreamError(
            f"{path}, the note of a promotion that was cut off, cannot be read: {error}",
            hint="Compare upstream's files with its last commit, then remove that directory.",
        ) from error


def write_note(head: Head, note: Note) -> None:
    """Write down that a promotion begins."""
    os.makedirs(place(head), mode=0o700, exist_ok=True)
    content = json.dumps(note._asdict()).encode("ascii")
    write_file(os.path.join(place(head), NOTE), content, mode=0o600)


def remove_note(head: Head) -> None:
    """Write down that the promotion has ended: everything of it is done, or undone."""
    if not os.path.isdir(place(head)):
        return
    for name in sorted(os.listdir(place(head)), key=NOTE.__eq__):
        with suppress(IsADirectoryError):
            os.unlink(os.path.join(place(head), name))
    with suppress(OSError):  # an empty directory that stays is found and used again
        os.rmdir(place(head))


def write_commit(head: Head, commit: NewCommit, contents: Mapping[str, bytes]) -> str:
    """Write a commit into upstream's repository; no ref leads to it yet.

    Args:
        head: Where upstream stands.
        commit: The commit.
        contents: The contents that it brings, by blob id.

    Raises:
        HubError: It cannot be written.
    """
    with open_importer(head.common_directory, **configuration(DURABLE | ONE_PACK)) as importer:
        for content in contents.values():
            importer.blob(content)
        mark = importer.commit(commit)
        return importer.finish()[mark]


def lock_index(head: Head, note: Note) -> None:
    """Take git's lock on upstream's index.

    Raises:
        UpstreamError: Somebody else holds it.
    """
    lock = os.path.join(head.git_directory, INDEX_LOCK)
    complete = os.path.join(place(head), INDEX_LOCK)
    write_file(complete, _mark(note), mode=0o600)
    try:
        os.link(complete, lock)
    except FileExistsError as error:
        raise UpstreamError(
            f"upstream is busy: git holds {lock} (if no git runs there, remove that file)",
            hint="Run it again when that is over.",
        ) from error


def unlock_index(head: Head, note: Note) -> None:
    """Give back git's lock on upstream's index, if this promotion holds it."""
    if holds_index(head, note):
        os.unlink(os.path.join(head.git_directory, INDEX_LOCK))


def holds_index(head: Head, note: Note) -> bool:
    """Whether the lock on upstream's index is that of this promotion."""
    try:
        with open(os.path.join(head.git_directory, INDEX_LOCK), "rb") as file:
            return file.read(200) == _mark(note)
    except FileNotFoundError:
        return False


def _mark(note: Note) -> bytes:
    return f"etcsync promotes {note.new}\n".encode("ascii")


def prepare_index(
    etc_path: str, head: Head, note: Note, changes: Mapping[str, Change], lock: int
) -> None:
    """Write beside upstream's index the one that it is to have: other at ``changes`` alone.

    Call it when the working files are in place, whose states it records.
    """
    new = os.path.join(place(head), NEW_INDEX)
    index = os.path.join(head.git_directory, INDEX)
    with _writing(etc_path, lock, GIT_INDEX_FILE=new) as run:
        if os.path.exists(index):
            shutil.copyfile(index, new)
        else:
            run("read-tree", note.old)
        # What goes comes first: a file may make room for a directory.
        ordered = sorted(changes.items(), key=lambda change: change[1] is not None)
        lines = [
            b"%06o %s\t%s\0" % (*_index_fields(change), encode_path(path))
            for path, change in ordered
        ]
        run("update-index", "--replace", "-z", "--index-info", stdin=b"".join(lines))
        run("update-index", "-q", "--unmerged", "--refresh")


def _index_fields(change: Change) -> tuple[int, bytes]:
    mode, oid = change or (0, "0" * 40)
    return mode, oid.encode("ascii")


def move_branch(etc_path: str, note: Note, committer: Identity, reason: str, lock: int) -> None:
    """Let upstream's branch name the new commit: from here on all is promoted, and on disk.

    Raises:
        UpstreamError: It does not name the old one any more; nothing has changed then.
    """
    who = {"GIT_COMMITTER_NAME": committer.name, "GIT_COMMITTER_EMAIL": committer.email}
    with _writing(etc_path, lock, **who) as run:
        run("update-ref", "-m", reason, note.branch, note.new, note.old)
    sync_file_system(read_head(etc_path).common_directory)


def await_refs(head: Head, note: Note) -> None:
    """Return when git's locks on the branch are gone; those of a git that died are removed.

    A power cut, or the kernel short of memory, ends a git before it can do so itself.
    """
    await_lock(os.path.join(head.git_directory, "HEAD.lock"))
    await_lock(os.path.join(head.common_directory, f"{note.branch}.lock"))


def is_promoted(etc_path: str, head: Head, note: Note) -> bool:
    """Whether upstream's history has the new commit."""
    if head.commit is None:
        return False
    if head.commit in {note.old, note.new}:
        return head.commit == note.new
    with upstream_git(etc_path) as git:
        return is_ancestor(git, note.new, head.commit)


def install_index(head: Head, note: Note) -> None:
    """Put the new index in place, if this promotion still holds the lock on it."""
    new = os.path.join(place(head), NEW_INDEX)
    if holds_index(head, note) and os.path.exists(new):
        os.rename(new, os.path.join(head.git_directory, INDEX))


def hiding_rules(etc_path: str, paths: Iterable[str]) -> dict[str, str]:
    """Return the rules by which git in upstream's /etc overlooks some of ``paths``.

    Returns:
        By path, the file, line and pattern that hide it.
    """
    # Git refuses to answer for what lies beyond a link.
    reached = (path for path in paths if not _lies_beyond_a_link(etc_path, path))
    names = b"".join(b"./%s\0" % encode_path(path) for path in reached)
    if not names:
        return {}
    # The command knows nothing of pathspecs, and refuses to run where they are mentioned.
    with upstream_git(etc_path, GIT_LITERAL_PATHSPECS="0") as git:
        output = run_git(
            git, "check-ignore", "--verbose", "-z", "--no-index", "--stdin",
            stdin=names, nothing=1,
        )  # fmt: skip
    fields = [decode_path(field) for field in output.split(b"\0")[:-1]]
    rules = zip(fields[::4], fields[1::4], fields[2::4], fields[3::4], strict=True)
    return {
        path.removeprefix("./"): f"{source} line {line}: {pattern}"
        for source, line, pattern, path in rules
        if not pattern.startswith("!")
    }


def _lies_beyond_a_link(etc_path: str, path: str) -> bool:
    return any(os.path.islink(os.path.join(etc_path, above)) for above in ancestors(path))


@contextmanager
def _writing(etc_path: str, lock: int, **environment: str) -> Iterator[Callable[..., bytes]]:
    """Yield what runs git on upstream so that it holds ``lock`` even if this process is killed."""
    with upstream_git(etc_path, **configuration(DURABLE), **environment) as git:

        def run(*arguments: str, stdin: bytes = b"") -> bytes:
            return run_git(git, *arguments, stdin=stdin, keep_open=(lock,))

        yield run
