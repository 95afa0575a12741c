"""Which programs there are in a root."""

import os
import stat

from etcsync.environment import SEARCH_PATH
from etcsync.host.rootfs import path_in_root


def program_in_root(root: str, name: str) -> str | None:
    """Return where the program ``name`` of the root lies on this machine, or None.

    Args:
        root: The root file system.
        name: A path inside the root, or a bare name that is looked for in `SEARCH_PATH`.

    Raises:
        UpstreamError: The root's symbolic links turn in a circle.
    """
    places = [name] if "/" in name else [f"{each}/{name}" for each in SEARCH_PATH.split(":")]
    for place in places:
        found = path_in_root(root, place)
        try:
            status = os.lstat(found)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_mode & 0o111:
            return found
    return None
