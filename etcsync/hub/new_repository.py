"""Laying out an empty repository without starting git."""

import os
from collections.abc import Mapping


def write_repository(
    path: str, head: str, settings: Mapping[tuple[str, ...], Mapping[str, str]]
) -> None:
    """Create an empty repository, without hooks, that only its owner can enter.

    Args:
        path: The git directory; it must not exist.
        head: The ref that HEAD names.
        settings: The configuration, by section, as in ``("branch", "master")``, and key.
    """
    os.mkdir(path, 0o700)
    for directory in ("objects", "objects/info", "objects/pack", "refs", "refs/heads", "info"):
        os.mkdir(os.path.join(path, directory))
    write_text(os.path.join(path, "HEAD"), f"ref: {head}\n")
    lines = [
        line
        for section, values in settings.items()
        for line in (header(*section), *(f"\t{key} = {quoted(values[key])}" for key in values))
    ]
    write_text(os.path.join(path, "config"), "\n".join(lines) + "\n")


def write_text(path: str, text: str) -> None:
    """Write a new file."""
    with open(path, "x", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def header(section: str, subsection: str = "") -> str:
    """Return the line that begins a section; in git-config(1), "Syntax"."""
    return f"[{section} {quoted(subsection)}]" if subsection else f"[{section}]"


def quoted(value: str) -> str:
    """Return ``value`` as git-config(1) reads it: in quotes, with the special ones escaped."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
