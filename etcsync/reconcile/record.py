"""Writing one client's commits into the hub: the capture, the result, and the base.

All commits of all clients go through one importer, before any tree is touched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from etcsync.entries import METADATA_PATH, Entry
from etcsync.hub.hub import GitEntry
from etcsync.hub.importer import Importer, Mark, NewCommit
from etcsync.hub.objects import FILE_MODE, Identity
from etcsync.plan.model import Act
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.intent import Changes, Intent, changes_to, files_of
from etcsync.reconcile.messages import (
    HEALED,
    BaseRecord,
    base_message,
    capture_message,
    result_message,
)
from etcsync.reconcile.model import Cause
from etcsync.reconcile.texts import metadata_text

ETCSYNC = Identity("etcsync", "etcsync@localhost")


@dataclass(frozen=True, slots=True)
class Commits:
    """The commits that were written for one client; None where there was no need for one.

    Attributes:
        capture: What the client had changed.
        result: What the plan comes to.
        base: The base afterwards.
        reached: The base as an earlier run left it that was cut off. It is recorded before anything
            is written: what that run had applied must not look like the client's own doing once
            its pending plan has given way to this one's.
    """

    capture: str | None
    result: str | None
    base: str | None
    reached: str | None

    @property
    def head(self) -> str | None:
        """The newest commit of the client's history among them."""
        return self.result or self.capture


@dataclass(frozen=True, slots=True)
class Marks:
    """The same while the import goes on."""

    capture: Mark | None
    result: Mark | None
    base: Mark | None
    reached: Mark | None

    def commits(self, ids: Mapping[Mark, str]) -> Commits:
        """Return the commits, now that the import is done."""
        marks = (self.capture, self.result, self.base, self.reached)
        return Commits(*(None if mark is None else ids[mark] for mark in marks))


@dataclass
class Recorder:
    """Writes the commits of a run; bases that are equal for many clients are written once."""

    cluster: Cluster
    importer: Importer
    _bases: dict[tuple[str, int], Mark] = field(default_factory=dict)

    def write(self, intent: Intent, cause: Cause) -> Marks:
        """Send one client's commits, and the contents that the hub lacks.

        Args:
            intent: What is to be recorded.
            cause: What the result is recorded under.
        """
        recorded = intent.snapshot.recorded
        client = intent.snapshot.client.name
        head: str | Mark | None = recorded.branch
        capture = result = base = reached = None
        if intent.captured:
            message = capture_message(client, intent.captured)
            who = Identity(client, f"root@{client}")
            capture = head = self._commit(message, [head], intent.captured, who)
        if intent.changed or intent.moved or intent.decided:
            message = result_message(client, cause, self.cluster.upstream_commit, _noted(intent))
            upstream = self.cluster.upstream_commit if intent.moved else None
            result = self._commit(message, [head, upstream], intent.changed, ETCSYNC)
        if intent.base is not None:
            base = self._base(intent.base, intent.record)
        if intent.reached is not None:
            reached = self._base(intent.reached, recorded.record)
        return Marks(capture, result, base, reached)

    def _base(self, entries: Mapping[str, Entry], record: BaseRecord) -> Mark:
        key = (base_message(record), id(entries))
        if key not in self._bases:
            self._bases[key] = self.write_base(entries, record, metadata_text(entries))
        return self._bases[key]

    def write_base(self, entries: Mapping[str, Entry], record: BaseRecord, metadata: bytes) -> Mark:
        """Send a base commit: upstream's tree, with other versions where ``entries`` differ."""
        commit = self.cluster.hub.commit(record.upstream) if record.upstream else None
        upstream = self.cluster.hub.tree(commit.tree) if commit else {}
        changes = changes_to(files_of(upstream), entries)
        changes[METADATA_PATH] = GitEntry(FILE_MODE, self.importer.blob(metadata))
        return self.importer.commit(
            NewCommit(
                message=base_message(record),
                parents=[record.upstream] if record.upstream else [],
                changes=changes,
                author=ETCSYNC,
                committer=ETCSYNC,
                time=self.cluster.now,
                tree=commit.tree if commit else None,
            )
        )

    def _commit(
        self, message: str, parents: list[str | Mark | None], changes: Changes, author: Identity
    ) -> Mark:
        for change in changes.values():
            if change is not None and self.cluster.contents.is_new(change[1]):
                self.importer.blob(self.cluster.contents.read(change[1]))
        return self.importer.commit(
            NewCommit(
                message=message,
                parents=[parent for parent in parents if parent is not None],
                changes=changes,
                author=author,
                committer=ETCSYNC,
                time=self.cluster.now,
            )
        )


def _noted(intent: Intent) -> dict[str, str]:
    """Return the paths that a result changes or settles, each with what sets it apart."""
    plain = dict.fromkeys(set(intent.changed) - {METADATA_PATH}, "")
    heals = {a.path: HEALED for a in intent.plan.actions if a.act is Act.HEAL}
    return plain | heals | dict(intent.decided)
