"""What must hold between the merged account files, beyond each record by itself.

A rule that base breaks already does not speak up again: what was so stays so.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from etcsync.plan.keyed.account_side import Link, Owner, Range, Side
from etcsync.plan.keyed.conflicts import RecordConflict, as_text
from etcsync.plan.keyed.passwords import day
from etcsync.plan.keyed.three_way import Versions

ROOT = b"root"


def broken_rules(sides: Versions[Side], merged: Side) -> list[RecordConflict]:
    """Return what the merged files would break, empty if nothing."""
    return [
        *_lost_root(sides, merged),
        *_shared_ids(sides, merged),
        *_lost_primary_groups(sides, merged),
        *_left_behind(sides, merged),
        *_incomplete(sides, merged),
        *_worse_passwords(sides, merged),
        *_overlapping_ranges(sides, merged),
    ]


def _lost_root(sides: Versions[Side], merged: Side) -> Iterator[RecordConflict]:
    account, group = Owner("passwd", ROOT), Owner("group", ROOT)
    checks: dict[str, Callable[[Side], bool]] = {
        "passwd": lambda side: ROOT in side.uids.get(0, ()),
        "group": lambda side: group in side.owners,
        "shadow": lambda side: Link("shadow", ROOT, account) in side.links,
        "gshadow": lambda side: Link("gshadow", ROOT, group) in side.links,
    }
    for file, has_root in checks.items():
        if has_root(sides.base) and not has_root(merged):
            ours, theirs = (
                "present" if has_root(side) else None for side in (sides.ours, sides.theirs)
            )
            yield RecordConflict(
                file, "root", "", ours, theirs, f"The record of root would be lost from {file}"
            )


def _shared_ids(sides: Versions[Side], merged: Side) -> Iterator[RecordConflict]:
    holders: tuple[tuple[str, str, Callable[[Side], Mapping[int, set[bytes]]]], ...] = (
        ("passwd", "uid", lambda side: side.uids),
        ("group", "gid", lambda side: side.gids),
    )
    for file, id_field, of in holders:
        for number, names in of(merged).items():
            base, ours, theirs = (of(side).get(number, set()) for side in sides)
            if len(names) == 1 or names <= base:
                continue
            yield RecordConflict(
                file,
                as_text(min(names - base)),
                id_field,
                f"{number} ({_listing(names & ours)})",
                f"{number} ({_listing(names & theirs)})",
                f"{_listing(names)} would share the {id_field} {number} in {file}:"
                f" client {_listing(names & ours)}, upstream {_listing(names & theirs)}",
            )


def _lost_primary_groups(sides: Versions[Side], merged: Side) -> Iterator[RecordConflict]:
    for account, gid in merged.primary.items():
        former = sides.base.gids.get(gid)
        if not former or merged.gids.get(gid):
            continue
        ours, theirs = (
            str(gid) if side.gids.get(gid) else None for side in (sides.ours, sides.theirs)
        )
        yield RecordConflict(
            "group",
            _listing(former),
            "gid",
            ours,
            theirs,
            f"No group would have the gid {gid} ({_listing(former)}) any more,"
            f" but it is the primary group of {as_text(account)}",
        )


def _left_behind(sides: Versions[Side], merged: Side) -> Iterator[RecordConflict]:
    """Find accounts and groups that one side deleted while the other named them somewhere new."""
    strays = [
        link
        for link in merged.links
        if not merged.has(link.owner)
        and not any(link in side.links and not side.has(link.owner) for side in sides)
    ]
    for link in sorted(strays):
        by_upstream = not sides.theirs.has(link.owner)
        deleter, namer = ("Upstream", "the client") if by_upstream else ("The client", "upstream")
        name = as_text(link.owner.name)
        yield RecordConflict(
            link.file,
            name,
            "",
            "present" if by_upstream else None,
            None if by_upstream else "present",
            f"{deleter} deleted {name} from {link.owner.file}, but {namer} named it anew"
            f" in {link.file}: {as_text(link.record)}",
        )


def _incomplete(sides: Versions[Side], merged: Side) -> Iterator[RecordConflict]:
    """Find accounts and groups that one side added, and whose shadow the other took away."""
    companions = {"passwd": "shadow", "group": "gshadow"}
    for owner in sorted(merged.owners):
        file = companions[owner.file]
        link = Link(file, owner.name, owner)
        if link in merged.links or any(
            owner in side.owners and link not in side.links for side in sides
        ):
            continue
        name = as_text(owner.name)
        ours, theirs = (
            "present" if link in side.links else None for side in (sides.ours, sides.theirs)
        )
        yield RecordConflict(
            file, name, "", ours, theirs, f"{name} would be in {owner.file} but not in {file}"
        )


def _worse_passwords(sides: Versions[Side], merged: Side) -> Iterator[RecordConflict]:
    for (file, slot), new in merged.secrets.items():
        old = sides.base.secrets.get((file, slot))
        if old is None or old == new:
            continue
        old_day, new_day = day(old.lastchg), day(new.lastchg)
        if old.password and not new.password:
            what = "become empty"
        elif (
            old.digest and new.digest and old.digest != new.digest
            and old_day is not None and new_day is not None and new_day < old_day
        ):  # fmt: skip
            what = "be replaced by an older one"
        else:
            continue
        name = as_text(slot.key[0])
        yield RecordConflict(
            file,
            name,
            "password",
            "password",
            "password",
            f"The password of {name} in {file} would {what}",
        )


def _overlapping_ranges(sides: Versions[Side], merged: Side) -> Iterator[RecordConflict]:
    """Find ranges of both sides that overlap; what overlaps within one side is its own affair."""
    for file, ranges in merged.ranges.items():
        ours = sorted(ranges - sides.theirs.ranges.get(file, set()))
        theirs = sorted(ranges - sides.ours.ranges.get(file, set()))
        # The one that reaches furthest among theirs up to each place overlaps if any of them does.
        furthest = list(accumulate(theirs, _further))
        for our_range in ours:
            index = bisect_left(theirs, our_range.end, key=lambda extent: extent.start)
            if index and furthest[index - 1].end > our_range.start:
                yield _range_conflict(file, our_range, furthest[index - 1])


def _further(one: Range, other: Range) -> Range:
    return one if one.end >= other.end else other


def _range_conflict(file: str, ours: Range, theirs: Range) -> RecordConflict:
    ours_text, theirs_text = (
        f"{extent.start}-{extent.end - 1} ({as_text(extent.owner)})" for extent in (ours, theirs)
    )
    return RecordConflict(
        file,
        as_text(ours.owner),
        "start",
        ours_text,
        theirs_text,
        f"The range {ours_text} of the client and {theirs_text} of upstream overlap in {file}",
    )


def _listing(names: set[bytes]) -> str:
    """Return names in order, the first few of them."""
    shown = [as_text(name) for name in sorted(names)[:5]]
    return ", ".join([*shown, "…"] if len(names) > len(shown) else shown)
