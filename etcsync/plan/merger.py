"""Merging file contents, once for a whole fleet."""

from collections.abc import Callable
from typing import NamedTuple

from etcsync.entries import blob_oid
from etcsync.plan.model import HoldReason
from etcsync.plan.text import is_binary, merge_text, merge_union
from etcsync.policy.treatment import Strategy


class Merged(NamedTuple):
    """What merging contents came to: a blob, or the reason why there is none."""

    oid: str = ""
    hold: HoldReason | None = None


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
        self._read = read
        self._outcomes: dict[tuple[bool, str | None, str, str], Merged] = {}

    def merge(self, strategy: Strategy, base: str | None, ours: str, theirs: str) -> Merged:
        """Merge two contents that differ from each other and from their base.

        Args:
            strategy: ``UNION`` keeps both sides' lines where they conflict; every other strategy
                means a three-way merge of lines.
            base: The blob both come from, None when both sides added the file.
            ours: The client's blob.
            theirs: Upstream's blob.
        """
        key = (strategy is Strategy.UNION, base, ours, theirs)
        if key not in self._outcomes:
            self._outcomes[key] = self._merge(*key)
        return self._outcomes[key]

    def _merge(self, union: bool, base: str | None, ours: str, theirs: str) -> Merged:
        our_content, their_content = self._read(ours), self._read(theirs)
        base_content = b"" if base is None else self._read(base)
        if any(map(is_binary, (base_content, our_content, their_content))):
            return Merged(hold=HoldReason.BINARY)
        if union:
            return self._keep(merge_union(base_content, our_content, their_content))
        if base is None:
            return Merged(hold=HoldReason.ADD_ADD)
        merged = merge_text(base_content, our_content, their_content)
        return Merged(hold=HoldReason.CONTENT) if merged is None else self._keep(merged)

    def _keep(self, content: bytes) -> Merged:
        oid = blob_oid(content)
        self.contents[oid] = content
        return Merged(oid)
