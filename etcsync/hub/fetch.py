"""Copying commits from one repository of the server into another."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from etcsync.hub.git import configuration, git_command, run_git
from etcsync.hub.new_repository import write_repository, write_text
from etcsync.hub.refs import UPSTREAM_REF

DURABLE = {"core.fsync": "all", "core.fsyncMethod": "batch"}
"""What git writes is on disk before the command ends."""

BOUNDED = {"core.bigFileThreshold": "16m"}
"""Larger blobs are streamed instead of held in memory."""

TOLERATED = {
    f"fetch.fsck.{fault}": "ignore"
    for fault in (
        "badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "missingEmail",
        "missingNameBeforeEmail", "missingSpaceBeforeDate", "missingSpaceBeforeEmail",
        "zeroPaddedDate", "zeroPaddedFilemode",
    )
}  # fmt: skip
"""Faults that old or converted histories have, that cannot be mended without rewriting them, and
that nothing here depends on; git-fsck(1), "FSCK MESSAGES"."""

ALLOCATION = {"GIT_ALLOC_LIMIT": "1g"}
"""Git fails rather than allocate more at once; ``wrapper.c`` of git."""

UPLOAD_PACK = (
    "git -c 'safe.directory=*' -c core.hooksPath=/dev/null -c uploadpack.allowAnySHA1InWant=true"
    " -c core.bigFileThreshold=16m -c pack.windowMemory=64m -c pack.threads=1 upload-pack"
)
"""The giving side, as a shell command to which git appends the repository's path: no setting of
the receiving side reaches it otherwise. Its owner does not matter, as it runs no program of it."""

TIME_LIMIT = 300.0


def fetch(
    repository: str, source: str, *refspecs: str, known: str | None = None, checked: bool = True
) -> None:
    """Copy commits, with all that they need, from the git directory ``source``.

    They are on disk when this returns. Neither tags nor ``FETCH_HEAD`` are written, and no object
    is shared with ``source``.

    Args:
        repository: The git directory that receives.
        source: A git directory that no client can write; its configuration is used.
        refspecs: What to fetch, as for git-fetch(1): an id alone copies and moves no ref.
        known: A commit that ``repository`` has and ``source`` probably as well. With it nothing
            else of ``repository`` is looked at, and refspecs are ids; without it every ref is
            offered, two a client.
        checked: Refuse objects that git-fsck(1) would warn of, but for the faults `TOLERATED`.

    Raises:
        HubError: Git refused or did not end in `TIME_LIMIT` seconds.
    """
    checks = {"fetch.fsckObjects": "true", **TOLERATED} if checked else {}
    settings = DURABLE | BOUNDED | checks
    with (
        _receiver(repository, known) as (receiver, objects),
        git_command(receiver, **configuration(settings), **ALLOCATION, **objects) as git,
    ):
        run_git(
            git, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
            "--no-recurse-submodules", "--update-head-ok", f"--upload-pack={UPLOAD_PACK}",
            "--", source, *refspecs, limit=TIME_LIMIT,
        )  # fmt: skip


@contextmanager
def _receiver(repository: str, known: str | None) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the git directory that git receives in, and variables by which it finds its objects.

    When git has received commits it makes sure that they are complete, by a walk that ends at the
    receiver's refs and has all their trees in memory: 1.5 GiB for 5,000 clients. So where a commit
    is known that the new ones build on, the receiver has that alone for a ref, and the objects of
    ``repository``.
    """
    if known is None:
        yield repository, {}
        return
    with tempfile.TemporaryDirectory(prefix="etcsync-fetch-") as scratch:
        view = os.path.join(scratch, "view.git")
        write_repository(view, UPSTREAM_REF, {("core",): {"bare": "true"}})
        write_text(os.path.join(view, UPSTREAM_REF), f"{known}\n")
        yield view, {"GIT_OBJECT_DIRECTORY": os.path.join(repository, "objects")}
