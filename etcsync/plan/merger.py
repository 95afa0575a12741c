"""Merging file contents, once for a whole fleet."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from etcsync.entries import blob_oid
from etcsync.plan.keyed import (
    AccountsConflict,
    KeyedConflict,
    RecordConflict,
    merge_accounts,
    merge_keyed,
)
from etcsync.plan.keyed.three_way import Versions
from etcsync.plan.model import HoldReason
from etcsync.plan.sections import merge_sections
from etcsync.plan.text import is_binary, merge_text, merge_union
from etcsync.policy.treatment import Strategy
from etcsync.report.secrets import looks_secret

Oids = Versions[str | None]
"""The blobs of one file on three sides; None where the file does not exist."""


class Merged(NamedTuple):
    """What merging contents came to: a blob, or the reason why there is none.

    Attributes:
        oid: The merged blob.
        hold: Why there is none.
        conflicts: The records in dispute; empty where they are not known, or secret.
        by_section: Whether the blob was merged by section and key, which only the program that
            reads it can vouch for.
    """

    oid: str = ""
    hold: HoldReason | None = None
    conflicts: tuple[RecordConflict, ...] = ()
    by_section: bool = False


class _Way(NamedTuple):
    """How contents are merged."""

    union: bool = False
    table: str | None = None
    sections: str | None = None


_UNION = _Way(union=True)


class Merger:
    """Merges contents by their blob ids and remembers the outcomes.

    Clients that changed a file alike ask for the same merge; it is made once.

    Attributes:
        contents: What merging produced, by blob id; to be stored before it is used.
    """

    def __init__(self, read: Callable[[str], bytes]) -> None:
        """Set up a merger.

        Args:
            read: Returns a blob's content, given its id.
        """
        self.contents: dict[str, bytes] = {}
        self._stored = read
        self._outcomes: dict[tuple[_Way, str | None, str, str], Merged] = {}
        self._accounts: dict[
            tuple[tuple[str, Oids], ...], Mapping[str, str | None] | AccountsConflict
        ] = {}

    def merge(
        self,
        strategy: Strategy,
        base: str | None,
        ours: str,
        theirs: str,
        table: str | None = None,
        sections: str | None = None,
    ) -> Merged:
        """Merge two contents that differ from each other and from their base.

        Args:
            strategy: ``UNION`` keeps both sides' lines where they conflict; every other strategy
                means a three-way merge of lines.
            base: The blob both come from, None when both sides added the file.
            ours: The client's blob.
            theirs: Upstream's blob.
            table: The format by which the contents merge record by record where they can, as
                `etcsync.plan.keyed.format_for` names it.
            sections: The format by which the contents merge by section and key where they do not
                merge by line, as `etcsync.plan.sections.section_format_for` names it.
        """
        way = _UNION if strategy is Strategy.UNION else _Way(table=table, sections=sections)
        key = (way, base, ours, theirs)
        if key not in self._outcomes:
            self._outcomes[key] = self._merge(*key)
        return self._outcomes[key]

    def merge_accounts(
        self, files: Mapping[str, Oids]
    ) -> Mapping[str, str | None] | AccountsConflict:
        """Merge the account files, all or none; see `etcsync.plan.keyed.merge_accounts`.

        Args:
            files: Three sides' blobs by the file's name.

        Returns:
            The merged blobs by name, None where a file shall not exist; or what is in dispute.
        """
        key = tuple(files.items())
        if key not in self._accounts:
            self._accounts[key] = self._merge_accounts(files)
        return self._accounts[key]

    def _merge(self, way: _Way, base: str | None, ours: str, theirs: str) -> Merged:
        our_content, their_content = self.read(ours), self.read(theirs)
        base_content = None if base is None else self.read(base)
        contents = (base_content or b"", our_content, their_content)
        if any(map(is_binary, contents)):
            return Merged(hold=HoldReason.BINARY)
        if way.union:
            return self._keep(merge_union(*contents))
        if way.table is not None:
            by_key = merge_keyed(way.table, base_content, our_content, their_content)
            if by_key is not None:
                return self._keep_or_hold(by_key, contents)
        if base is None:
            return Merged(hold=HoldReason.ADD_ADD)
        merged = merge_text(*contents)
        if merged is None and way.sections is not None:
            by_section = merge_sections(way.sections, *contents)
            if by_section is not None:
                return self._keep_or_hold(by_section, contents)._replace(by_section=True)
        return Merged(hold=HoldReason.CONTENT) if merged is None else self._keep(merged)

    def _keep_or_hold(self, outcome: bytes | KeyedConflict, contents: Sequence[bytes]) -> Merged:
        if isinstance(outcome, bytes):
            return self._keep(outcome)
        known = () if any(map(looks_secret, contents)) else outcome.conflicts
        return Merged(hold=HoldReason.CONTENT, conflicts=known)

    def _merge_accounts(
        self, files: Mapping[str, Oids]
    ) -> Mapping[str, str | None] | AccountsConflict:
        base, ours, theirs = (
            {
                name: None if (oid := oids[side]) is None else self.read(oid)
                for name, oids in files.items()
            }
            for side in range(3)
        )
        merged = merge_accounts(base, ours, theirs)
        if isinstance(merged, AccountsConflict):
            return merged
        return {
            name: None if content is None else self._keep(content).oid
            for name, content in merged.files.items()
        }

    def read(self, oid: str) -> bytes:
        """Return the content of a blob that was merged here, or is stored."""
        content = self.contents.get(oid)
        return self._stored(oid) if content is None else content

    def _keep(self, content: bytes) -> Merged:
        oid = blob_oid(content)
        self.contents[oid] = content
        return Merged(oid)
