"""How a client's live tree differs from upstream, path by path."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from etcsync.config import Settings
from etcsync.entries import METADATA_PATH, ROOT, Entry, Kind
from etcsync.plan.model import Change, difference
from etcsync.plan.text import is_binary
from etcsync.policy.treatment import Strategy
from etcsync.reconcile.cluster import Cluster, open_cluster
from etcsync.reconcile.paths import covered, named_path
from etcsync.reconcile.recorded import read_refs
from etcsync.reconcile.snapshot import Snapshot, take_snapshot
from etcsync.report.secrets import is_secret, looks_secret
from etcsync.report.unified import unified_lines


@dataclass(frozen=True, slots=True)
class TreeDifference:
    """One path on which a tree and upstream differ.

    Attributes:
        path: The path.
        change: What the client's side is, seen from upstream.
        strategy: The strategy that the path is treated with.
        secret: Whether the content must not be shown.
        lines: A unified diff, without line ends; empty unless text was asked for.
    """

    path: str
    change: Change
    strategy: Strategy
    secret: bool
    lines: tuple[str, ...] = ()


def tree_differences(
    settings: Settings, client: str, paths: Sequence[str], *, with_text: bool
) -> list[TreeDifference]:
    """Return the differences of ``client``'s live tree from upstream's head, in path order.

    Args:
        settings: The settings.
        client: The client's name.
        paths: Only these paths and what is below them; none means all.
        with_text: Whether to compute the unified diffs.

    Raises:
        UsageError: The client is unknown.
        TreeError: Its tree cannot be read.
    """
    wanted = [named_path(path) for path in paths] or [ROOT]
    with open_cluster(settings) as cluster:
        known = settings.client(client)
        snapshot = take_snapshot(cluster, known, read_refs(cluster, [known]))
        ours, theirs = snapshot.sides.ours, snapshot.sides.theirs
        found = []
        for path in covered(sorted(ours.keys() | theirs.keys()), wanted):
            strategy = snapshot.policy.treatment(path).strategy
            change = difference(ours.get(path), theirs.get(path))
            derived = path == METADATA_PATH or path in snapshot.scan.unmanaged
            if change is None or strategy is Strategy.IGNORE or derived:
                continue
            described = describe(cluster, snapshot, path, theirs.get(path), ours.get(path))
            found.append(described if with_text else replace(described, lines=()))
        return found


def describe(
    cluster: Cluster, snapshot: Snapshot, path: str, theirs: Entry | None, ours: Entry | None
) -> TreeDifference:
    """Return how upstream's version of a path and another one, for a client, differ, with a diff.

    Nothing secret is in it.
    """
    treatment = snapshot.policy.treatment(path)
    secret = is_secret(treatment, theirs, ours)
    secret, body = difference_lines(cluster.contents.read, theirs, ours, secret=secret)
    header = (f"--- upstream/{path}", f"+++ {snapshot.client.name}/{path}")
    change = difference(ours, theirs) or Change.METADATA
    return TreeDifference(path, change, treatment.strategy, secret, (*header, *body))


def difference_lines(
    read: Callable[[str], bytes],
    theirs: Entry | None,
    ours: Entry | None,
    *,
    secret: bool,
    size_limit: int | None = None,
) -> tuple[bool, list[str]]:
    """Return how ``ours`` differs from ``theirs``, as the lines of a unified diff without a header.

    Args:
        read: Returns a content, given its blob id.
        theirs: Upstream's entry, None for nothing.
        ours: The client's entry, None for nothing.
        secret: Whether rule or mode make the path secret.
        size_limit: Bytes from which on contents are not compared.

    Returns:
        Whether the content must not be shown, by rule, mode or content; and the lines: untrusted
        text, but never anything secret.
    """
    old, new = _content(read, theirs), _content(read, ours)
    secret = secret or looks_secret(old) or looks_secret(new)
    lines = [] if theirs is None or ours is None else _metadata_lines(theirs, ours)
    if old == new:
        pass
    elif secret:
        lines.append("differs (secret)")
    elif is_binary(old) or is_binary(new):
        lines.append("differs (binary)")
    elif size_limit is not None and max(len(old), len(new)) > size_limit:
        lines.append("differs (too large to show here)")
    else:
        lines += unified_lines(*(text.decode("utf-8", "surrogateescape") for text in (old, new)))
    return secret, lines


def _metadata_lines(theirs: Entry, ours: Entry) -> list[str]:
    lines = []
    if theirs.kind is not ours.kind:
        lines += [f"old kind {theirs.kind}", f"new kind {ours.kind}"]
    if theirs.mode != ours.mode:
        lines += [f"old mode {theirs.mode:04o}", f"new mode {ours.mode:04o}"]
    if (theirs.uid, theirs.gid) != (ours.uid, ours.gid):
        lines += [f"old owner {theirs.uid}:{theirs.gid}", f"new owner {ours.uid}:{ours.gid}"]
    return lines


def _content(read: Callable[[str], bytes], entry: Entry | None) -> bytes:
    if entry is None or entry.kind not in {Kind.FILE, Kind.SYMLINK}:
        return b""
    return read(entry.oid)
