"""One conflict as a document and as text."""

from typing import Any

from etcsync.reconcile.conflicts import ConflictDetails, Version
from etcsync.report.documents import Document, conflict_document
from etcsync.report.escape import printable
from etcsync.report.unified import unified_lines


def details_document(details: ConflictDetails) -> Document:
    """Return the document of ``conflicts show --json``, without its schema."""
    return {
        "client": details.client,
        **conflict_document(details.held),
        "secret": details.secret,
        "base": _version(details.base),
        "ours": _version(details.ours),
        "theirs": _version(details.theirs),
    }


def conflict_text(details: ConflictDetails) -> str:
    """Return a conflict as lines of plain text, safe to print."""
    held = details.held
    lines = [
        f"{held.id}  {printable(held.path)} on {details.client}",
        f"held since {held.since}: {printable(held.detail or held.reason)}",
        "",
        *(
            f"{name:<8}{version_summary(version)}"
            for name, version in (
                ("base", details.base),
                ("ours", details.ours),
                ("theirs", details.theirs),
            )
        ),
    ]
    for heading, new in (("the client's change", details.ours), ("upstream's", details.theirs)):
        lines += ["", f"{heading}, against the base:"]
        lines += [f"  {line}" for line in _difference(details.base, new, secret=details.secret)]
    lines += [
        "",
        "The client keeps its version until both fit together, or until you decide:",
        f"etcsync resolve {held.id} --upstream, or --client, --union, --file FILE, --edit.",
    ]
    return "\n".join(lines)


def is_hidden(version: Version | None) -> bool:
    """Return whether a version has a content that is not shown: secret, binary or too large."""
    return version is not None and version.text is None and version.size is not None


def _version(version: Version | None) -> dict[str, Any] | None:
    if version is None:
        return None
    return {
        "kind": version.entry.kind.value,
        "mode": f"{version.entry.mode:04o}",
        "owner": version.owner,
        "group": version.group,
        "size": version.size,
        "text": version.text,
    }


def version_summary(version: Version | None) -> str:
    """Return a version's kind, mode, owner and size in a line, safe to print."""
    if version is None:
        return "absent"
    entry = version.entry
    size = "" if version.size is None else f", {version.size} bytes"
    owner = f"{printable(version.owner)}:{printable(version.group)}"
    return f"{entry.kind.value}, mode {entry.mode:04o}, {owner}{size}"


def _difference(old: Version | None, new: Version | None, *, secret: bool) -> list[str]:
    if secret:
        return ["(secret)"]
    texts = []
    for version in (old, new):
        if is_hidden(version):
            return ["(binary or too large to show)"]
        texts.append(version.text if version is not None and version.text is not None else "")
    lines = unified_lines(*texts)
    if not lines:
        return ["(deleted)" if new is None else "(only mode, owner or kind)"]
    return [printable(line, keep="\t") for line in lines]
