"""Commands to paste, with paths in them.

Paths come from clients: they are quoted so that a shell takes each as one word, whatever is in it.
"""

import shlex

from etcsync.entries import encode_path
from etcsync.report.excerpts import PATH_SHOWN

DRIFT_EXITS = ("promote", "accept", "discard")
"""The commands that end drift: everyone gets it, it is meant, it goes."""


def drift_commands(client: str, path: str) -> list[str]:
    """Return the three exits of a client's drift.

    None for a path that is too long to be shown whole.
    """
    if len(path) > PATH_SHOWN:
        return []
    return [f"etcsync {command} {client} {shell_path(path)}" for command in DRIFT_EXITS]


def shell_path(path: str) -> str:
    r"""Return a path as an argument for a shell.

    Where quotes would not do, because the path has characters that cannot be shown, it is in the
    form ``$'\x1b'``, which bash and POSIX.1-2024 know.
    """
    if path.isprintable():
        word = shlex.quote(path)
    else:
        word = "$'" + "".join(_escaped(byte) for byte in encode_path(path)) + "'"
    return f"-- {word}" if path.startswith("-") else word


def _escaped(byte: int) -> str:
    character = chr(byte)
    if character in "\\'":
        return f"\\{character}"
    return character if character.isascii() and character.isprintable() else f"\\x{byte:02x}"
