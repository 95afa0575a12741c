"""Where upstream stands: what the HEAD of the root's /etc leads to.

Nearly every such repository is plain: a ``.git`` directory whose HEAD names a branch. Three small
files tell that (gitrepository-layout(5)). All others, and what is damaged, GitPython knows about.
"""

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from etcsync.errors import UpstreamError

if TYPE_CHECKING:
    from git import Repo

_PLAIN = {"objects", "refs"}
_TELLING = {*_PLAIN, "commondir", "reftable"}
"""What a git directory has or lacks where it is a plain one."""

_UNUSUAL = re.compile(rb"\[\s*(?:extensions|include)|\bbare\b(?!\s*=\s*false\b)", re.IGNORECASE)
"""What in its configuration may make a repository another than a plain one."""

_BRANCH = re.compile(rb"ref: (refs/heads/[\w-]+(?:[./][\w-]+)*)\n")
_COMMIT = re.compile(rb"([0-9a-f]{40})\n")


class Head(NamedTuple):
    """Where upstream stands."""

    git_directory: str
    common_directory: str
    """Where objects and refs lie; the same, but for a linked worktree."""
    branch: str | None
    """The full ref name; None when HEAD is detached."""
    commit: str | None
    """None when nothing was ever committed on the branch."""


def read_head(etc_path: str) -> Head:
    """Return what upstream's HEAD says; starts no process.

    Raises:
        UpstreamError: As `head_commit`, but a repository without a commit is no error.
    """
    if not os.path.isdir(etc_path):
        raise UpstreamError(
            f"{etc_path} is not a directory",
            hint="Check `upstream.root` and `upstream.etc` in the settings, and what is mounted.",
        )
    return _plain_head(os.path.abspath(etc_path)) or _any_head(etc_path)


def _plain_head(etc_path: str) -> Head | None:
    """Return where HEAD leads in a plain repository; None: it is none, or not all that it needs."""
    directory = os.path.join(etc_path, ".git")
    has = {name for name in _TELLING if os.path.exists(os.path.join(directory, name))}
    if has != _PLAIN:
        return None
    try:
        named = _BRANCH.fullmatch(_content(directory, "HEAD"))
        if named is None or _UNUSUAL.search(_content(directory, "config")):
            return None
        branch = named[1].decode("ascii")
        commit = _plain_commit(directory, branch)
    except (OSError, UnicodeDecodeError):
        return None
    return Head(directory, directory, branch, commit) if commit else None


def _plain_commit(directory: str, branch: str) -> str | None:
    try:
        found = _COMMIT.fullmatch(_content(directory, branch))
    except FileNotFoundError:
        packed = rb"^([0-9a-f]{40}) %b$" % re.escape(branch.encode("ascii"))
        found = re.search(packed, _content(directory, "packed-refs"), re.MULTILINE)
    return found and found[1].decode("ascii")


def _content(directory: str, name: str) -> bytes:
    with open(os.path.join(directory, name), "rb") as file:
        return file.read()


def _any_head(etc_path: str) -> Head:
    """Return where HEAD leads in a repository of any kind."""
    from git import Repo  # noqa: PLC0415 - takes long to load, see `etcsync.hub.git`
    from git.exc import InvalidGitRepositoryError, NoSuchPathError  # noqa: PLC0415

    try:
        with Repo(etc_path, expand_vars=False) as repository:
            if repository.bare:
                raise UpstreamError(
                    f"the repository of {etc_path} is bare: it has no working files",
                    hint="Name the root's own /etc in `upstream.etc`.",
                )
            return _follow_head(repository, etc_path)
    except (InvalidGitRepositoryError, NoSuchPathError) as error:
        raise UpstreamError(
            f"{etc_path} is not under git",
            hint="Run `etcsync init`: it puts the directory under etckeeper, or under plain git.",
        ) from error


def _follow_head(repository: "Repo", etc_path: str) -> Head:
    """Return where HEAD leads in an open repository."""
    from git.refs import SymbolicReference  # noqa: PLC0415 - as above

    common_directory = os.fspath(repository.common_dir)
    if os.path.isdir(os.path.join(common_directory, "reftable")):
        raise UpstreamError(
            f"the repository of {etc_path} keeps its refs in a format that etcsync cannot read",
            hint=f"Run `git -C {etc_path} refs migrate --ref-format=files`.",
        )
    with repository.config_reader("repository") as settings:
        if settings.get_value("extensions", "objectformat", "sha1") != "sha1":
            raise UpstreamError(
                f"the repository of {etc_path} does not name its commits by SHA-1",
                hint="Create it anew with `git init --object-format=sha1`.",
            )
    branch = None
    try:
        if not repository.head.is_detached:
            branch = os.fspath(repository.head.reference.path)
        commit = SymbolicReference.dereference_recursive(repository, "HEAD")
    except (ValueError, AssertionError) as error:
        if branch is None or os.path.lexists(os.path.join(common_directory, branch)):
            raise damaged(etc_path, "HEAD leads nowhere") from error
        commit = None
    return Head(os.fspath(repository.git_dir), common_directory, branch, commit)


def require_commit(head: Head, etc_path: str) -> str:
    """Return the commit where upstream stands, which an unborn branch does not have."""
    if head.commit is None:
        raise UpstreamError(
            f"nothing was committed yet in {etc_path}",
            hint="Run `etcsync init`, or `chroot ROOT etckeeper commit -m 'Initial commit'`.",
        )
    return head.commit


def damaged(etc_path: str, why: str) -> UpstreamError:
    """Return the error for a repository that git itself would complain about."""
    return UpstreamError(
        f"the repository of {etc_path} cannot be read: {why}",
        hint=f"Look at it with `git -C {etc_path} fsck`.",
    )
