r"""Merging texts: pure functions on bytes, by lines.

Lines end at ``\n`` and nowhere else, so that ``\r\n`` and any encoding survive untouched.

A three-way merge is only as good as its guess which lines of two texts are the same. Where lines
repeat a guess can be wrong, and the merge then clean and wrong. So `merge_text` believes a result
only when it explains itself: merging it again changes nothing, and taking either side's change out
of it leaves the other side.
"""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO

from merge3 import Merge3

from etcsync.plan.lines import LineMatcher

Lines = list[bytes]
Sides = tuple[Lines, Lines, Lines]
Settlement = Callable[[Lines, Lines, Lines], Lines]

MARKERS = (b"<<<<<<< client", b"||||||| base", b"=======", b">>>>>>> upstream")
"""The lines around both sides' versions in a text that is yet to be merged by hand."""

LINE_LIMIT = 200_000
"""Texts with more lines are not merged line by line: the time for it has to stay bounded."""


def is_binary(content: bytes) -> bool:
    """Return whether ``content`` is no text, which is to say: holds a NUL byte."""
    return b"\0" in content


def merge_text(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """Return ``base`` with the changes of both sides, or None where they conflict.

    Changes conflict when they touch the same lines or adjoining ones and are not the same change,
    and when repeated lines leave open what was changed. A clean result is stable: merging it with
    ``theirs`` again yields it again.
    """
    if _too_long(base, ours, theirs):
        return None
    merged = _merge_believably(_split(base), _split(ours), _split(theirs))
    return None if merged is None else b"".join(merged)


def merge_union(base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """Return ``base`` with the changes of both sides and, where they conflict, both sides' lines.

    There ours come first, every line comes once, and lines of ``base`` that either side removed are
    gone; where repeated lines leave open what was changed, and in very long texts, that goes for
    the text as a whole. A result that is not empty ends with a newline. It is stable: forming the
    union of it and ``theirs`` again yields it again.
    """
    too_long = _too_long(base, ours, theirs)
    before, our, their = (_split(_terminated(text)) for text in (base, ours, theirs))
    whole = _unite(before, our, their)
    if too_long or whole == our:
        return b"".join(whole)
    united = _merge(stretches(before, our, their), settle=_unite) or []
    stable = _merge(stretches(before, united, their), settle=_unite) == united
    return b"".join(united if stable else whole)


def merge_marked(base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """Return ``base`` with the changes of both sides, for a person to finish.

    Where they conflict all three stand between `MARKERS`, as ``diff3 -m`` and git show it.
    """
    opening, parting, middle, closing = ([marker + b"\n"] for marker in MARKERS)

    def side_by_side(old: Lines, our: Lines, their: Lines) -> Lines:
        return [*opening, *our, *parting, *old, *middle, *their, *closing]

    texts = [_split(_terminated(text)) for text in (base, ours, theirs)]
    return b"".join(_merge(stretches(*texts), settle=side_by_side) or [])


def first_marker(text: bytes) -> int | None:
    """Return the number of the first line of ``text`` that is one of `MARKERS`, or None."""
    lines = text.split(b"\n")
    return next((n for n, line in enumerate(lines, 1) if line.rstrip() in MARKERS), None)


def _split(text: bytes) -> Lines:
    return BytesIO(text).readlines()


def _terminated(text: bytes) -> bytes:
    return text if text.endswith(b"\n") or not text else text + b"\n"


def _too_long(*texts: bytes) -> bool:
    return max(text.count(b"\n") for text in texts) > LINE_LIMIT


def _merge_believably(base: Lines, ours: Lines, theirs: Lines) -> Lines | None:
    parts = list(stretches(base, ours, theirs))
    merged = _merge(parts)
    if merged is None:
        return None
    # What both sides changed alike belongs to neither: it stays when one side's change goes.
    agreed = [line for old, our, their in parts for line in (our if our == their else old)]
    explained = (
        _merge(stretches(base, merged, theirs)) == merged
        and _merge(stretches(ours, merged, agreed)) == theirs
        and _merge(stretches(theirs, merged, agreed)) == ours
    )
    return merged if explained else None


def _merge(parts: Iterable[Sides], settle: Settlement | None = None) -> Lines | None:
    """Merge three ways, believing the alignment.

    Where both sides changed a stretch, ``settle`` makes one of the three; without it the result is
    None. Then no line without a newline ends up inside the result: it is the last of its side, and
    what could follow it would have to adjoin it.
    """
    merged: Lines = []
    for base, ours, theirs in parts:
        if ours in (theirs, base):
            merged += theirs
        elif theirs == base:
            merged += ours
        elif settle:
            merged += settle(base, ours, theirs)
        else:
            return None
    return merged


def _unite(base: Lines, ours: Lines, theirs: Lines) -> Lines:
    """Return every line of both sides once, without those of ``base`` that either side removed."""
    removed = set(base) - (set(ours) & set(theirs))
    return [line for line in dict.fromkeys([*ours, *theirs]) if line not in removed]


def stretches(base: Lines, ours: Lines, theirs: Lines) -> Iterator[Sides]:
    """Yield the three texts stretch by stretch, by turns changed somewhere and the same in all."""
    base_at = our_at = their_at = 0
    regions = Merge3(base, ours, theirs, sequence_matcher=LineMatcher).find_sync_regions()
    for base_from, base_to, our_from, our_to, their_from, their_to in regions:
        yield base[base_at:base_from], ours[our_at:our_from], theirs[their_at:their_from]
        shared = base[base_from:base_to]
        yield shared, shared, shared
        base_at, our_at, their_at = base_to, our_to, their_to
