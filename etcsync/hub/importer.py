"""Writing blobs, trees and commits: one `git fast-import` process for a whole run.

The stream's format is that of git-fast-import(1). No ref is moved: every commit is made on a
scratch name that is forgotten before the process ends, and a process that is cut off before it is
told that all is done moves none. What it leaves then is an unreachable pack at worst.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import NamedTuple, NewType

from etcsync.atomic_file import sync_directory
from etcsync.entries import blob_oid, encode_path
from etcsync.errors import HubError
from etcsync.hub.failures import unwritable, writing
from etcsync.hub.git import GitProcess, git_command, git_process
from etcsync.hub.objects import DIRECTORY_MODE, REQUESTS_AT_ONCE, SYMLINK_MODE, Identity
from etcsync.hub.refs import SCRATCH_REF
from etcsync.names import is_git_modules_name, is_safe_path
from etcsync.system_calls import widen_pipe

Mark = NewType("Mark", int)
"""Stands for a commit of this run until `Importer.finish` tells its id."""

Change = tuple[int, str] | None
"""The git mode and id that a path gets; None removes it and all below it."""

_PLAIN_PATH = re.compile(rb'[^"\0-\x1f\\\x7f][^\0-\x1f\\\x7f]*')
_QUOTED = re.compile(rb'[\0-\x1f"\\\x7f]')
_UNFIT_FOR_NAMES = re.compile(r"[<>\0-\x1f\x7f]")


class NewCommit(NamedTuple):
    """A commit to be made.

    Attributes:
        message: Text; surrogate escapes become the bytes that they stand for.
        parents: Ids of commits that the hub holds, or marks of commits made in this run.
        changes: What differs from the tree that the commit starts from, by path.
        author: Who made the change.
        committer: Who recorded it.
        time: When, with its zone; whole seconds are kept.
        tree: The root tree to start from; None: the first parent's, or an empty one.
    """

    message: str
    parents: Sequence[str | Mark]
    changes: Mapping[str, Change]
    author: Identity
    committer: Identity
    time: datetime
    tree: str | None = None


class Importer:
    """Writes objects; made by `open_importer`."""

    def __init__(self, directory: str, process: GitProcess) -> None:
        self._directory = directory
        self._process = process
        self._blobs: set[str] = set()
        self._commits = 0
        self._finished = False

    def blob(self, content: bytes) -> str:
        """Store ``content`` and return its id; what was given before is not sent again."""
        oid = blob_oid(content)
        if oid not in self._blobs:
            self._blobs.add(oid)
            self._send(b"blob\ndata %d\n" % len(content), content, b"\n")
        return oid

    def commit(self, commit: NewCommit) -> Mark:
        """Make a commit.

        Raises:
            HubError: A path of the changes is unsafe (nothing of the commit was sent then), or git
                failed.
        """
        changes = b"".join(_change_lines(commit.changes))
        self._commits += 1
        mark = Mark(self._commits)
        who = _identity(commit.author, commit.time), _identity(commit.committer, commit.time)
        message = commit.message.replace("\0", "�").encode("utf-8", "surrogateescape")
        parents = [_commit_name(parent) for parent in commit.parents]
        self._send(
            f"reset {SCRATCH_REF}\n\ncommit {SCRATCH_REF}\nmark :{mark}\n".encode("ascii"),
            b"author %s\ncommitter %s\ndata %d\n" % (*who, len(message)),
            message,
            b"\n",
            *(b"from %s\n" % parent for parent in parents[:1]),
            *(b"merge %s\n" % parent for parent in parents[1:]),
            f'M 040000 {commit.tree} ""\n'.encode("ascii") if commit.tree else b"",
            changes,
            b"\n",
        )
        return mark

    def finish(self) -> dict[Mark, str]:
        """End the import and return the ids of the commits; all objects are durable then.

        Raises:
            HubError: Git refused something that was sent, or could not write it.
        """
        marks = [Mark(number) for number in range(1, self._commits + 1)]
        oids: list[str] = []
        for start in range(0, len(marks), REQUESTS_AT_ONCE):
            window = marks[start : start + REQUESTS_AT_ONCE]
            self._send(*(b"get-mark :%d\n" % mark for mark in window))
            self.flush()
            lines = [self._process.stdout.readline() for _ in window]
            if not all(line.endswith(b"\n") for line in lines):
                raise self._failure()
            oids += [line.decode("ascii").strip() for line in lines]
        self._send(f"reset {SCRATCH_REF}\n\ndone\n".encode("ascii"))
        self.flush()
        self._process.stdout.read()
        if self._process.popen.wait() != 0:
            raise self._failure()
        self._finished = True
        # Git syncs each pack, but not the names that it gives to them.
        with writing(self._directory, "objects"):
            sync_directory(os.path.join(self._directory, "objects", "pack"))
        return dict(zip(marks, oids, strict=True))

    def abandon(self) -> None:
        """Let git end without having been told that all is done, unless it was."""
        if self._finished:
            return
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.popen.wait()
        remove_crash_reports(self._directory)

    def _send(self, *parts: bytes) -> None:
        try:
            self._process.stdin.writelines(parts)
        except BrokenPipeError as error:
            raise self._failure() from error

    def flush(self) -> None:
        """Have git see all that was sent, so that it can go to work."""
        try:
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._failure() from error

    def _failure(self) -> HubError:
        """Return what explains that git has ended too early."""
        said = self._process.last_words()
        # What follows the first reason is about the crash report, and what broke in its wake.
        fatal = [line for line in said.splitlines() if line.startswith("fatal: ")]
        reason = fatal[0] if fatal else said or f"exit status {self._process.popen.wait()}"
        return unwritable(self._directory, "objects", reason)


@contextmanager
def open_importer(directory: str, **environment: str) -> Iterator[Importer]:
    """Yield the importer that writes to the repository ``directory``.

    Leaving the block before `Importer.finish` has returned abandons what was sent.

    Raises:
        HubError: Git failed, or its disk is full.
    """
    with (
        git_command(directory, **environment) as git,
        git_process(git, "fast-import", "--quiet", "--done", "--date-format=raw") as process,
    ):
        widen_pipe(process.stdin)
        importer = Importer(directory, process)
        try:
            yield importer
        finally:
            importer.abandon()


def remove_crash_reports(directory: str) -> None:
    """Remove what fast-imports wrote about their end; they may quote contents of a tree."""
    for name in os.listdir(directory):
        if name.startswith("fast_import_crash_"):
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(directory, name))


def _change_lines(changes: Mapping[str, Change]) -> Iterator[bytes]:
    """Yield deletions, then the rest with parents before children.

    So a file can become a directory and a directory a file.
    """
    for path, change in changes.items():
        # Git refuses a link of that name wherever it reads an index.
        link = change is not None and change[0] == SYMLINK_MODE
        if not is_safe_path(path) or (link and is_git_modules_name(path.rpartition("/")[2])):
            raise HubError(f"the path {path!r} cannot be recorded in git")
    for path, change in changes.items():
        if change is None:
            yield b"D %s\n" % _quoted(path)
    # Only trees can hold what is set as well.
    sets = ((path, change) for path, change in changes.items() if change is not None)
    for path, (mode, oid) in sorted(sets, key=_directories_first):
        yield b"M %06o %s %s\n" % (mode, oid.encode("ascii"), _quoted(path))


def _directories_first(item: tuple[str, tuple[int, str]]) -> tuple[bool, str]:
    path, (mode, _) = item
    return mode != DIRECTORY_MODE, path


def _quoted(path: str) -> bytes:
    """Return ``path`` as a line of the stream can hold it: in C style where it must be."""
    raw = encode_path(path)
    if _PLAIN_PATH.fullmatch(raw):
        return raw
    return b'"%s"' % _QUOTED.sub(lambda match: b"\\%03o" % match[0][0], raw)


def _commit_name(parent: str | Mark) -> bytes:
    return parent.encode("ascii") if isinstance(parent, str) else b":%d" % parent


def _identity(identity: Identity, time: datetime) -> bytes:
    name, email = (_UNFIT_FOR_NAMES.sub("", part).strip() for part in identity)
    seconds = max(0, int(time.timestamp()))
    minutes = int((time.utcoffset() or timedelta()).total_seconds() / 60)
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
    return f"{name or 'unknown'} <{email}> {seconds} {zone}".encode("utf-8", "surrogateescape")
