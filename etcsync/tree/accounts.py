"""The names behind numeric owners: passwd(5) and group(5) as a pair of mappings each.

The root's own files decide, never the server's: the same number may be another user there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from etcsync.entries import decode_path


@dataclass(frozen=True, slots=True)
class Accounts:
    """Users and groups in both directions.

    Attributes:
        user_ids: uid by user name.
        group_ids: gid by group name.
        user_names: User name by uid.
        group_names: Group name by gid.
    """

    user_ids: Mapping[str, int] = field(default_factory=dict)
    group_ids: Mapping[str, int] = field(default_factory=dict)
    user_names: Mapping[int, str] = field(default_factory=dict)
    group_names: Mapping[int, str] = field(default_factory=dict)

    def uid(self, name: str) -> int | None:
        """Return the uid of a user's name, or of a number written as such; None if unknown."""
        return self.user_ids.get(name, _number(name))

    def gid(self, name: str) -> int | None:
        """Return the gid of a group's name, or of a number written as such; None if unknown."""
        return self.group_ids.get(name, _number(name))


NOBODY_KNOWN = Accounts()
"""No names at all: every owner is written as its number."""


def parse_accounts(passwd: bytes, group: bytes) -> Accounts:
    """Return the accounts of a passwd and a group file; for names and for ids the first entry wins.

    Lines that are not entries (comments, NIS inclusions, damaged ones) are passed over.
    """
    users, groups = list(_entries(passwd)), list(_entries(group))
    return Accounts(
        user_ids=dict(reversed(users)),
        group_ids=dict(reversed(groups)),
        user_names={number: name for name, number in reversed(users)},
        group_names={number: name for name, number in reversed(groups)},
    )


def _entries(content: bytes) -> Iterator[tuple[str, int]]:
    """Yield name and id of each line ``name:password:id:…``."""
    for line in decode_path(content).split("\n"):
        name, _, rest = line.partition(":")
        number = _number(rest.partition(":")[2].partition(":")[0])
        if name and name[0] not in "+-#" and number is not None:
            yield name, number


def _number(text: str) -> int | None:
    """Return an id: decimal digits, less than 2**32 - 1, which stands for "no id"."""
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 0xFFFFFFFF:
        return int(text)
    return None
