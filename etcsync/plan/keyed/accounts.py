"""The account files merged as one transaction: all six come together, or none.

What the rules are and why: docs/explanation/accounts.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from etcsync.plan.keyed.account_files import FILES, AccountFile, is_compat
from etcsync.plan.keyed.account_rules import broken_rules
from etcsync.plan.keyed.account_side import Side, read_side
from etcsync.plan.keyed.conflicts import KeyedConflict, RecordConflict, deletion_conflict
from etcsync.plan.keyed.document import Document, Slot, write_document
from etcsync.plan.keyed.records import merge_records
from etcsync.plan.keyed.three_way import CLASH, Versions, choose
from etcsync.plan.keyed.weave import append, interleave, weave

ACCOUNT_FILES = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
"""The names in /etc that `merge_accounts` takes and returns together."""

Contents = Mapping[str, bytes | None]
"""The contents of `ACCOUNT_FILES`; None, or no entry, where a file does not exist."""


@dataclass(frozen=True, slots=True)
class AccountsMerged:
    """The six files as they shall be; None where one shall not exist."""

    files: Contents


class AccountsConflict(KeyedConflict):
    """Why the six files cannot be merged; never empty."""


def merge_accounts(
    base: Contents, ours: Contents, theirs: Contents
) -> AccountsMerged | AccountsConflict:
    """Merge the account files of a client with upstream's.

    Where only one side changed them, its files are the result, byte for byte and unchecked; so they
    are where both sides are the same. Merging (base, result, theirs) gives the result again. With
    ours and theirs exchanged the result has the same records, in another order.

    Args:
        base: The version that both sides started from.
        ours: The client's.
        theirs: Upstream's.
    """
    versions = Versions(
        *(tuple(side.get(name) for name in ACCOUNT_FILES) for side in (base, ours, theirs))
    )
    chosen = choose(*versions)
    if chosen is not CLASH:
        return AccountsMerged(dict(zip(ACCOUNT_FILES, chosen, strict=True)))
    merged: dict[str, bytes | None] = {}
    conflicts: list[RecordConflict] = []
    documents: list[tuple[Document, ...]] = []
    for name, *versions_of_file in zip(ACCOUNT_FILES, *versions, strict=True):
        contents = Versions(*versions_of_file)
        read = _documents(name, contents)
        outcome = _merge_file(FILES[name], contents, Versions(*map(read.__getitem__, contents)))
        if isinstance(outcome, list):
            conflicts += outcome
            continue
        merged[name] = outcome
        new = read[outcome] if outcome in read else FILES[name].read(outcome)
        documents.append((*(read[content] for content in contents), new))
    if not conflicts:
        _, ours_read, _, result = (
            dict(zip(ACCOUNT_FILES, version, strict=True))
            for version in zip(*documents, strict=True)
        )
        sides = Versions(
            _upstream_side(versions.base), read_side(ours_read), _upstream_side(versions.theirs)
        )
        conflicts = broken_rules(sides, read_side(result))
    return AccountsConflict(tuple(conflicts)) if conflicts else AccountsMerged(merged)


def _documents(name: str, contents: Versions[bytes | None]) -> dict[bytes | None, Document]:
    read = {content: _upstream_document(name, content) for content in contents[::2]}
    if contents.ours not in read:
        read[contents.ours] = FILES[name].read(contents.ours)
    return read


@lru_cache(maxsize=2 * len(ACCOUNT_FILES))
def _upstream_document(name: str, content: bytes | None) -> Document:
    """Take a file of upstream's apart, which the merges of a whole fleet have in common."""
    return FILES[name].read(content)


@lru_cache(maxsize=2)
def _upstream_side(contents: tuple[bytes | None, ...]) -> Side:
    return read_side(
        {
            name: _upstream_document(name, content)
            for name, content in zip(ACCOUNT_FILES, contents, strict=True)
        }
    )


def _merge_file(
    file: AccountFile, contents: Versions[bytes | None], documents: Versions[Document]
) -> bytes | list[RecordConflict] | None:
    chosen = choose(*contents)
    if chosen is not CLASH:
        return chosen
    if contents.ours is None or contents.theirs is None:
        return [deletion_conflict(file.name, "", by_upstream=contents.theirs is None)]
    texts, conflicts = merge_records(file.name, documents, file.settle)
    if conflicts:
        return conflicts
    merged = write_document(weave(documents, _order(documents, texts), texts))
    # Where nothing is left of the changes but upstream's layout, that layout is taken as it is:
    # were the result base, the next run would take it for a client that changed nothing.
    return contents.theirs if merged == contents.base else merged


def _order(documents: Versions[Document], texts: Mapping[Slot, bytes]) -> list[Slot]:
    """Return upstream's order, then the client's own records, then the compat lines of both.

    Behind a compat line ``+`` a local record would lose against one of the same name from NIS.
    """
    frame = [slot for slot in documents.theirs.records if slot in texts]
    guest = [slot for slot in documents.ours.records if slot in texts]
    ordinary = append(*([slot for slot in s if not is_compat(slot.key)] for s in (frame, guest)))
    compat = interleave(*([slot for slot in s if is_compat(slot.key)] for s in (frame, guest)))
    return ordinary + compat


def lost_records(name: str, before: bytes | None, after: bytes | None) -> list[str]:
    """Return the names of the records that one version of an account file has and a later lacks.

    Args:
        name: The file's path; of a file that holds no accounts nothing is lost.
        before: The earlier version; None where there is no file.
        after: The later one.
    """
    if name not in FILES:
        return []
    kept = FILES[name].read(after).records
    return [
        ":".join(part.decode("utf-8", "surrogateescape") for part in slot.key)
        for slot in FILES[name].read(before).records
        if slot not in kept
    ]
