"""Adopting a clone that was made with ``git clone``: its history comes into the hub.

A client is root in its tree, so its ``.git`` may hold anything. Its objects are copied into a
repository of the server's own, and git works on that copy only.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from etcsync.errors import HubError, TreeError
from etcsync.hub.clone_directory import (
    Budget,
    clone_directory,
    copy_objects,
    exists,
    read_file,
)
from etcsync.hub.fetch import DURABLE, fetch
from etcsync.hub.git import (
    GitCommand,
    configuration,
    git_command,
    is_ancestor,
    run_git,
)
from etcsync.hub.new_repository import write_repository, write_text
from etcsync.hub.refs import UPSTREAM_REF, read_ref, turn
from etcsync.hub.upstream import NO_COMMIT
from etcsync.hub.upstream_head import read_head

HEAD_LIMIT = 4096
REFS_LIMIT = 64 << 20
SYMREF_DEPTH = 5
"""As git follows symbolic refs; ``SYMREF_MAXDEPTH``."""

COMMIT = re.compile(rb"([0-9a-f]{40})\s*")
SYMREF = re.compile(rb"ref:\s*(refs(?:/[^/\0-\x20\x7f]+){1,16})\s*")

OPERATIONS = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "sequencer": "a cherry-pick or revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "BISECT_START": "a bisection",
}
"""What stands in ``.git`` while git waits for somebody to finish something."""


@dataclass(frozen=True, slots=True)
class CloneState:
    """What a clone's ``.git`` directory says of itself; nothing of it is verified."""

    branch: str | None
    """The ref that HEAD names; None when it is detached."""
    commit: str | None
    """None when nothing was ever committed on the branch."""
    operation: str | None
    """What was begun and not finished, such as ``a merge``."""
    shallow: bool
    """Older history was cut off."""
    borrows: bool
    """Objects are found in another repository (``git clone --shared``)."""


class Adopted(NamedTuple):
    """A client's history as the hub has it now."""

    commit: str | None
    """The clone's head; None when nothing was ever committed there."""
    merge_base: str | None
    """The upstream commit that the clone last merged; None when the histories are unrelated."""


def inspect_clone(tree_path: str) -> CloneState | None:
    """Return what the tree's ``.git`` directory says, or None where there is none.

    Raises:
        TreeError: ``.git`` is a file or a link, is damaged, or cannot be read safely.
    """
    with clone_directory(tree_path) as git:
        return None if git is None else clone_state(git)


def clone_state(git: int) -> CloneState:
    """Return the state of an open ``.git`` directory."""
    branch, commit = None, None
    content = read_file("HEAD", git, HEAD_LIMIT)
    for _ in range(SYMREF_DEPTH):
        if content is None and branch is not None:
            content = packed_ref(git, branch)
            if content is None:
                break
        if found := COMMIT.fullmatch(content or b""):
            commit = found[1].decode()
            break
        if not (found := SYMREF.fullmatch(content or b"")) or b".." in found[1]:
            raise unreadable_head()
        branch = os.fsdecode(found[1])
        content = read_file(branch, git, HEAD_LIMIT)
    else:
        raise unreadable_head()
    return CloneState(
        branch=branch,
        commit=commit,
        operation=next((text for name, text in OPERATIONS.items() if exists(name, git)), None),
        shallow=exists("shallow", git),
        borrows=read_file("objects/info/alternates", git, REFS_LIMIT) is not None,
    )


def packed_ref(git: int, name: str) -> bytes | None:
    """Return the id that ``packed-refs`` gives for a ref; gitrepository-layout(5)."""
    ending = b" " + os.fsencode(name)
    content = read_file("packed-refs", git, REFS_LIMIT) or b""
    found = (line for line in content.splitlines() if line.endswith(ending))
    return next((line.removesuffix(ending) for line in found), None)


def unreadable_head() -> TreeError:
    """Return the error for a HEAD that leads to no SHA-1 commit."""
    return TreeError(
        "the HEAD of the clone's .git directory cannot be understood",
        hint="On the client, run `git -C /etc fsck`, or move /etc/.git away to give up its"
        " history. Clones with SHA-256 ids or reftables cannot be adopted.",
    )


def adopt_clone(
    hub_path: str, client: str, tree_path: str, upstream_etc: str, budget: Budget | None = None
) -> Adopted:
    """Bring the history of a clone into the hub as the client's branch, durably.

    The tree and its ``.git`` are only read. The branch moves forward, or stays where it contains
    the clone's head already; where the hub has another history of a client of that name, that one
    is kept as ``refs/etcsync/former/<client>/<commit>``. Killed at any moment, the next call does
    it again.

    Args:
        hub_path: The hub's git directory; upstream must have been fetched.
        client: The client's name.
        tree_path: Its tree, with a ``.git`` directory.
        upstream_etc: The root's /etc: a clone may borrow objects from its repository.
        budget: What may be read of the clone at most; by default 1,000,000 entries and 2 GiB.

    Raises:
        TreeError: The clone is damaged, incomplete, too large, in the middle of a merge or the
            like, or not a clone.
        HubError: The hub refused.
    """
    branch = f"refs/heads/{client}"
    upstream, old = read_ref(hub_path, UPSTREAM_REF), read_ref(hub_path, branch)
    if upstream is None:
        raise HubError("the hub does not have upstream yet", hint="Run `etcsync init` again.")
    state = inspect_clone(tree_path)
    if state is None:
        raise no_clone(tree_path)
    refuse_unfinished(tree_path, state)
    if state.commit is None:
        return Adopted(None, None)
    if state.commit != old:
        copy = os.path.join(os.path.dirname(hub_path), f".adopting-{client}")
        with copied_clone(tree_path, copy, state.commit, upstream_etc, budget or Budget()):
            try:
                check_complete(copy, state.commit)
                fetch(hub_path, copy, state.commit, known=upstream)
            except HubError as error:
                raise incomplete(tree_path, state, error) from error
    with git_command(hub_path, **configuration(DURABLE)) as git:
        if state.commit != old:
            with turn(hub_path):
                move_branch(git, client, old, state.commit)
        # Unlike merge-base, this does not fail where there is none: gitrevisions(7), A...B.
        lines = run_git(git, "rev-parse", f"{upstream}...{state.commit}").decode().split()
    bases = [line[1:] for line in lines if line.startswith("^")]
    return Adopted(state.commit, bases[0] if bases else None)


def refuse_unfinished(tree_path: str, state: CloneState) -> None:
    """Refuse a clone in which somebody has begun a merge or the like."""
    if state.operation is not None:
        verb = state.operation.split()[1]
        raise TreeError(
            f"{state.operation} was begun in {tree_path} and is not finished",
            hint=f"On the client, finish it or give it up (`git -C /etc {verb} --abort`,"
            " `git -C /etc status` tells more), then run `etcsync init` again.",
        )


def no_clone(tree_path: str) -> TreeError:
    """Return the error for a tree without ``.git``."""
    return TreeError(
        f"{tree_path} has no .git directory, so there is no history to adopt",
        hint="Run `etcsync init` again: it takes such a tree as it is.",
    )


@contextmanager
def copied_clone(
    tree_path: str, copy: str, commit: str, upstream_etc: str, budget: Budget
) -> Iterator[None]:
    """Keep, for the ``with`` block, a repository of the server's own with the clone's objects.

    It borrows from upstream's repository what the clone has from there, so that a clone that
    borrowed, or was made shallow, is complete; and from nowhere else, as the hub holds the
    histories of other clients, which the clone must not be able to name.
    """
    lender = os.path.join(read_head(upstream_etc).common_directory, "objects")
    shutil.rmtree(copy, ignore_errors=True)
    try:
        write_repository(copy, "refs/heads/adopted", {
            ("core",): {"repositoryformatversion": "0", "bare": "true"},
        })  # fmt: skip
        objects = os.path.join(copy, "objects")
        write_text(os.path.join(objects, "info", "alternates"), f"{lender}\n")
        write_text(os.path.join(copy, "refs", "heads", "adopted"), f"{commit}\n")
        with clone_directory(tree_path) as git:
            if git is None:
                raise no_clone(tree_path)
            copy_objects(git, objects, lender, budget)
        yield
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def check_complete(copy: str, commit: str) -> None:
    """Make sure that the copy, with what it borrows, has all that ``commit`` leads to.

    A fetch would not notice where the hub happens to have the rest: from another client.

    Raises:
        HubError: Something is missing.
    """
    with git_command(copy) as git:
        run_git(git, "rev-list", "--objects", "--quiet", commit, "--not", "--alternate-refs")


def incomplete(tree_path: str, state: CloneState, error: HubError) -> TreeError:
    """Return the error for a clone whose history git could not fetch."""
    causes = [
        cause
        for cause, present in (
            ("its older history was cut off (a shallow clone)", state.shallow),
            ("it borrows objects from another repository", state.borrows),
        )
        if present
    ]
    because = f" ({', and '.join(causes)})" if causes else ""
    return TreeError(
        f"the history of the clone {tree_path} is not complete or damaged{because}:"
        f" {error.message}",
        hint="On the client, run `git -C /etc fsck` and mend it (`git fetch --unshallow`,"
        " `git repack -a`), or move /etc/.git away to give up its history.",
    )


def move_branch(git: GitCommand, client: str, old: str | None, new: str) -> None:
    """Let the client's branch contain ``new``, and lose nothing that it contained."""
    branch = f"refs/heads/{client}"
    commands = [f"update {branch} {new} {old or NO_COMMIT}\n"]
    if old is not None and is_ancestor(git, new, old):
        return
    if old is not None and not is_ancestor(git, old, new):
        commands.append(f"update refs/etcsync/former/{client}/{old} {old}\n")
    run_git(git, "update-ref", "--stdin", stdin="".join(commands).encode())
