"""Merging file contents, once for a whole fleet."""

from collections.abc import Callable, Mapping
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
    """

    oid: str = ""
    hold: HoldReason | None = None
    conflicts: tuple[RecordConflict, ...] = ()


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
        self._outcomes: dict[tuple[str, str | None, str, str], Merged] = {}
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
        """
        way = "union" if strategy is Strategy.UNION else f"table {table}" if table else "lines"
        key = (way, base, ours, theirs)
        if key not in self._outcomes:
            union = strategy is Strategy.UNION
            self._outcomes[key] = self._merge(union, None if union else table, *key[1:])
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

    def _merge(
        self, union: bool, table: str | None, base: str | None, ours: str, theirs: str
    ) -> Merged:
        our_content, their_content = self.read(ours), self.read(theirs)
        base_content = b"" if base is None else self.read(base)
        contents = (base_content, our_content, their_content)
        if any(map(is_binary, contents)):
            return Merged(hold=HoldReason.BINARY)
        if union:
            return self._keep(merge_union(*contents))
        if table is not None:
            by_key = merge_keyed(
                table, None if base is None else base_content, our_content, their_content
            )
            if isinstance(by_key, KeyedConflict):
                known = () if any(map(looks_secret, contents)) else by_key.conflicts
                return Merged(hold=HoldReason.CONTENT, conflicts=known)
            if by_key is not None:
                return self._keep(by_key)
        if base is None:
            return Merged(hold=HoldReason.ADD_ADD)
        merged = merge_text(*contents)
        return Merged(hold=HoldReason.CONTENT) if merged is None else self._keep(merged)

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
