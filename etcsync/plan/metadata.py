"""Mode, owner and group, merged three ways."""

from typing import NamedTuple

from etcsync.entries import Entry


class Metadata(NamedTuple):
    """What an entry has besides kind and content."""

    mode: int
    uid: int
    gid: int


def merge_metadata(base: Entry | None, ours: Entry, theirs: Entry) -> Metadata | None:
    """Return the metadata that both sides' changes amount to, or None where they contradict.

    Both sides have the same kind of entry; a base of another kind says nothing about its metadata
    and is as good as none.

    Each of mode, owner and group is merged on its own. But a mode was chosen for an owner and a
    group: where the three come from both sides, only the permissions that both sides grant remain,
    so that nobody may read what neither side meant.

    Without a base (both sides added it) nothing contradicts: the owner and group are upstream's,
    and again only the permissions that both sides grant remain.
    """
    stricter = ours.mode & theirs.mode
    if base is None or base.kind is not ours.kind:
        return Metadata(stricter, theirs.uid, theirs.gid)
    mode, uid, gid = map(_merge_value, _metadata(base), _metadata(ours), _metadata(theirs))
    if mode is None or uid is None or gid is None:
        return None
    merged = Metadata(mode, uid, gid)
    from_one_side = merged in {_metadata(ours), _metadata(theirs)}
    return merged if from_one_side else merged._replace(mode=stricter)


def _metadata(entry: Entry) -> Metadata:
    return Metadata(entry.mode, entry.uid, entry.gid)


def _merge_value(base: int, ours: int, theirs: int) -> int | None:
    if ours in {theirs, base}:
        return theirs
    return ours if theirs == base else None
