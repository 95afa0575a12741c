"""The hub's refs: their names, reading them all at once, and moving many of them as one.

Git's own ref transactions touch one file per ref: killed in their midst, or cut off from power,
they leave some refs moved, others not, and a lock file for each, over which the next transaction
stumbles. Here all refs live in the one file ``packed-refs``, whose replacement is one rename; git
reads it as it always does (its format: the comment at the head of git's refs/packed-backend.c).
What git itself writes beside it (a fetch, an administrator's commit) is folded in first.
"""

import fcntl
import functools
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from etcsync.atomic_file import sync_directory
from etcsync.entries import decode_path, encode_path
from etcsync.errors import HubError
from etcsync.hub.failures import damaged, writing

UPSTREAM_REF = "refs/heads/upstream"
"""Upstream's head as last fetched."""

UNBORN_REF = "refs/heads/_unborn"
"""What the hub's HEAD names; no client can be called so, hence it never exists."""

BASE_PREFIX = "refs/etcsync/base/"
PENDING_PREFIX = "refs/etcsync/pending/"
SCRATCH_REF = "refs/etcsync/scratch"
"""Needed by fast-import while it runs, never written."""

LEFT_OVER_AFTER = 10.0
"""Seconds after which a lock file that nobody wrote to is the left-over of a killed git."""

_HEADER = b"# pack-refs with: peeled fully-peeled sorted \n"
_CLIENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62})")
_COMPONENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_RECORD = re.compile(rb"[0-9a-f]{40} refs/[^\0\n]+")


class RefUpdate(NamedTuple):
    """One ref's move.

    Attributes:
        ref: The full name.
        new: The commit that it will name; None deletes it.
        old: The commit that it must name now; None: it must not exist.
    """

    ref: str
    new: str | None
    old: str | None


def branch_ref(client: str) -> str:
    """Return the branch with the recorded history of ``client``'s tree.

    Raises:
        HubError: The name cannot be a client's here: it is ``upstream``, or no branch may bear it.
    """
    return "refs/heads/" + checked_client(client)


def base_ref(client: str) -> str:
    """Return the ref of ``client``'s base tree; raises as `branch_ref` does."""
    return BASE_PREFIX + checked_client(client)


def pending_ref(client: str) -> str:
    """Return the ref of a plan whose application has begun; raises as `branch_ref` does."""
    return PENDING_PREFIX + checked_client(client)


@functools.lru_cache(maxsize=65_536)
def checked_client(client: str) -> str:
    """Return ``client`` if branches, refs and directories of the hub can bear that name.

    Raises:
        HubError: They cannot.
    """
    ref = "refs/heads/" + client
    if not _CLIENT.fullmatch(client) or not _is_ref_name(ref) or ref == UPSTREAM_REF:
        raise HubError(
            f"the hub cannot hold a client called {client!r}",
            hint="Names have up to 63 ASCII letters, digits, hyphens, dots and underscores, begin "
            "with a letter or digit, and are not `upstream`; see `etcsync client list`.",
        )
    return client


def _is_ref_name(ref: str) -> bool:
    """Whether ``ref`` is a name that git accepts (a part of git-check-ref-format(1)'s rules)."""
    first, *components = ref.split("/")
    return (
        first == "refs"
        and bool(components)
        and all(_COMPONENT.fullmatch(component) for component in components)
        and not any(component.endswith((".", ".lock")) for component in components)
        and ".." not in ref
    )


def read_refs(directory: str) -> dict[str, str]:
    """Return the commit that each ref of the hub names.

    Raises:
        HubError: A ref is damaged.
    """
    # Loose refs first: one that is folded in meanwhile is then seen at least in packed-refs.
    loose = dict(loose_refs(directory))
    refs = {
        decode_path(name): record[:40].decode("ascii")
        for name, record in _read_packed(directory).items()
    }
    return refs | loose


def read_ref(directory: str, name: str) -> str | None:
    """Return the commit that one ref of the hub names; None: there is no such ref.

    Raises:
        HubError: There is no repository, or a ref is damaged.
    """
    if not os.path.isdir(os.path.join(directory, "refs")):
        raise HubError(
            f"{directory} is not a git repository", hint="Run `etcsync init` to create the hub."
        )
    return read_refs(directory).get(name)


def loose_refs(directory: str) -> Iterator[tuple[str, str]]:
    """Yield the refs that have a file of their own, with what they name.

    Raises:
        HubError: One is empty, symbolic or something else that no ref of the hub is.
    """
    for path in _walk_refs(directory):
        if path.endswith(".lock"):
            continue
        name = os.path.relpath(path, directory)
        try:
            with open(path, "rb") as file:
                content = file.read(200)
        except FileNotFoundError:
            continue
        if not _RECORD.fullmatch(content[:40] + b" refs/_") or content[40:].strip():
            raise damaged(directory, f"the ref {name} does not name a commit")
        yield name, content[:40].decode("ascii")


def _walk_refs(directory: str) -> Iterator[str]:
    waiting = [os.path.join(directory, "refs")]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                for item in found:
                    if item.is_dir(follow_symlinks=False):
                        waiting.append(item.path)
                    else:
                        yield item.path
        except FileNotFoundError:
            continue


def _read_packed(directory: str) -> dict[bytes, bytes]:
    """Return the records of packed-refs by name, each with its peeled line if it has one."""
    try:
        with open(os.path.join(directory, "packed-refs"), "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return {}
    records: dict[bytes, bytes] = {}
    name = b""
    for line in content.split(b"\n"):
        if _RECORD.fullmatch(line):
            name = line[41:]
            records[name] = line
        elif line[:1] == b"^" and name:
            records[name] += b"\n" + line
        elif line and line[:1] != b"#":
            raise damaged(directory, f"packed-refs has a line that is no ref: {line[:80]!r}")
    return records


@contextmanager
def turn(directory: str) -> Iterator[None]:
    """Keep the other processes of a run from what all clients have in common, as its refs are.

    They share the lock that keeps other runs away. A turn within a turn never comes.

    Args:
        directory: The hub.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace_packed(directory: str, updates: Iterable[RefUpdate]) -> None:
    """Move the refs of ``updates`` in packed-refs, all or none, durably.

    No loose ref of these names may exist. A lock file in the way is waited for, and removed once
    it has been a left-over for `LEFT_OVER_AFTER` seconds.

    Raises:
        HubError: A ref did not name what was expected, or has a name that cannot be, or the disk
            is full.
    """
    path = os.path.join(directory, "packed-refs")
    with writing(directory, "refs"):
        descriptor = _create_lock(path + ".lock")
        _replace_locked(directory, path, descriptor, updates)
        sync_directory(directory)


def _replace_locked(
    directory: str, path: str, descriptor: int, updates: Iterable[RefUpdate]
) -> None:
    lock = path + ".lock"
    try:
        with open(descriptor, "wb") as file:
            records = _read_packed(directory)
            _apply(records, updates)
            file.write(_HEADER)
            file.writelines(records[name] + b"\n" for name in sorted(records))
            file.flush()
            os.fsync(file.fileno())
        os.rename(lock, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(lock)
        raise


def _create_lock(lock: str) -> int:
    while True:
        try:
            return os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            await_lock(lock)


def await_lock(lock: str) -> None:
    """Return when the lock file ``lock`` is gone; remove it once it is a left-over.

    The caller holds etcsync's own lock, so its owner is a git that was killed, or one that an
    administrator runs just now.
    """
    # Whatever the clock says: no longer than that.
    patience = time.monotonic() + LEFT_OVER_AFTER
    with suppress(FileNotFoundError):
        while (
            time.time() - os.stat(lock).st_mtime < LEFT_OVER_AFTER and time.monotonic() < patience
        ):
            time.sleep(0.05)
        os.unlink(lock)


def await_locks(directory: str) -> None:
    """Return when git has no lock on the hub's refs; removes left-overs as `await_lock` does."""
    for lock in lock_files(directory):
        await_lock(lock)


def lock_files(directory: str) -> Iterator[str]:
    """Yield the lock files of git that keep the hub's refs from being moved.

    ``packed-refs.new`` works like one: git makes it beside its lock, and gives up where a killed
    git has left it.
    """
    yield from (path for path in _walk_refs(directory) if path.endswith(".lock"))
    names = ("packed-refs.lock", "packed-refs.new", "HEAD.lock", "config.lock", "shallow.lock")
    for name in names:
        if os.path.lexists(path := os.path.join(directory, name)):
            yield path


def _apply(records: dict[bytes, bytes], updates: Iterable[RefUpdate]) -> None:
    created = []
    for ref, new, old in updates:
        name = encode_path(ref)
        record = records.pop(name, None)
        found = record[:40].decode("ascii") if record else None
        if found != old:
            raise HubError(
                f"{ref} was moved by someone else: expected {old or 'nothing'}, "
                f"found {found or 'nothing'}",
                hint="Let nothing but etcsync write to the hub, and run `etcsync sync` again.",
            )
        if new is not None:
            records[name] = encode_path(f"{new} {ref}")
            if old is None:
                created.append(ref)
    _check_names(records, created)


def _check_names(records: dict[bytes, bytes], created: list[str]) -> None:
    """Refuse new refs with bad names, and those that are another ref's directory."""
    if not created:
        return
    directories = {name[:end] for name in records for end in _slashes(name)}
    for ref in created:
        name = encode_path(ref)
        above = any(name[:end] in records for end in _slashes(name))
        if not _is_ref_name(ref) or above or name in directories:
            raise HubError(f"the hub cannot hold a ref called {ref!r}")


def _slashes(name: bytes) -> Iterator[int]:
    end = name.find(b"/")
    while end >= 0:
        yield end
        end = name.find(b"/", end + 1)
