"""The words of the hub's commits: what caused each, readable for people and for etcsync.

A client's branch carries its cause in trailers. A base commit's message is a line for people and a
JSON object: the upstream commit that the base was reconciled with, and why each held path is held.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from etcsync.reconcile.model import Cause, HeldPath
from etcsync.report.escape import printable
from etcsync.words import counted

CAUSE_TRAILER = "Etcsync-Cause"
UPSTREAM_TRAILER = "Etcsync-Upstream"
PROMOTED_TRAILER = "Promoted-from"
CAPTURED_TRAILER = "Etcsync-Captured"
NOTES_TRAILER = "Etcsync-Notes"
HEALED = "healed"
"""What is noted of a path where the client's version gave way to upstream's."""

LISTED_PATHS = 50
"""Paths that a commit message lists at most; the commit itself has them all."""


@dataclass(frozen=True, slots=True)
class BaseRecord:
    """What a base commit's message says.

    Attributes:
        upstream: The upstream commit that the client was last reconciled with.
        holds: What is held, in path order.
    """

    upstream: str
    holds: tuple[HeldPath, ...] = ()


def base_message(record: BaseRecord) -> str:
    """Return the message of a base commit."""
    document = {
        "schema": 1,
        "upstream": record.upstream,
        "holds": [asdict(held) for held in record.holds],
    }
    return f"Base at upstream {record.upstream[:12]}\n\n{json.dumps(document, indent=1)}\n"


def parse_base_message(message: str) -> BaseRecord:
    """Read back what `base_message` wrote.

    Raises:
        ValueError: The message is not one of a base commit.
    """
    try:
        document = json.loads(message.partition("\n\n")[2])
        holds = tuple(HeldPath(**held) for held in document["holds"])
        return BaseRecord(document["upstream"], holds)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"not the message of a base commit: {error}") from error


def capture_message(client: str, changes: Mapping[str, object | None]) -> str:
    """Return the message of a commit that records what a client changed.

    Args:
        client: The client's name.
        changes: The changed paths; None marks a deletion.
    """
    subject = f"Capture {counted(len(changes), 'change')} of {client}"
    lines = [f"{'D' if changes[path] is None else 'M'} {path}" for path in sorted(changes)]
    return _message(subject, lines, {CAUSE_TRAILER: "capture"})


def result_message(client: str, cause: Cause, upstream: str, paths: Mapping[str, str]) -> str:
    """Return the message of a commit that records what etcsync wrote into a client's tree.

    Args:
        client: The client's name.
        cause: Why it was written.
        upstream: The upstream commit that the tree was reconciled with.
        paths: The paths that were written, deleted or decided, each with what sets it apart from
            the rest: that it was healed, or how it was decided; else ``""``.
    """
    subject = f"{cause.capitalize()} {client} with upstream {upstream[:12]}"
    in_order = sorted(paths, key=lambda path: (not paths[path], path))
    lines = [f"{path} ({paths[path]})" if paths[path] else path for path in in_order]
    trailers = {CAUSE_TRAILER: cause.value, UPSTREAM_TRAILER: upstream}
    if notes := {path: note for path, note in sorted(paths.items()) if note}:
        trailers[NOTES_TRAILER] = json.dumps(notes)
    return _message(subject, lines, trailers)


def notes_of(message: str) -> dict[str, str]:
    """Return what `result_message` noted of single paths.

    The message may be an adopted clone's, whose author wrote there what they liked.
    """
    text = trailer(message, NOTES_TRAILER)
    try:
        notes = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(notes, dict):
        return {}
    return {path: note for path, note in notes.items() if isinstance(note, str)}


def promote_message(client: str, captured: str, changes: Mapping[str, str], text: str = "") -> str:
    """Return the message of a commit that brings a client's changes upstream.

    Args:
        client: The client's name.
        captured: The commit of its history that has them.
        changes: How upstream changes, by path.
        text: The administrator's own words, instead of the list of paths.
    """
    trailers = {PROMOTED_TRAILER: client, CAPTURED_TRAILER: captured}
    if text.strip():
        return _message(text.strip(), [], trailers)
    paths = sorted(changes)
    what = printable(paths[0]) if len(paths) == 1 else counted(len(paths), "change")
    lines = [f"{changes[path]} {path}" for path in paths]
    return _message(f"Promote {what} of {client}", lines, trailers)


def rescue_message(client: str, paths: Sequence[str]) -> str:
    """Return the message of a commit that keeps contents which lost their place in the tree."""
    subject = f"Keep {counted(len(paths), 'file')} that {client} wrote during a reconciliation"
    return _message(subject, sorted(paths), {CAUSE_TRAILER: "rescue"})


def trailer(message: str, name: str) -> str | None:
    """Return the value of a trailer that one of the functions above wrote, or None."""
    for line in reversed(message.rstrip("\n").split("\n")):
        key, colon, value = line.partition(": ")
        if not colon:
            return None
        if key == name:
            return value
    return None


def _message(subject: str, lines: Sequence[str], trailers: Mapping[str, str]) -> str:
    body = [printable(line) for line in lines[:LISTED_PATHS]]
    if len(lines) > LISTED_PATHS:
        body.append(f"and {len(lines) - LISTED_PATHS} more")
    paragraphs = [subject, "\n".join(body), "\n".join(f"{k}: {v}" for k, v in trailers.items())]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"
