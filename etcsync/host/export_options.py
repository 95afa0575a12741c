"""What export options amount to, however they are written; exports(5). Pure.

``rw`` and ``sec=sys,rw,sync`` say the same: what is left out has a default, and of what contradicts
itself the last counts. Read after ``parseopts`` of nfs-utils.
"""

from functools import lru_cache
from typing import NamedTuple

_PAIRS = (
    ("ro", "rw"),
    ("sync", "async"),
    ("wdelay", "no_wdelay"),
    ("hide", "nohide"),
    ("nocrossmnt", "crossmnt"),
    ("secure", "insecure"),
    ("root_squash", "no_root_squash"),
    ("no_all_squash", "all_squash"),
    ("no_subtree_check", "subtree_check"),
    ("secure_locks", "insecure_locks"),
    ("acl", "no_acl"),
    ("no_pnfs", "pnfs"),
)
"""A default and its opposite each."""

_FLAGS = {word: pair[0] for pair in _PAIRS for word in pair}
_ALIASES = {
    "auth_nlm": "secure_locks",
    "no_auth_nlm": "insecure_locks",
    "fsid=root": "fsid=0",
    "mp": "mountpoint",
}
_PER_FLAVOR = ("ro", "root_squash", "no_all_squash")
"""Flags that hold for the security flavours named before them alone."""

_DEFAULTS = {
    **{pair[0]: pair[0] for pair in _PAIRS},
    "anonuid": "anonuid=65534",
    "anongid": "anongid=65534",
}


class Meaning(NamedTuple):
    """What options amount to, comparable.

    Attributes:
        common: What holds for all, but for what is said for each flavour.
        flavors: The security flavours, in order of preference, each with what holds for it.
    """

    common: frozenset[str]
    flavors: tuple[tuple[str, frozenset[str]], ...]

    @property
    def writable(self) -> bool:
        """Whether anybody may write."""
        return any("rw" in flags for _, flags in self.flavors)


@lru_cache(maxsize=256)
def meaning(options: str) -> Meaning:
    """Return what ``options``, as they stand in parentheses, amount to."""
    common = dict(_DEFAULTS)
    flavors: dict[str, dict[str, str]] = {}
    active: list[str] = []
    for word in filter(None, (each.strip() for each in options.split(","))):
        name, _, value = word.partition("=")
        if name == "sec":
            active = value.split(":")
            for flavor in active:
                flavors.setdefault(flavor, {key: common[key] for key in _PER_FLAVOR})
            continue
        option = f"mountpoint={value}" if name == "mp" and value else _ALIASES.get(word, word)
        key = _FLAGS.get(option, option.partition("=")[0])
        common[key] = option
        if key in _PER_FLAVOR:
            for flavor in active:
                flavors[flavor][key] = option
    flavors = flavors or {"sys": {key: common[key] for key in _PER_FLAVOR}}
    return Meaning(
        frozenset(option for key, option in common.items() if key not in _PER_FLAVOR),
        tuple((flavor, frozenset(flags.values())) for flavor, flags in flavors.items()),
    )
