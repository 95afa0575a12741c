"""What would be promoted of a client, as entries, as a commit and as changes of working files."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from etcsync.config import Client
from etcsync.entries import METADATA_PATH, Entry, Kind, ancestors
from etcsync.errors import UpstreamError
from etcsync.hub.hub import GitEntry, Identity
from etcsync.hub.importer import Change as GitChange
from etcsync.hub.importer import NewCommit
from etcsync.hub.objects import DIRECTORY_MODE
from etcsync.hub.promotion import hiding_rules, place
from etcsync.hub.upstream import uncommitted
from etcsync.hub.upstream_head import read_head
from etcsync.plan.model import Act, Action, Change, Plan, difference, result_tree
from etcsync.plan.promotion import Planned, Selection, select_promoted
from etcsync.reconcile.cluster import Cluster
from etcsync.reconcile.errors import never_reconciled
from etcsync.reconcile.intent import recorded_as
from etcsync.reconcile.planning import Refused, whole_plan
from etcsync.reconcile.recorded import read_refs
from etcsync.reconcile.snapshot import Snapshot, take_snapshot
from etcsync.reconcile.upstream_files import UpstreamFiles
from etcsync.reconcile.validating import refusals
from etcsync.tree.accounts import parse_accounts
from etcsync.tree.change import Change as FileChange
from etcsync.tree.metadata_patch import patch


@dataclass(frozen=True)
class Draft:
    """What would be promoted of a client.

    Attributes:
        snapshot: The client's tree, its base, and upstream.
        plan: What a sync would do with it, were it not suspended.
        selection: What goes upstream.
        after: What upstream gets, the metadata file included; None: the path is deleted.
    """

    snapshot: Snapshot
    plan: Plan
    selection: Selection
    after: Mapping[str, Entry | None]

    @cached_property
    def summary(self) -> dict[str, Change]:
        """How upstream changes, by path, without the metadata file."""
        theirs = self.snapshot.sides.theirs
        changes = {
            path: difference(entry, theirs.get(path))
            for path, entry in self.selection.entries.items()
        }
        return {path: change for path, change in changes.items() if change is not None}

    def commit(self, cluster: Cluster, message: str, committer: Identity) -> NewCommit:
        """Return the commit to be made of it."""
        git = cluster.theirs.git
        changes: dict[str, GitChange] = {}
        for path, entry in self.after.items():
            old, new = _file(git.get(path)), recorded_as(entry)
            if old != new:
                changes[path] = new
        client = self.snapshot.client.name
        author = Identity(client, f"root@{client}")
        parents = [cluster.upstream_commit]
        return NewCommit(message, parents, changes, author, committer, cluster.now)

    def changes(self, cluster: Cluster) -> list[FileChange]:
        """Return what to change in upstream's working files.

        Raises:
            UpstreamError: They are not as upstream's head has them, or that is another by now.
        """
        etc = cluster.settings.upstream.etc
        edited = uncommitted(etc)
        refuse_moved_head(cluster)
        return _files(cluster).changes(cluster.theirs.entries, self.after, edited)


def draft_promotion(cluster: Cluster, client: Client, names: tuple[str, ...]) -> Draft:
    """Return what would be promoted; write nothing.

    Raises:
        TreeError: The client's tree cannot be read, or was never reconciled.
        UpstreamError: Upstream cannot be read.
        HubError: The hub is damaged.
    """
    snapshot = take_snapshot(cluster, client, read_refs(cluster, [client]))
    if snapshot.recorded.base_commit is None:
        raise never_reconciled(client.name)
    plan = _validated_plan(cluster, snapshot)
    for content in cluster.merger.contents.values():
        cluster.contents.put(content)
    against = _hidden(cluster, snapshot, plan, names)
    selection = _select(cluster, snapshot, plan, names, against)
    while refused := refusals(cluster, snapshot, _as_plan(snapshot, selection)):
        against |= {path: refusal.detail for (path, _), refusal in refused.items()}
        selection = _select(cluster, snapshot, plan, names, against)
    return Draft(snapshot, plan, selection, _after(cluster, selection.entries))


def _validated_plan(cluster: Cluster, snapshot: Snapshot) -> Plan:
    """Return what a sync would do, without the merges that validators refuse: those are held."""
    refused: Refused = {}
    plan = whole_plan(cluster, snapshot)
    while found := refusals(cluster, snapshot, plan):
        refused |= found
        plan = whole_plan(cluster, snapshot, refused)
    return plan


def _select(
    cluster: Cluster,
    snapshot: Snapshot,
    plan: Plan,
    names: tuple[str, ...],
    against: Mapping[str, str],
) -> Selection:
    planned = Planned(
        plan,
        snapshot.sides,
        result_tree(snapshot.sides.ours, plan),
        snapshot.policy.treatment,
        cluster.contents.read,
        cluster.theirs.keeps_metadata,
        against,
    )
    return select_promoted(planned, names)


def _as_plan(snapshot: Snapshot, selection: Selection) -> Plan:
    """Return what is done upstream, as validators are asked about what is done to a tree."""
    treatment, theirs = snapshot.policy.treatment, snapshot.sides.theirs
    return Plan(
        actions=tuple(
            Action(path, Act.WRITE, treatment(path).strategy, "", theirs.get(path), entry)
            for path, entry in selection.entries.items()
        )
    )


def _hidden(
    cluster: Cluster, snapshot: Snapshot, plan: Plan, names: tuple[str, ...]
) -> dict[str, str]:
    """Return the new paths that git would overlook upstream, each with the reason."""
    hidden = {
        name for name in names if not snapshot.sides.hidden.isdisjoint((name, *ancestors(name)))
    }
    new = {d.path for d in plan.drift if d.change is Change.ADDED}
    new -= {path for path in new if snapshot.sides.ours[path].kind is Kind.DIRECTORY}
    rules = hiding_rules(cluster.settings.upstream.etc, sorted(hidden | new))
    reasons = dict.fromkeys(hidden, "a .gitignore in the client's tree hides it")
    return reasons | {
        path: f"git would overlook it upstream ({rule}): change that rule first"
        for path, rule in rules.items()
    }


def _after(cluster: Cluster, entries: Mapping[str, Entry | None]) -> dict[str, Entry | None]:
    """Return what upstream gets, with the metadata file that etckeeper would write for it."""
    theirs = cluster.theirs
    if not entries or not theirs.keeps_metadata:
        return dict(entries)
    after = {path: entry for path, entry in theirs.entries.items() if path not in entries}
    after |= {path: entry for path, entry in entries.items() if entry is not None}
    accounts = cluster.root_accounts
    if "passwd" in after and "group" in after:
        texts = (cluster.contents.read(after[path].oid) for path in ("passwd", "group"))
        accounts = parse_accounts(*texts)
    files = _files(cluster)
    text = patch(
        cluster.contents.read(theirs.git[METADATA_PATH].oid),
        entries,
        after,
        accounts,
        lambda directory: files.is_empty(directory, entries),
    )
    metadata = theirs.entries[METADATA_PATH]._replace(oid=cluster.contents.put(text))
    return {**entries, METADATA_PATH: metadata}


def refuse_moved_head(cluster: Cluster) -> None:
    """Make sure that upstream's head is the commit that was planned on.

    Raises:
        UpstreamError: It is another.
    """
    etc = cluster.settings.upstream.etc
    if read_head(etc).commit != cluster.upstream_commit:
        raise UpstreamError(
            f"somebody committed in {etc} meanwhile; nothing was written",
            hint="Promote again.",
        )


def _files(cluster: Cluster) -> UpstreamFiles:
    etc = cluster.settings.upstream.etc
    return UpstreamFiles(etc, place(read_head(etc)), ownership=cluster.ownership)


def _file(entry: GitEntry | None) -> GitEntry | None:
    """Return what git has of a file or link; nothing of a directory."""
    return None if entry is None or entry.mode == DIRECTORY_MODE else entry
