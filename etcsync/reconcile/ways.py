"""The ways to decide a conflict: from a held path to what the client shall have there."""

from collections.abc import Callable

from etcsync.entries import Entry, Kind
from etcsync.errors import UsageError
from etcsync.plan.metadata import merge_metadata
from etcsync.plan.model import Choice, Hold
from etcsync.plan.text import is_binary, merge_marked, merge_union
from etcsync.reconcile.cluster import Cluster
from etcsync.report.escape import printable

Way = Callable[[Cluster, Hold], Choice]
"""Decides one held path.

It raises `UsageError` where the path cannot be decided in this way."""


def take_upstreams(_cluster: Cluster, hold: Hold) -> Choice:
    """Take upstream's version, metadata included; approve it, where policy wants a review."""
    return Choice(hold.theirs, "upstream's version")


def keep_clients(_cluster: Cluster, hold: Hold) -> Choice:
    """Keep the client's version, and let upstream's change count as seen."""
    return Choice(hold.ours, "the client's version")


def unite(cluster: Cluster, hold: Hold) -> Choice:
    """Take the lines of both sides."""
    texts = [_text(cluster, hold, entry) for entry in (hold.base, hold.ours, hold.theirs)]
    return _content(cluster, hold, merge_union(*texts), "the lines of both sides")


def marked(cluster: Cluster, hold: Hold) -> bytes:
    """Return the text in which a person can merge both sides' versions.

    Raises:
        UsageError: There are no lines to be merged.
    """
    texts = [_text(cluster, hold, entry) for entry in (hold.base, hold.ours, hold.theirs)]
    return merge_marked(*texts)


def put(content: bytes) -> Way:
    """Return the way to decide for a content of one's own."""
    return lambda cluster, hold: _content(cluster, hold, content, "a content given by hand")


def _text(cluster: Cluster, hold: Hold, entry: Entry | None) -> bytes:
    if entry is None and hold.base is None:
        return b""
    if entry is None or entry.kind is not Kind.FILE:
        raise _unfit(hold, "one side has no file there, so that lines cannot come together")
    content = cluster.merger.read(entry.oid)
    if is_binary(content):
        raise _unfit(hold, "it is not text")
    return content


def _content(cluster: Cluster, hold: Hold, content: bytes, reason: str) -> Choice:
    """Choose ``content`` with the metadata of the sides that have a file there."""
    files = [e for e in (hold.ours, hold.theirs) if e is not None and e.kind is Kind.FILE]
    if not files:
        raise _unfit(hold, "neither side has a file there")
    merged = merge_metadata(hold.base, files[0], files[-1])
    if merged is None:
        raise _unfit(hold, "the client and upstream give it different modes or owners")
    oid = cluster.contents.put(content)
    return Choice(Entry(Kind.FILE, oid, *merged), reason)


def _unfit(hold: Hold, why: str) -> UsageError:
    return UsageError(
        f"{printable(hold.path)} cannot be decided so: {why}",
        hint=f"Decide with `etcsync resolve {hold.id} --upstream` or `--client`.",
    )
