"""What planning takes and gives: the sides of one client, and the plan."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from etcsync.entries import Entry, Kind, Tree, ancestors
from etcsync.policy.treatment import Strategy


class Act(StrEnum):
    """What is done at a path."""

    WRITE = "write"
    """Upstream's entry, or a new tree's seed, is put in place."""
    MERGE = "merge"
    """An entry that comes from both sides is put in place."""
    DELETE = "delete"
    CHMOD = "chmod"
    """Only mode, owner or group change."""
    HEAL = "heal"
    """Upstream's entry, or its absence, is put back over a client's change."""
    MIRROR = "mirror"
    """What upstream's live tree has, outside git, is copied."""
    HOLD = "hold"
    """Upstream's change is put in quarantine; the tree stays as it is."""
    RELEASE = "release"
    """A held path is held no longer; the tree stays as it is."""


class HoldReason(StrEnum):
    """Why upstream's change of a path cannot be applied."""

    CONTENT = "content"
    DELETE_MODIFY = "delete-modify"
    ADD_ADD = "add-add"
    TYPE = "type"
    METADATA = "metadata"
    BINARY = "binary"
    ACCOUNT = "account"
    INVALID = "invalid"
    REVIEW = "review"
    GROUP = "group"
    CONTESTED = "contested"
    """Policy puts upstream's version back, and the client changes it again, over and over. Upstream
    need not have changed."""


class Change(StrEnum):
    """How a client's entry differs from upstream's."""

    ADDED = "added"
    DELETED = "deleted"
    MODIFIED = "modified"
    TYPE = "type"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do at one path.

    Attributes:
        path: Where.
        act: What.
        strategy: The strategy that led to it.
        reason: Why, in a few words; for a hold, its detail.
        before: What the tree has now, None for nothing: apply checks it again.
        after: What the tree has afterwards, None for nothing; equals ``before`` for hold and
            release.
        needs_voucher: Whether it may only be done if a validator has accepted the content.
    """

    path: str
    act: Act
    strategy: Strategy
    reason: str
    before: Entry | None
    after: Entry | None
    needs_voucher: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """One path whose upstream change is in quarantine.

    Attributes:
        id: Stable for the same client, path, base, ours and theirs.
        path: Where.
        reason: The kind of conflict.
        detail: The conflict in sentences. Of a file that is merged by records they name what is
            in dispute, so they hold untrusted text, but never anything secret.
        base: What upstream had when the client last took its version, None for nothing.
        ours: What the tree has, and keeps.
        theirs: What upstream has.
        strategy: The path's strategy.
    """

    id: str
    path: str
    reason: HoldReason
    detail: str
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None
    strategy: Strategy


class Refusal(NamedTuple):
    """Why a content is not to be put in place.

    Attributes:
        reason: The kind of conflict.
        detail: The same in sentences; untrusted text, but never anything secret.
    """

    reason: HoldReason
    detail: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A path where the tree will still differ from upstream, and how.

    Attributes:
        path: Where.
        change: How.
        strategy: The path's strategy.
        entry: What the tree will have there, None for nothing. It tells whether clients differ
            alike, and is never shown: the blob id of a secret would give it away to whoever can
            guess it. Not compared.
    """

    path: str
    change: Change
    strategy: Strategy
    entry: Entry | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A path that a command was given, or could have meant, and does nothing about.

    Attributes:
        path: The path.
        reason: Why, in words; names in it are untrusted text.
        named: Whether the caller asked for it by name.
    """

    path: str
    reason: str
    named: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with one client's tree; every tuple is in the order of paths.

    Attributes:
        actions: What is to be done; empty when nothing is. A path that was held before, for the
            same reason, appears in ``holds`` alone.
        holds: All that is held afterwards.
        drift: Differences from upstream afterwards that are neither held nor explained.
        local: Differences from upstream afterwards that policy gives to the client.
        retained: Directories that upstream has no longer, but that stay in the base because
            something beneath them is held; see `base_after`.
        unmet: Choices that are not carried out, with the reason as a sentence.
    """

    actions: tuple[Action, ...] = ()
    holds: tuple[Hold, ...] = ()
    drift: tuple[Difference, ...] = ()
    local: tuple[Difference, ...] = ()
    retained: tuple[tuple[str, Entry], ...] = ()
    unmet: tuple[tuple[str, str], ...] = ()

    @property
    def writes(self) -> tuple[Action, ...]:
        """The actions that touch the tree."""
        return tuple(a for a in self.actions if a.act not in {Act.HOLD, Act.RELEASE})


class Choice(NamedTuple):
    """What an administrator wants a path to be, whatever its sides say.

    It settles the path: upstream's change of it counts as seen, and is not offered again.

    Attributes:
        entry: What the tree shall have; None for nothing.
        reason: Why, in a few words.
    """

    entry: Entry | None
    reason: str


@dataclass(frozen=True, slots=True)
class Sides:
    """All that is known of one client's tree, its base and upstream.

    Attributes:
        base: Per path, the upstream entry that was last applied or knowingly declined.
        ours: What the tree has, as captured.
        theirs: What upstream has. Base and theirs may name paths that policy ignores.
        unmanaged: What is in the tree but not captured: ignored by policy, or of kind OTHER.
        hidden: Paths that are in the tree but not captured because a ``.gitignore`` hides them.
        creating: The tree is being created.
        seeds: While creating, what client-owned paths start with, where that is not upstream's.
        mirror: What upstream's live tree has at mirrored paths that git does not track.
        mirrored: What the client's tree has at mirrored paths that git does not track.
        choices: What was decided by hand, by path.
        contested: Paths where the client's change is not undone any more, with the reason in
            sentences: it would only be made again.
    """

    base: Tree
    ours: Tree
    theirs: Tree
    unmanaged: Mapping[str, Entry] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    creating: bool = False
    seeds: Mapping[str, Entry] = field(default_factory=dict)
    mirror: Mapping[str, Entry] = field(default_factory=dict)
    mirrored: Mapping[str, Entry] = field(default_factory=dict)
    choices: Mapping[str, Choice] = field(default_factory=dict)
    contested: Mapping[str, str] = field(default_factory=dict)

    def recorded(self, path: str) -> Entry | None:
        """Return what the tree has at ``path``; of kind OTHER where its content is not recorded."""
        entry = self.ours.get(path) or self.mirrored.get(path)
        if entry is None and (path in self.unmanaged or path in self.hidden):
            return UNRECORDED
        return entry

    def present(self, path: str) -> Entry | None:
        """Return what the tree has at ``path``, captured or not."""
        return self.unmanaged.get(path) or self.recorded(path)


UNRECORDED = Entry(Kind.OTHER, "", 0, 0, 0)
"""Stands for what is in a tree but not captured."""


def changed_paths(old: Tree, new: Tree) -> set[str]:
    """Return the paths whose entries differ."""
    changed = {
        path
        for path, entry in new.items()
        if (before := old.get(path)) is not entry and before != entry
    }
    return changed | (old.keys() - new.keys())


def conflict_id(
    key: bytes,
    client: str,
    path: str,
    base: Entry | None,
    ours: Entry | None,
    theirs: Entry | None,
) -> str:
    """Return 8 hexadecimal digits, the same ones for the same conflict.

    Args:
        key: Known to nobody who reads the id, so that nobody can tell from it whether a version has
            a content that he guesses.
        client: The client's name.
        path: Where.
        base: What upstream had when the client last took its version.
        ours: What the tree has; None where the conflict is that it changes all the time.
        theirs: What upstream has.
    """
    encoded = json.dumps([client, path, base, ours, theirs])
    return hmac.digest(key, encoded.encode("ascii"), "sha256").hex()[:8]


def id_on(key: bytes, client: str, hold: Hold) -> str:
    """Return the id that a held path has where ``client`` holds it in the same versions."""
    told = None if hold.reason is HoldReason.CONTESTED else hold.ours
    return conflict_id(key, client, hold.path, hold.base, told, hold.theirs)


def difference(ours: Entry | None, theirs: Entry | None) -> Change | None:
    """Return how ``ours`` differs from ``theirs``, or None when they are equal."""
    if ours == theirs:
        return None
    if theirs is None:
        return Change.ADDED
    if ours is None:
        return Change.DELETED
    if ours.kind is not theirs.kind:
        return Change.TYPE
    return Change.METADATA if ours.same_content(theirs) else Change.MODIFIED


def result_tree(ours: Tree, plan: Plan) -> dict[str, Entry]:
    """Return what the tree has once ``plan`` is applied, as it will be captured.

    What is mirrored is not part of it: it stays outside git.
    """
    result = dict(ours)
    for action in plan.writes:
        if action.after is None or action.act is Act.MIRROR:
            result.pop(action.path, None)
        else:
            result[action.path] = action.after
    return result


def base_after(theirs: Tree, plan: Plan) -> dict[str, Entry]:
    """Return the base once ``plan`` is applied: upstream's entries, except what is held.

    A held path keeps its base. So that the result is a tree, nothing stands in it beneath a held
    path whose base is no directory, and the directories above a held path stay.
    """
    result = dict(theirs)
    for hold in plan.holds:
        is_directory = hold.base is not None and hold.base.kind is Kind.DIRECTORY
        if hold.path in theirs and theirs[hold.path].kind is Kind.DIRECTORY and not is_directory:
            for path in [p for p in result if p.startswith(hold.path + "/")]:
                del result[path]
        if hold.base is None:
            result.pop(hold.path, None)
        else:
            result[hold.path] = hold.base
    result.update(plan.retained)
    return result


def directories_to_retain(
    base: Tree, theirs: Tree, holds: tuple[Hold, ...]
) -> tuple[tuple[str, Entry], ...]:
    """Return the base's directories that must outlive upstream's, for what is held in them."""
    above = {
        directory
        for hold in holds
        if hold.base is not None
        for directory in ancestors(hold.path)
        if directory in base
    }
    return tuple(
        (directory, base[directory])
        for directory in sorted(above)
        if directory not in theirs or theirs[directory].kind is not Kind.DIRECTORY
    )
