"""One version of the account files as the rules between the files see it.

Lines are read as leniently as the C library reads them, so that a line which is not well-formed but
still gives somebody an id is seen.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from etcsync.plan.keyed.account_files import FILES, is_compat
from etcsync.plan.keyed.document import Document, Slot
from etcsync.plan.keyed.passwords import Secret


class Owner(NamedTuple):
    """An account (file ``passwd``) or a group (file ``group``)."""

    file: str
    name: bytes


class Link(NamedTuple):
    """A place that names an account or group which lives in another file.

    Attributes:
        file: Where it is named.
        record: In which record: the group that it is a member of, the range that it owns.
        owner: Who is named.
    """

    file: str
    record: bytes
    owner: Owner


class Range(NamedTuple):
    """A range of subordinate ids."""

    start: int
    end: int
    """The first id behind it."""
    owner: bytes


@dataclass(frozen=True, slots=True)
class Side:
    """What the rules ask of a version.

    Attributes:
        owners: All accounts and groups.
        uids: The accounts that hold each uid.
        gids: The groups that hold each gid.
        primary: The accounts' primary gids.
        links: Where accounts and groups are named elsewhere.
        ranges: The subordinate ranges, by file.
        secrets: Every password field, by file and place.
    """

    owners: set[Owner] = field(default_factory=set)
    uids: defaultdict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    gids: defaultdict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    primary: dict[bytes, int] = field(default_factory=dict)
    links: set[Link] = field(default_factory=set)
    ranges: defaultdict[str, set[Range]] = field(default_factory=lambda: defaultdict(set))
    secrets: dict[tuple[str, Slot], Secret] = field(default_factory=dict)

    def has(self, owner: Owner) -> bool:
        """Tell whether an account or group exists; in subuid(5) a uid may stand for a name."""
        return owner in self.owners or (owner.file == "passwd" and _number(owner.name) in self.uids)


def read_side(documents: Mapping[str, Document]) -> Side:
    """Read a version of the six files; compat lines name nobody here."""
    side = Side()
    readers = {
        "passwd": _read_account,
        "group": _read_group,
        "shadow": _read_account_secret,
        "gshadow": _read_group_secret,
        "subuid": _read_range,
        "subgid": _read_range,
    }
    for name, read in readers.items():
        width = len(FILES[name].fields)
        for slot, record in documents[name].records.items():
            if not is_compat(slot.key):
                cells = record.text.removesuffix(b"\r").split(b":")
                read(side, name, slot, cells + [b""] * (width - len(cells)))
    return side


def _read_account(side: Side, file: str, slot: Slot, cells: list[bytes]) -> None:
    name, uid, gid = slot.key[0], _number(cells[2]), _number(cells[3])
    side.owners.add(Owner(file, name))
    side.secrets[file, slot] = Secret(cells[1])
    if uid is not None:
        side.uids[uid].add(name)
    if gid is not None:
        side.primary.setdefault(name, gid)


def _read_group(side: Side, file: str, slot: Slot, cells: list[bytes]) -> None:
    name, gid = slot.key[0], _number(cells[2])
    side.owners.add(Owner(file, name))
    side.secrets[file, slot] = Secret(cells[1])
    if gid is not None:
        side.gids[gid].add(name)
    _add_members(side, file, name, cells[3])


def _read_account_secret(side: Side, file: str, slot: Slot, cells: list[bytes]) -> None:
    side.links.add(Link(file, slot.key[0], Owner("passwd", slot.key[0])))
    side.secrets[file, slot] = Secret(cells[1], cells[2])


def _read_group_secret(side: Side, file: str, slot: Slot, cells: list[bytes]) -> None:
    side.links.add(Link(file, slot.key[0], Owner("group", slot.key[0])))
    side.secrets[file, slot] = Secret(cells[1])
    _add_members(side, file, slot.key[0], cells[2] + b"," + cells[3])


def _read_range(side: Side, file: str, slot: Slot, cells: list[bytes]) -> None:
    owner, start, count = slot.key[0], _number(cells[1]), _number(cells[2])
    side.links.add(Link(file, b":".join(slot.key), Owner("passwd", owner)))
    if start is not None and count:
        side.ranges[file].add(Range(start, start + count, owner))


def _add_members(side: Side, file: str, group: bytes, members: bytes) -> None:
    side.links.update(
        Link(file, group, Owner("passwd", name.strip())) for name in members.split(b",") if name
    )


def _number(text: bytes) -> int | None:
    """Return an id as the C library reads it, modulo 2 to the 32nd."""
    digits = text.lstrip().removeprefix(b"+")
    return int(digits) % 2**32 if digits.isdigit() and len(digits) <= 20 else None
