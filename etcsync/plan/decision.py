"""What is to become of one path: the table of strategies, as code.

Each function looks at one path alone. Whether the decisions of all paths fit together, as a tree
and in groups, is for `etcsync.plan.structure` to see.
"""

from collections.abc import Sequence
from typing import NamedTuple

from etcsync.entries import Entry, Kind
from etcsync.plan.keyed import RecordConflict, format_for
from etcsync.plan.merger import Merged, Merger
from etcsync.plan.metadata import merge_metadata
from etcsync.plan.model import Act, Choice, HoldReason, Refusal
from etcsync.plan.sections import section_format_for
from etcsync.policy.treatment import Strategy, Treatment
from etcsync.report.secrets import is_secret

DETAILS = {
    HoldReason.CONTENT: "The client and upstream changed it in ways that do not go together.",
    HoldReason.DELETE_MODIFY: "One side deleted what the other side changed.",
    HoldReason.ADD_ADD: "The client and upstream both added it, with different content.",
    HoldReason.TYPE: "The client and upstream do not have the same kind of file here.",
    HoldReason.METADATA: "The client and upstream changed mode, owner or group differently.",
    HoldReason.BINARY: "The client and upstream changed a file that is not text.",
    HoldReason.ACCOUNT: "The client's accounts and upstream's do not go together.",
    HoldReason.REVIEW: "Policy wants upstream's change reviewed.",
}
"""The conflicts as sentences, where nothing more can be said, or may be."""

METADATA_CHANGED = "upstream changed mode, owner or group"
TOLD_CONFLICTS = 5
"""Disputes over records that a hold spells out; the others are counted."""

UNRECORDED_DETAIL = "What the client has here is not recorded, so it must not be overwritten."


class Decision(NamedTuple):
    """One path's three sides, and what is to become of the tree's entry.

    With an act the tree gets ``after``; with ``needs_voucher`` only if a validator has accepted
    it. With a hold, or with neither, the tree keeps ``ours``, and ``after`` is equal to it.
    """

    path: str
    treatment: Treatment
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None
    act: Act | None
    after: Entry | None
    reason: str = ""
    hold: HoldReason | None = None
    needs_voucher: bool = False

    @property
    def upstream_changed(self) -> bool:
        """Whether there is a change of upstream's that policy does not decline."""
        return self.base != self.theirs and self.treatment.strategy is not Strategy.CLIENT

    def keep(self) -> "Decision":
        """Return the decision to leave the tree's entry as it is and let the base move."""
        return self._replace(act=None, after=self.ours, reason="", hold=None)

    def put(self, act: Act, entry: Entry | None, reason: str) -> "Decision":
        """Return the decision to put ``entry`` in place, or to remove what is there."""
        return self._replace(act=act, after=entry, reason=reason, hold=None)

    def block(self, hold: HoldReason, detail: str = "") -> "Decision":
        """Return the decision not to touch the tree: upstream's change, if there is one, is held.

        Without a change of upstream's there is nothing to hold; the difference is drift.
        """
        if not self.upstream_changed:
            return self.keep()
        return self._replace(act=None, after=self.ours, reason=detail or DETAILS[hold], hold=hold)

    def contest(self, detail: str) -> "Decision":
        """Return the decision to hold the path although upstream has not changed it."""
        return self._replace(act=None, after=self.ours, reason=detail, hold=HoldReason.CONTESTED)


def decide(undecided: Decision, merger: Merger) -> Decision:
    """Decide what becomes of a path that ordinary strategies govern.

    Args:
        undecided: The path with its three sides, for now kept as it is.
        merger: Merges contents.
    """
    _, treatment, base, ours, theirs, *_ = undecided
    strategy = treatment.strategy
    if ours == theirs or strategy is Strategy.CLIENT:
        decided = undecided
    elif ours is not None and ours.kind is Kind.OTHER:
        decided = undecided.block(HoldReason.TYPE, UNRECORDED_DETAIL)
    elif strategy is Strategy.REVIEW:
        decided = undecided.block(HoldReason.REVIEW)
    elif ours == base:
        decided = _take(undecided)
    elif strategy in {Strategy.UPSTREAM, Strategy.MIRROR}:
        decided = undecided.put(Act.HEAL, theirs, "the client's change is undone")
    elif theirs == base:
        decided = undecided
    else:
        decided = _combine(undecided, merger)
    return decided


def decide_creation(undecided: Decision, seed: Entry | None) -> Decision:
    """Decide what a new tree starts with at a path where it has nothing yet."""
    treatment, theirs = undecided.treatment, undecided.theirs
    if treatment.strategy is Strategy.CLIENT and seed is not None:
        return undecided.put(Act.WRITE, seed, "seed of a new tree")
    if theirs is None or (treatment.strategy is Strategy.CLIENT and treatment.seed is False):
        return undecided
    return undecided.put(Act.WRITE, theirs, "new tree")


def decide_mirror(undecided: Decision) -> Decision:
    """Decide what becomes of a path whose entry upstream's live tree has outside git."""
    ours, theirs = undecided.ours, undecided.theirs
    if ours == theirs or (ours is not None and ours.kind is Kind.OTHER):
        return undecided
    return undecided.put(Act.MIRROR, theirs, "differs from upstream's live tree")


def decide_choice(undecided: Decision, choice: Choice) -> Decision:
    """Decide what becomes of a path for which somebody has decided."""
    ours, entry = undecided.ours, choice.entry
    if entry == ours:
        return undecided
    if entry is None:
        return undecided.put(Act.DELETE, None, choice.reason)
    same_content = ours is not None and ours.same_content(entry)
    return undecided.put(Act.CHMOD if same_content else Act.WRITE, entry, choice.reason)


def _take(undecided: Decision) -> Decision:
    """Take upstream's entry where the client's is the base, or missing."""
    ours, theirs = undecided.ours, undecided.theirs
    if theirs is None:
        return undecided.put(Act.DELETE, None, "upstream deleted it")
    if ours is None:
        return undecided.put(Act.WRITE, theirs, "upstream added it")
    if ours.same_content(theirs):
        return undecided.put(Act.CHMOD, theirs, METADATA_CHANGED)
    return undecided.put(Act.WRITE, theirs, "upstream changed")


def _combine(undecided: Decision, merger: Merger) -> Decision:
    """Bring both sides' changes together."""
    _, treatment, base, ours, theirs, *_ = undecided
    if ours is None or theirs is None:
        return undecided.block(HoldReason.DELETE_MODIFY)
    if ours.kind is not theirs.kind:
        return undecided.block(HoldReason.TYPE)
    content = _merge_content(undecided, ours, theirs, merger)
    if content.hold is None:
        taken = take_content(undecided, ours, theirs, content.oid)
        return _vouched_for(taken) if content.by_section else taken
    secret = is_secret(treatment, base, ours, theirs)
    return undecided.block(content.hold, "" if secret else sentences(content.conflicts))


def take_content(undecided: Decision, ours: Entry, theirs: Entry, oid: str) -> Decision:
    """Decide what becomes of a path whose content both sides' changes amount to.

    Args:
        undecided: The path with its three sides.
        ours: The client's entry.
        theirs: Upstream's, of the same kind.
        oid: The merged content.
    """
    metadata = merge_metadata(undecided.base, ours, theirs)
    if metadata is None:
        return undecided.block(HoldReason.METADATA)
    merged = Entry(ours.kind, oid, *metadata)
    if merged == ours:
        return undecided
    if merged.same_content(ours):
        return undecided.put(Act.CHMOD, merged, METADATA_CHANGED)
    act = Act.WRITE if merged == theirs else Act.MERGE
    return undecided.put(act, merged, "upstream and the client changed it")


def _vouched_for(taken: Decision) -> Decision:
    """Let a validator have the last word on a merged content; without one, hold the path."""
    if taken.act not in {Act.WRITE, Act.MERGE}:
        return taken
    if not taken.treatment.validate:
        return taken.block(*unvouched("no rule names a validator that could vouch for it"))
    return taken._replace(needs_voucher=True)


def unvouched(obstacle: str) -> Refusal:
    """Refuse a content, merged by section, that no validator has accepted.

    Args:
        obstacle: Why none has: a sentence without its end.
    """
    return Refusal(
        HoldReason.CONTENT,
        "The client and upstream changed lines that stand together. It would merge by section and "
        f"key, but {obstacle}.",
    )


def _merge_content(undecided: Decision, ours: Entry, theirs: Entry, merger: Merger) -> Merged:
    base, strategy = undecided.base, undecided.treatment.strategy
    if ours.same_content(theirs) or (base is not None and theirs.same_content(base)):
        return Merged(ours.oid)
    if base is not None and ours.same_content(base):
        return Merged(theirs.oid)
    if base is not None and base.kind is not ours.kind:
        return Merged(hold=HoldReason.TYPE)
    if strategy is Strategy.ATOMIC or ours.kind is not Kind.FILE:
        return Merged(hold=HoldReason.ADD_ADD if base is None else HoldReason.CONTENT)
    table = format_for(undecided.path) if strategy is Strategy.KEYED else None
    sections = section_format_for(undecided.path)
    return merger.merge(strategy, base and base.oid, ours.oid, theirs.oid, table, sections)


def sentences(conflicts: Sequence[RecordConflict]) -> str:
    """Return what is in dispute between two record files, in full for the first few disputes.

    Names and values in it are what people and programs wrote into the files: untrusted, and to be
    escaped by whoever shows them.
    """
    told = [f"{conflict.sentence}." for conflict in conflicts[:TOLD_CONFLICTS]]
    if len(conflicts) > TOLD_CONFLICTS:
        told.append(f"And {len(conflicts) - TOLD_CONFLICTS} more.")
    return " ".join(told)
