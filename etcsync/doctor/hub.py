"""The hub, and what of each client it has."""

import os
from collections.abc import Iterator
from contextlib import suppress

from etcsync.doctor.access import open_to_others
from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity, alone, listed
from etcsync.hub.create import ATTRIBUTES
from etcsync.hub.failures import damaged
from etcsync.hub.git import GitTimeoutError
from etcsync.hub.hub import base_ref, branch_ref, pending_ref
from etcsync.hub.integrity import missing_objects
from etcsync.hub.refs import LEFT_OVER_AFTER, lock_files
from etcsync.tree.staging import is_clear

OBJECTS_LIMIT = 10.0
"""Seconds that the search for missing objects may take."""


def hub(facts: Facts) -> Iterator[Finding]:
    """There is a hub, and nobody else can look into it."""
    settings = facts.settings
    path = facts.hub.path
    yield from open_to_others(settings.state_dir, "the hub lies there")
    yield from open_to_others(path, "it holds every version of every secret")
    attributes = os.path.join(path, "info", "attributes")
    if not _holds(attributes, ATTRIBUTES):
        yield Finding(
            Severity.SERIOUS,
            f"{attributes} is not as etcsync wrote it: the .gitattributes of a tree might take "
            "effect",
            "`etcsync init`",
            path=attributes,
        )
    for lock in lock_files(path):
        with suppress(FileNotFoundError):
            if facts.now - os.lstat(lock).st_mtime > LEFT_OVER_AFTER:
                what = f"a git that was killed left {lock}"
                yield Finding(Severity.NOTE, what, "`etcsync sync` removes it.", path=lock)


def objects(facts: Facts) -> Iterator[Finding]:
    """The hub has all that its refs lead to."""
    path = facts.hub.path
    names = facts.refs
    known = facts.hub.has(names.values())
    lost = sorted(ref for ref, oid in names.items() if oid not in known)
    try:
        said = missing_objects(path, limit=OBJECTS_LIMIT)
    except GitTimeoutError:
        yield Finding(
            Severity.NOTE,
            f"the hub is large: whether it is complete was not known after {OBJECTS_LIMIT:g} s",
            f"`git -C {path} fsck --connectivity-only`",
            path=path,
        )
        said = None
    if lost:
        said = f"{listed(lost)}: the commit is missing"
    if said:
        error = damaged(path, said)
        yield Finding(Severity.SERIOUS, error.message, f"{error.hint}", path=path)


def records(facts: Facts) -> Iterator[Finding]:
    """Each client of the settings was set up, and no run was cut off."""
    refs = facts.refs
    new, lost, cut_off = [], [], []
    for name in facts.tree_paths:
        if base_ref(name) not in refs:
            new.append(name)
        elif branch_ref(name) not in refs:
            lost.append(name)
        if pending_ref(name) in refs:
            cut_off.append(name)
    if new:
        yield Finding(
            Severity.WARNING,
            f"{listed(new)}: in the settings, but never set up",
            "`etcsync init` adopts or creates the tree.",
            client=alone(new),
        )
    if lost:
        error = damaged(facts.hub.path, f"it has no history of {listed(lost)}")
        yield Finding(Severity.SERIOUS, error.message, f"{error.hint}", client=alone(lost))
    if cut_off:
        yield Finding(
            Severity.NOTE,
            f"{listed(cut_off)}: a run was cut off, or is at work now",
            f"`etcsync sync {' '.join(cut_off)}` goes on where it ended.",
            client=alone(cut_off),
        )


def staging(facts: Facts) -> Iterator[Finding]:
    """No bench was left in the staging directory, and nobody else can look at one."""
    directory = facts.settings.trees.staging
    if not os.path.isdir(directory):
        return
    yield from open_to_others(directory, "new versions of secrets wait there")
    names = sorted(os.listdir(directory))
    names = [name for name in names if not is_clear(os.path.join(directory, name))]
    known = [name for name in names if name in facts.tree_paths]
    unknown = [name for name in names if name not in facts.tree_paths]
    if known:
        yield Finding(
            Severity.NOTE,
            f"{directory} has something of {listed(known)}: a run was cut off, or is at work now",
            f"`etcsync sync {' '.join(known)}` clears it.",
            client=alone(known),
            path=directory,
        )
    if unknown:
        yield Finding(
            Severity.NOTE,
            f"{directory} has {listed(unknown)}, which belongs to no client of the settings",
            f"Look at it with `ls -lR {directory}`; move away what is still wanted, remove the "
            "rest.",
            path=directory,
        )


def reports(facts: Facts) -> Iterator[Finding]:
    """Reports can be written."""
    path = facts.settings.reports_path
    if os.path.lexists(path) and not os.path.isdir(path):
        what = f"{path} is no directory: no report can be written"
        yield Finding(Severity.WARNING, what, f"`mv {path} {path}.old`", path=path)


def _holds(path: str, content: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(content) + 1) == content
    except FileNotFoundError:
        return False
