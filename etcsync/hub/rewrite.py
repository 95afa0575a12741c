"""Noticing that upstream's history was rewritten, and saying what that would change."""

from collections.abc import Callable

from etcsync.entries import decode_path
from etcsync.errors import UpstreamError
from etcsync.report.escape import printable

Git = Callable[..., bytes]
"""Runs one git command, given its words, where both commits are known."""

NAMED = 5
"""Paths that the refusal names."""


def refuse_rewrite(git: Git, etc_path: str, old: str, new: str) -> None:
    """Refuse to follow upstream from ``old`` to ``new`` if ``new`` does not descend from it.

    Raises:
        UpstreamError: It does not; the message says what would change.
    """
    gone = int(git("rev-list", "--count", old, f"^{new}")) if old != new else 0
    if not gone:
        return
    come = int(git("rev-list", "--count", new, f"^{old}"))
    listing = git("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new)
    paths = [printable(decode_path(raw)) for raw in listing.split(b"\0")[:-1]]
    named = ", ".join([*paths[:NAMED], *(["…"] if len(paths) > NAMED else [])])
    raise UpstreamError(
        f"the history of {etc_path} was rewritten: {old[:12]}, which the clients follow, is not"
        f" part of {new[:12]} (commits gone: {gone}, new: {come};"
        f" paths that differ: {len(paths)}{f', {named}' if named else ''})",
        hint="`etcsync plan --accept-rewrite` shows what would be done. If that is meant:"
        " `etcsync sync --accept-rewrite`.",
    )
