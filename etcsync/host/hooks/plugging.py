"""Putting all that plugs etcsync into its machines in place, looking at it, taking it away."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from etcsync.config import Settings
from etcsync.errors import EtcsyncError
from etcsync.host.hooks import hook_file
from etcsync.host.hooks.hook_file import HookFile, State
from etcsync.host.hooks.root_hooks import all_root_hooks, root_hooks
from etcsync.host.hooks.service import ENABLED, service_hook
from etcsync.host.mounts import is_within
from etcsync.host.rootfs import path_in_root


@dataclass(frozen=True)
class Plugged:
    """What there is of one hook, and what became of it.

    Attributes:
        name: What it plugs into.
        path: The file.
        state: What is there now; None where it could not be looked at.
        changed: Whether it was written or removed just now.
        in_upstream: Whether it lies in upstream's /etc, and so is to be committed.
        error: Why nothing could be done, or None.
    """

    name: str
    path: str
    state: State | None
    changed: bool
    in_upstream: bool
    error: EtcsyncError | None


def install_hooks(settings: Settings, destination: str = "/") -> Sequence[Plugged]:
    """Write the hooks of the root's package managers, and the unit below ``destination``.

    What is as it should be is left alone, and so is what etcsync did not write: that is an error of
    this one file.

    Raises:
        UpstreamError: Symbolic links of the root turn in a circle.
    """
    return [_done(settings, hook, hook_file.install) for hook in _wanted(settings, destination)]


def look_at_hooks(settings: Settings, destination: str = "/") -> Sequence[Plugged]:
    """Return what there is of all that `install_hooks` would write. Writes nothing.

    Raises:
        UpstreamError: Symbolic links of the root turn in a circle.
    """
    return [_done(settings, hook, lambda _: False) for hook in _wanted(settings, destination)]


def remove_hooks(settings: Settings, destination: str = "/") -> Sequence[Plugged]:
    """Take away all hooks that etcsync wrote, also those that the root would not get today."""
    hooks = (*all_root_hooks(settings.upstream.root), service_hook(settings, destination))
    return [_done(settings, hook, _remove) for hook in hooks]


def _wanted(settings: Settings, destination: str) -> Sequence[HookFile]:
    return (*root_hooks(settings.upstream.root), service_hook(settings, destination))


def _remove(hook: HookFile) -> bool:
    enabled = hook.name == "systemd" and os.path.lexists(path_in_root(hook.system, ENABLED))
    if enabled and hook_file.state(hook) is not State.FOREIGN:
        raise EtcsyncError(
            "the service is enabled: systemd would go on looking for its unit",
            hint="Run `systemctl disable --now etcsync` first.",
        )
    return hook_file.remove(hook)


def _done(settings: Settings, hook: HookFile, act: Callable[[HookFile], bool]) -> Plugged:
    """Return what came of doing something with one hook, whatever came of it."""
    path, state, changed, error = os.path.join(hook.system, hook.place), None, False, None
    try:
        path = hook.path
        changed = act(hook)
    except EtcsyncError as failure:
        error = failure
    except OSError as failure:
        error = EtcsyncError(f"{path}: {failure.strerror}")
    try:
        state = hook_file.state(hook)
    except EtcsyncError as failure:
        error = error or failure
    except OSError as failure:
        error = error or EtcsyncError(f"{path}: {failure.strerror}")
    in_upstream = is_within(path, os.path.realpath(settings.upstream.etc))
    return Plugged(hook.name, path, state, changed, in_upstream, error)
