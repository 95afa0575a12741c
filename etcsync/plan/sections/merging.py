"""Two versions of a file of sections brought together, section by section and key by key."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from etcsync.plan.keyed.conflicts import (
    KeyedConflict,
    RecordConflict,
    as_text,
    deletion_conflict,
    field_conflict,
)
from etcsync.plan.keyed.document import Document, Slot, write_document
from etcsync.plan.keyed.records import merge_records
from etcsync.plan.keyed.three_way import CLASH, Versions, choose
from etcsync.plan.keyed.weave import T, frame_and_guest, interleave, same_order, weave
from etcsync.plan.sections.formats import FORMATS, SectionFormat
from etcsync.plan.sections.reading import read_sections, section_of

LINE_LIMIT = 20_000
"""Files with more lines are not merged by section: the time for it has to stay bounded."""


def merge_sections(
    format_name: str, base: bytes, ours: bytes, theirs: bytes
) -> bytes | KeyedConflict | None:
    """Merge a file whose settings stand in sections.

    A setting that one side added, changed or deleted, and the other left alone, follows that side;
    one that stands on several lines is one value. A side's new settings and sections stand behind
    what they follow there. Comments and blank lines never conflict.

    Args:
        format_name: A key of `etcsync.plan.sections.formats.FORMATS`.
        base: The version that both sides started from.
        ours: The client's.
        theirs: Upstream's.

    Returns:
        The merged content, or what is in dispute. Merging it with ``theirs`` again yields it again.
        None where the file cannot be merged so: a version has lines that are not understood, a
        section twice or too many lines, or the sides leave open in which order something stands
        that is read in order.
    """
    if max(content.count(b"\n") for content in (base, ours, theirs)) > LINE_LIMIT:
        return None
    form = FORMATS[format_name]
    merged = _merge(form, Versions(base, ours, theirs))
    if isinstance(merged, bytes) and _merge(form, Versions(base, merged, theirs)) != merged:
        return None
    return merged


def _merge(form: SectionFormat, contents: Versions[bytes]) -> bytes | KeyedConflict | None:
    chosen = choose(*contents)
    if chosen is not CLASH:
        return chosen
    base, ours, theirs = (read_sections(form, content) for content in contents)
    if base is None or ours is None or theirs is None:
        return None
    documents = Versions(base, ours, theirs)
    if not _anchors_agree(form, documents):
        return None
    texts, conflicts = merge_records(form.name, documents, partial(_settle, form))
    conflicts = conflicts or _lost_headers(form, documents, texts)
    return KeyedConflict(tuple(conflicts)) if conflicts else _put(form, documents, texts)


def _put(
    form: SectionFormat, documents: Versions[Document], texts: Mapping[Slot, bytes]
) -> bytes | None:
    """Put the merged records together; None unless they can be read from the result again."""
    order = _order(form, documents, texts)
    if order is None:
        return None
    merged = write_document(weave(documents, order, texts))
    result = read_sections(form, merged)
    if result is None or [*result.records] != order or result.texts() != texts:
        return None
    return merged


def _settle(
    form: SectionFormat, name: str, base: bytes | None, ours: bytes, theirs: bytes
) -> Sequence[RecordConflict]:
    our, their = form.value(ours), form.value(theirs)
    return [field_conflict(form.name, name, "value", our, their, added=base is None)]


def _lost_headers(
    form: SectionFormat, documents: Versions[Document], texts: Mapping[Slot, bytes]
) -> list[RecordConflict]:
    """Return the sections that one side deleted and to which the other added something."""
    lost = {
        section: Slot((section,), 0)
        for section in map(section_of, texts)
        if section != form.begins and Slot((section,), 0) not in texts
    }
    return [
        deletion_conflict(
            form.name, as_text(section), by_upstream=header not in documents.theirs.records
        )
        for section, header in lost.items()
    ]


def _anchors_agree(form: SectionFormat, documents: Versions[Document]) -> bool:
    """Tell whether no section that both sides have includes other files than in the base."""
    base, ours, theirs = ({section_of(slot) for slot in d.records} for d in documents)

    def anchors(document: Document, sections: Collection[bytes]) -> dict[Slot, bytes]:
        return {
            slot: text
            for slot, text in document.texts().items()
            if slot.key[-1] in form.anchors and section_of(slot) in sections
        }

    shared, kept = ours & theirs, base & ours & theirs
    return anchors(documents.ours, shared) == anchors(documents.theirs, shared) and anchors(
        documents.ours, kept
    ) == anchors(documents.base, kept)


def _order(
    form: SectionFormat, documents: Versions[Document], texts: Collection[Slot]
) -> list[Slot] | None:
    """Return the order of a merged file's records, or None if the sides leave it open."""
    base, ours, theirs = (_sections(s for s in d.records if s in texts) for d in documents)
    names = _in_order(
        Versions([*base], [*ours], [*theirs]),
        kept=form.records_in_order,
        apart=form.sections_in_order,
    )
    if names is None:
        return None
    order: list[Slot] = []
    for name in names:
        slots = Versions(base.get(name, []), ours.get(name, []), theirs.get(name, []))
        members = _in_order(slots, kept=form.records_in_order, apart=False)
        if members is None:
            return None
        order += members
    return order


def _in_order(versions: Versions[list[T]], *, kept: bool, apart: bool) -> list[T] | None:
    """Return both sides' items in order, or None where that is open.

    Args:
        versions: The items on three sides.
        kept: Whether neither side may have changed the order of what was there, nor have put what
            both added in another order.
        apart: Whether both sides may not have put something new at the same place.
    """
    base, ours, theirs = versions
    pairs = ((base, ours), (base, theirs), (ours, theirs))
    if kept and not all(same_order(*pair) for pair in pairs):
        return None
    sides = frame_and_guest(versions)
    if sides is None or (apart and _meet(*sides)):
        return None
    return interleave(*sides)


def _meet(one: Sequence[T], other: Sequence[T]) -> bool:
    """Tell whether both have something of their own behind the same item, or at the start."""

    def places(items: Sequence[T], others: Collection[T]) -> set[T | None]:
        found: set[T | None] = set()
        place: T | None = None
        for item in items:
            if item in others:
                place = item
            else:
                found.add(place)
        return found

    return not places(one, set(other)).isdisjoint(places(other, set(one)))


def _sections(slots: Iterable[Slot]) -> dict[bytes, list[Slot]]:
    sections: defaultdict[bytes, list[Slot]] = defaultdict(list)
    for slot in slots:
        sections[section_of(slot)].append(slot)
    return sections
