"""Everything a run works with, opened once for the whole fleet."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from etcsync.config import Client, Settings
from etcsync.entries import Entry
from etcsync.host.rootfs import account_files
from etcsync.hub.conflict_key import read_conflict_key
from etcsync.hub.hub import Hub, open_hub
from etcsync.hub.upstream import head_commit, objects_directory
from etcsync.plan.merger import Merger
from etcsync.plan.model import changed_paths
from etcsync.policy.policy import Policy, PolicySet
from etcsync.reconcile.allowances import Allowances
from etcsync.reconcile.contents import Contents
from etcsync.reconcile.live_side import live_side
from etcsync.reconcile.policies import load_rules
from etcsync.reconcile.sides import Side, Sides
from etcsync.reconcile.surveys import Surveys
from etcsync.reconcile.suspensions import Suspensions, suspensions_in_force
from etcsync.reconcile.texts import Texts
from etcsync.reconcile.validators import Validators
from etcsync.tree.accounts import Accounts, parse_accounts
from etcsync.tree.ignore import Hides
from etcsync.tree.live import States, metadata_of, mirror_entries, walk_live


@dataclass(frozen=True)
class Cluster:
    """What every step of the road may use.

    Attributes:
        settings: The settings.
        hub: The open hub.
        contents: Contents by blob id, old and new.
        sides: Reads versions of /etc from the hub.
        upstream_commit: The upstream commit that this run works towards.
        theirs: Upstream's version of /etc.
        live: What stands in the live root's /etc.
        policies: The rules in force, by client.
        merger: Merges contents, equal ones once.
        validators: Have the root's programs check contents, equal ones once.
        texts: Generates the trees' metadata files.
        hides: Compiled ``.gitignore`` rules, shared by all trees.
        root_accounts: The names of the live root's ids.
        suspensions: Which clients' trees are not written to.
        surveys: What was found in the trees before.
        allowances: How much each client's edits may still add to the hub.
        ownership: Whether owners can be set: only as root.
        now: When the run began.
        conflict_key: The hub's key for the ids of conflicts.
    """

    settings: Settings
    hub: Hub
    contents: Contents
    sides: Sides
    upstream_commit: str
    theirs: Side
    live: States
    policies: PolicySet
    merger: Merger
    validators: Validators
    texts: Texts
    hides: Hides
    root_accounts: Accounts
    suspensions: Suspensions
    surveys: Surveys
    allowances: Allowances
    ownership: bool
    now: datetime
    conflict_key: bytes

    def policy(self, client: Client) -> Policy:
        """Return the rules for ``client``; clients with equal rules share one."""
        return self.policies.for_client(client.name, client.labels)

    def upstream_changes(self, base: Mapping[str, Entry]) -> set[str]:
        """Return where upstream differs from ``base``; found once for all who share it."""
        known = self._upstream_changes.get(id(base))
        if known is None or known[0] is not base:
            known = (base, changed_paths(base, self.theirs.entries))
            self._upstream_changes[id(base)] = known
        return known[1]

    @cached_property
    def _upstream_changes(self) -> dict[int, tuple[Mapping[str, Entry], set[str]]]:
        return {}

    @cached_property
    def _mirror_sources(self) -> dict[int, Mapping[str, Entry]]:
        return {}

    def mirror_source(self, policy: Policy) -> Mapping[str, Entry]:
        """Return what the live root has at the paths that ``policy`` mirrors."""
        sources = self._mirror_sources
        if id(policy) not in sources:
            sources[id(policy)] = mirror_entries(
                self.settings.upstream.etc,
                self.live,
                policy.mirrors,
                self.theirs.git,
                ownership=self.ownership,
            )
        return sources[id(policy)]


@contextmanager
def open_cluster(
    settings: Settings, commit: str | None = None, *, fetched: bool = True
) -> Iterator[Cluster]:
    """Open the hub and read upstream's version of /etc.

    Args:
        settings: The settings.
        commit: An upstream commit; None: upstream's head as it is now.
        fetched: Whether the hub has that commit; else, and for no commit, it is read from
            upstream's own objects, beside the hub's: readers see what the next reconciliation
            will bring, and write nothing.

    Raises:
        HubError: There is no hub, or it is damaged.
        UpstreamError: Upstream cannot be read.
        TreeError: The same, of its live files.
        SettingsError: A rule file is wrong.
        StateError: It is not known which clients are suspended.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    suspensions = suspensions_in_force(settings, now)
    etc = settings.upstream.etc
    borrowed = None if commit and fetched else objects_directory(etc)
    with ExitStack() as stack:
        hub = stack.enter_context(open_hub(settings.hub_path, borrowed_objects=borrowed))
        commit = commit or head_commit(etc)
        contents = stack.enter_context(Contents(hub.blob))
        ownership = os.geteuid() == 0
        root_accounts = parse_accounts(*account_files(settings.upstream.root))
        sides = Sides(hub, root_accounts, ownership=ownership)
        tree = hub.commit(commit).tree
        theirs = sides.side(tree)
        live = walk_live(etc)
        if not theirs.keeps_metadata:
            metadata = metadata_of(live, ownership=ownership)
            theirs = live_side(hub, sides, tree, metadata)
        merger = Merger(contents.read)
        rules = load_rules(settings, hub, theirs.git)
        conflict_key = read_conflict_key(settings.hub_path)
        limits = (settings.limits.max_file_size, ownership)
        yield Cluster(
            settings=settings,
            hub=hub,
            contents=contents,
            sides=sides,
            upstream_commit=commit,
            theirs=theirs,
            live=live,
            policies=PolicySet(rules),
            merger=merger,
            validators=Validators(settings.upstream.root),
            texts=Texts(merger.read),
            hides=Hides(),
            root_accounts=root_accounts,
            suspensions=suspensions,
            surveys=Surveys(settings.surveys_path, conflict_key, rules, *limits),
            allowances=Allowances(settings.captured_path, settings.limits.max_daily_capture, now),
            ownership=ownership,
            now=now,
            conflict_key=conflict_key,
        )


def selected_clients(settings: Settings, names: Sequence[str]) -> tuple[Client, ...]:
    """Return the clients called ``names``, in the settings' order; all of them for no names.

    Raises:
        UsageError: A name is unknown.
    """
    if not names:
        return settings.clients
    wanted = {settings.client(name).name for name in names}
    return tuple(client for client in settings.clients if client.name in wanted)
