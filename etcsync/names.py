"""Which names in a tree can be recorded in git.

Git tools on some machine would take certain names for a repository's own ``.git``; git refuses to
check them out, and `git fsck` and servers refuse to receive them (``hasDot``, ``hasDotdot``,
``hasDotgit`` in git's fsck.c; ``is_ntfs_dotgit`` in path.c; ``is_hfs_dotgit`` in utf8.c). What
walks a tree reports them, what writes to the hub refuses them.
"""

import functools
import re

_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_DOTGIT = re.compile(r"(?:\A|\\)(?:\.git|git~1)[. ]*(?:\Z|[\\:])", re.ASCII | re.IGNORECASE)
_DOT_GITMODULES = re.compile(
    r"(?:\A|\\)(?:\.gitmodules|gitmod~[1-4]|gi7eba~[1-9]|gi7eb~[1-9][0-9]|gi7e~[1-9][0-9]{2}"
    r"|gi7~[1-9][0-9]{3}|gi~[1-9][0-9]{4}|g~[1-9][0-9]{5}|~[1-9][0-9]{6})[. ]*(?:\Z|[\\:])",
    re.IGNORECASE | re.ASCII,
)
_FORBIDDEN = frozenset({"", ".", ".."})


@functools.lru_cache(maxsize=8192)
def is_safe_name(name: str) -> bool:
    """Return whether one component of a path can be recorded."""
    if name in _FORBIDDEN or "/" in name or "\0" in name:
        return False
    # Every dangerous name holds these three letters; few others do.
    if "g" not in name and "G" not in name:
        return True
    return _DOTGIT.search(_IGNORED_BY_HFS.sub("", name)) is None


def is_safe_path(path: str) -> bool:
    """Return whether ``path`` is relative, normal, and made of recordable names only.

    The tree's own directory ``"."`` is not such a path.
    """
    return all(map(is_safe_name, path.split("/")))


def is_git_modules_name(name: str) -> bool:
    """Return whether git takes this name for ``.gitmodules``, which must not be a symbolic link.

    ``is_ntfs_dotgitmodules`` and ``is_hfs_dotgitmodules`` of git.
    """
    return _DOT_GITMODULES.search(_IGNORED_BY_HFS.sub("", name)) is not None
