"""What ``git checkout`` makes of metadata. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from etcsync.entries import ROOT, Entry, Kind

UMASKS = (0o022, 0o002, 0o077, 0o027, 0o007)
"""The umasks that are looked for, the usual one first."""

CREATION_MODES = {0o100644: 0o666, 0o100755: 0o777, 0o040000: 0o777}
"""The mode that git asks for when it creates what has this mode in a tree; ``entry.c`` of git."""

LINK = 0o120000


class Metadata(NamedTuple):
    """A path's mode, owner and group."""

    mode: int
    uid: int
    gid: int


def checkout_modes(live: Mapping[str, Entry], git_modes: Mapping[str, int]) -> dict[str, Metadata]:
    """Return the metadata that a checkout gave to the paths of a commit.

    Git keeps one bit of a file's mode and no owner: a clone has what its umask left and belongs to
    whoever cloned. Taken as the base of a client that is adopted, this makes upstream's recorded
    modes arrive at the first sync, as no change of the client's, while a mode that the client
    changed on purpose stands out.

    The umask is the one of `UMASKS` under which most regular files of the commit have the mode that
    they have in the tree; the first of equals. The owner is that of the tree's own directory.

    Args:
        live: The tree as it is.
        git_modes: The commit's modes by path, as in a git tree object; directories included.
            Submodules are left out.

    Returns:
        Metadata by path, for every path of ``git_modes`` that a checkout makes.
    """
    top = live[ROOT]
    created = {path: CREATION_MODES[mode] for path, mode in git_modes.items()
               if mode in CREATION_MODES}  # fmt: skip
    files = [
        (created[path], live[path].mode)
        for path, mode in git_modes.items()
        if mode != 0o040000 and path in created and path in live and live[path].kind is Kind.FILE
    ]

    def explained(umask: int) -> int:
        return sum(mode & ~umask == found for mode, found in files)

    umask = max(UMASKS, key=explained)
    result = {path: Metadata(mode & ~umask, top.uid, top.gid) for path, mode in created.items()}
    links = (path for path, mode in git_modes.items() if mode == LINK)
    return result | {path: Metadata(0o777, 0, 0) for path in links}
