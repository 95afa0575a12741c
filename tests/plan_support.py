"""Trees, policies and blobs in memory, for tests of planning."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from etcsync.entries import ROOT, Entry, Kind, ancestors, blob_oid, symlink_entry
from etcsync.plan.merger import Merger
from etcsync.plan.model import Plan, Sides, base_after, result_tree
from etcsync.plan.planner import plan
from etcsync.policy.treatment import Treatment

DEFAULT = Treatment()
BLOBS: dict[str, bytes] = {}


def blob(content: bytes) -> str:
    oid = blob_oid(content)
    BLOBS[oid] = content
    return oid


def file(content: bytes = b"text\n", mode: int = 0o644, uid: int = 0, gid: int = 0) -> Entry:
    return Entry(Kind.FILE, blob(content), mode, uid, gid)


def link(target: bytes) -> Entry:
    return symlink_entry(blob(target))


def directory(mode: int = 0o755, uid: int = 0, gid: int = 0) -> Entry:
    return Entry(Kind.DIRECTORY, "", mode, uid, gid)


FIFO = Entry(Kind.OTHER, "", 0o644, 0, 0)


def tree(entries: Mapping[str, Entry] | None = None, **named: Entry | None) -> dict[str, Entry]:
    """Return a tree of the given entries, with the directories above them and its own."""
    given = {path: entry for path, entry in {**(entries or {}), **named}.items() if entry}
    above = {above: directory() for path in given for above in ancestors(path)}
    return {ROOT: directory(), **above, **given}


def new_merger() -> Merger:
    return Merger(BLOBS.__getitem__)


def policy(treatments: Mapping[str, Treatment] | None = None) -> Callable[[str], Treatment]:
    rules = treatments or {}
    return lambda path: rules.get(path, DEFAULT)


def planned(
    sides: Sides,
    treatments: Mapping[str, Treatment] | None = None,
    recorded_holds: Mapping[str, str] | None = None,
    **options: Any,
) -> Plan:
    """Return the plan for the client "c"; what it merges becomes readable."""
    merger = new_merger()
    result = plan(
        sides,
        policy(treatments),
        merger,
        client="c",
        conflict_key=b"key",
        recorded_holds=recorded_holds or {},
        **options,
    )
    BLOBS.update(merger.contents)
    return result


def hold_ids(planned: Plan) -> dict[str, str]:
    return {hold.path: hold.id for hold in planned.holds}


def applied(sides: Sides, planned: Plan) -> Sides:
    """Return the sides as they are once ``planned`` was applied and recorded."""
    mirrored = {a.path: a.after for a in planned.writes if a.act == "mirror" and a.after}
    return Sides(
        base=base_after(sides.theirs, planned),
        ours=result_tree(sides.ours, planned),
        theirs=sides.theirs,
        unmanaged=sides.unmanaged,
        hidden=sides.hidden,
        mirror=sides.mirror,
        mirrored={**sides.mirrored, **mirrored},
    )


def is_tree(entries: Mapping[str, Entry], also_present: Iterable[str] = ()) -> bool:
    """Return whether every path lies in a directory."""
    return all(
        above in entries and entries[above].kind is Kind.DIRECTORY
        for path in (*entries, *also_present)
        for above in ancestors(path)
    )
