"""What several checks look at, each read once, when a check first asks for it."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property

from etcsync.closing import Closing
from etcsync.config import Settings
from etcsync.host.mounts import Mount, read_mounts
from etcsync.hub.hub import Commit, Hub, open_hub
from etcsync.hub.upstream import head_commit, objects_directory
from etcsync.policy.rules import Rule
from etcsync.reconcile.policies import rules_in_force


class Facts(Closing):
    """The machine and the cluster as checks see them; to be used in a ``with`` statement.

    What cannot be read raises, each time it is asked for, the error that a command would meet.

    Attributes:
        now: Seconds since the epoch when it all began.
    """

    def __init__(self, read_settings: Callable[[], Settings]) -> None:
        self.now = time.time()
        self._read_settings = read_settings
        self._open = ExitStack()

    def _close(self) -> None:
        self._open.close()

    @cached_property
    def settings(self) -> Settings:
        """The settings; raises `SettingsError`."""
        return self._read_settings()

    @cached_property
    def mounts(self) -> Sequence[Mount]:
        """What is mounted here."""
        return read_mounts()

    @cached_property
    def hub(self) -> Hub:
        """The open hub; raises `HubError`."""
        return self._open.enter_context(open_hub(self.settings.hub_path))

    @cached_property
    def refs(self) -> Mapping[str, str]:
        """The commit that each ref of the hub names; raises `HubError`."""
        return self.hub.refs()

    @cached_property
    def recorded(self) -> Mapping[str, Commit]:
        """The commits that the hub's refs name, by id; raises `HubError`."""
        return self.hub.commits(self.refs.values())

    @cached_property
    def upstream_paths(self) -> Sequence[str]:
        """All paths of upstream's head; raises `UpstreamError` or `HubError`."""
        etc = self.settings.upstream.etc
        with open_hub(self.settings.hub_path, borrowed_objects=objects_directory(etc)) as hub:
            return list(hub.tree(hub.commit(head_commit(etc)).tree))

    @cached_property
    def rules(self) -> Sequence[Rule]:
        """The rules in force; raises as `rules_in_force` does."""
        return rules_in_force(self.settings)

    @cached_property
    def tree_paths(self) -> Mapping[str, str]:
        """The directory of each client's tree, by the client's name."""
        settings = self.settings
        return {client.name: settings.tree_path(client.name) for client in settings.clients}

    @cached_property
    def staging(self) -> str:
        """The staging directory, or where it does not exist yet, the directory it will be in."""
        return nearest_directory(self.settings.trees.staging)


def nearest_directory(path: str) -> str:
    """Return ``path``, or the nearest directory above it that exists."""
    while not os.path.isdir(path) and path != (above := os.path.dirname(path)):
        path = above
    return path
