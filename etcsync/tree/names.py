"""Names that git refuses, or that other systems would take for ``.git``.

Git's own rules are in its ``verify_path``, ``is_hfs_dotgit`` and ``is_ntfs_dotgit``; a tree that
holds such a name cannot be read into an index, so these names are left out of what is recorded.
"""

import functools
import re

_HFS_IGNORED = dict.fromkeys(
    (*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF)
)
"""Code points that HFS+ leaves out when it compares names."""

_DOT_GIT = re.compile(r"(?:^|\\)(?:\.git|git~1)[. ]*(?:$|[\\:])", re.IGNORECASE | re.ASCII)
_DOT_GITMODULES = re.compile(
    r"(?:^|\\)(?:\.gitmodules|gitmod~[1-4]|gi7eba~[1-9]|gi7eb~[1-9][0-9]|gi7e~[1-9][0-9]{2}"
    r"|gi7~[1-9][0-9]{3}|gi~[1-9][0-9]{4}|g~[1-9][0-9]{5}|~[1-9][0-9]{6})[. ]*(?:$|[\\:])",
    re.IGNORECASE | re.ASCII,
)


@functools.lru_cache(maxsize=65536)
def is_git_directory_name(name: str) -> bool:
    """Whether some system would find a git directory under this name of one component."""
    return _DOT_GIT.search(name.translate(_HFS_IGNORED)) is not None


def is_git_modules_name(name: str) -> bool:
    """Whether git would take this name for ``.gitmodules``, which must not be a symbolic link."""
    return _DOT_GITMODULES.search(name.translate(_HFS_IGNORED)) is not None
