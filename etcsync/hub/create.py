"""Making the hub, and telling whether a directory is one."""

import os
import shutil
from contextlib import suppress

from etcsync.atomic_file import sync_directory, write_file
from etcsync.errors import HubError
from etcsync.hub.conflict_key import ensure_conflict_key
from etcsync.hub.failures import damaged, writing
from etcsync.hub.git import git_command, run_git
from etcsync.hub.refs import UNBORN_REF

ATTRIBUTES = (
    b"* !merge !filter !text !crlf !eol !ident !diff !working-tree-encoding "
    b"!export-subst !export-ignore\n"
)
"""The hub's ``info/attributes``: they outrank every ``.gitattributes`` that a tree contains, so
that no tree chooses how its contents are merged, compared or converted (gitattributes(5))."""

SETTINGS = {
    "core.bare": "true",
    "core.fileMode": "true",
    "core.logAllRefUpdates": "false",  # branches only grow: their own history is the log
    "core.protectNTFS": "false",  # etcsync/names.py decides, before git sees a name
    "core.protectHFS": "false",
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "core.fsync": "committed",
    "core.trustctime": "true",
    "core.untrackedCache": "false",
    "submodule.recurse": "false",
    "diff.ignoreSubmodules": "all",
    "fetch.fsckObjects": "true",
    "receive.fsckObjects": "true",
    "transfer.fsckObjects": "true",
    "transfer.unpackLimit": "1",  # whatever arrives stays one pack, synced as a whole
    "fastimport.unpackLimit": "0",  # and so does what etcsync writes, be it one object
    "gc.auto": "0",  # etcsync packs at a time of its choosing, see maintenance.py
    "gc.worktreePruneExpire": "never",
    "maintenance.auto": "false",
    "repack.writeBitmaps": "false",
    "pack.threads": "1",  # packing can wait; the server's cores are its clients'
}
"""The hub's configuration; it also holds for an administrator's `git -C TREE status`."""

HEAD = f"ref: {UNBORN_REF}\n".encode("ascii")

NEEDED = ("HEAD", "config", "objects", "refs")


def check_hub(path: str) -> None:
    """Return if ``path`` looks like a hub.

    Raises:
        HubError: There is none, or parts of it are missing.
    """
    if not os.path.isdir(path):
        raise HubError(f"there is no hub at {path}", hint="Run `etcsync init` first.")
    _check_parts(path)
    with open(os.path.join(path, "HEAD"), "rb") as file:
        if file.read(200) != HEAD:
            # A bare repository's attributes may come from the branch that HEAD names.
            raise HubError(
                f"the HEAD of the hub {path} is not {UNBORN_REF}",
                hint="Run `etcsync init`: it sets that right.",
            )


def _check_parts(path: str) -> None:
    for needed in NEEDED:
        if not os.path.exists(os.path.join(path, needed)):
            raise damaged(path, f"{needed} is missing")


def create_hub(path: str) -> None:
    """Make an empty hub at ``path``, or complete the settings of the one that is there.

    It is built beside its place and renamed, so that a hub is there whole or not at all; safe to
    repeat. Remotes and other settings that an administrator added are kept.

    Raises:
        HubError: Something else is there, or git failed.
    """
    path = os.path.abspath(path)
    with writing(path, "the hub's settings"):
        if os.path.lexists(path) and not (os.path.isdir(path) and not os.listdir(path)):
            _check_parts(path)
            _furnish(path)
        else:
            _build(path)


def _build(path: str) -> None:
    building = path + ".new"
    if os.path.lexists(building):
        shutil.rmtree(building)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    os.mkdir(building, 0o700)
    with git_command(building, GIT_DEFAULT_REF_FORMAT="files") as git:
        unborn = UNBORN_REF.removeprefix("refs/heads/")
        run_git(
            git, "init", "--quiet", "--bare", "--template=", "--object-format=sha1",
            f"--initial-branch={unborn}",
        )  # fmt: skip
    _furnish(building)
    os.sync()
    os.rename(building, path)
    sync_directory(os.path.dirname(path))


def _furnish(directory: str) -> None:
    """Set what is not as `HEAD`, `SETTINGS` and `ATTRIBUTES` want it."""
    os.chmod(directory, 0o700)
    config = os.path.join(directory, "config")
    with git_command(directory) as git:
        listing = run_git(git, "config", "--file", config, "--null", "--list").decode(
            "utf-8", "surrogateescape"
        )
        found = dict(item.partition("\n")[::2] for item in listing.split("\0"))
        for name, value in SETTINGS.items():
            if found.get(name.lower()) != value:
                run_git(git, "config", "--file", config, "--replace-all", name, value)
    os.makedirs(os.path.join(directory, "info"), exist_ok=True)
    ensure_file(os.path.join(directory, "info", "attributes"), ATTRIBUTES)
    ensure_file(os.path.join(directory, "HEAD"), HEAD)
    ensure_conflict_key(directory)


def ensure_file(path: str, content: bytes) -> None:
    """Give the small file ``path`` its content, atomically; writes only what differs."""
    with suppress(FileNotFoundError), open(path, "rb") as file:
        if file.read(len(content) + 1) == content:
            return
    write_file(path, content, durable=False)
