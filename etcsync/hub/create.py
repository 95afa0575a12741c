"""Making the hub, and telling whether a directory is one."""

import os
import shutil

from etcsync.errors import HubError
from etcsync.hub.failures import damaged
from etcsync.hub.git import git_command, run_git
from etcsync.hub.refs import UNBORN_REF, sync_directory

ATTRIBUTES = (
    "* !merge !filter !text !crlf !eol !ident !diff !working-tree-encoding "
    "!export-subst !export-ignore\n"
)
"""The hub's ``info/attributes``: they outrank every ``.gitattributes`` that a tree contains, so
that no tree chooses how its contents are merged, compared or converted (gitattributes(5))."""

SETTINGS = {
    "core.bare": "true",
    "core.fileMode": "true",
    "core.logAllRefUpdates": "false",  # branches only grow: their own history is the log
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
    "transfer.unpackLimit": "1",  # whatever arrives stays one pack, which git syncs as a whole
    "fastimport.unpackLimit": "1",
    "gc.auto": "0",  # etcsync packs at a time of its choosing, see maintenance.py
    "gc.worktreePruneExpire": "never",
    "maintenance.auto": "false",
    "repack.writeBitmaps": "false",
    "pack.threads": "1",  # packing can wait; the server's cores are its clients'
}
"""The hub's configuration; it also holds for an administrator's `git -C TREE status`."""

NEEDED = ("HEAD", "config", "objects", "refs")


def check_hub(path: str) -> None:
    """Return if ``path`` looks like a hub.

    Raises:
        HubError: There is none, or parts of it are missing.
    """
    if not os.path.isdir(path):
        raise HubError(f"there is no hub at {path}", hint="Run `etcsync init` first.")
    for needed in NEEDED:
        if not os.path.exists(os.path.join(path, needed)):
            raise damaged(path, f"{needed} is missing")
    with open(os.path.join(path, "HEAD"), "rb") as file:
        if file.read(200) != f"ref: {UNBORN_REF}\n".encode("ascii"):
            raise damaged(path, f"its HEAD is not {UNBORN_REF}")


def create_hub(path: str) -> None:
    """Make an empty hub at ``path``, or complete the settings of the one that is there.

    It is built beside its place and renamed, so that a hub is there whole or not at all; safe to
    repeat. Remotes and other settings that an administrator added are kept.

    Raises:
        HubError: Something else is there, or git failed.
    """
    if os.path.lexists(path) and not (os.path.isdir(path) and not os.listdir(path)):
        check_hub(path)
        _furnish(path)
        return
    building = path + ".new"
    if os.path.lexists(building):
        shutil.rmtree(building)
    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    os.mkdir(building, 0o700)
    with git_command(os.path.abspath(building), GIT_DEFAULT_REF_FORMAT="files") as git:
        unborn = UNBORN_REF.removeprefix("refs/heads/")
        run_git(
            git, "init", "--quiet", "--bare", "--template=", "--object-format=sha1",
            f"--initial-branch={unborn}",
        )  # fmt: skip
    _furnish(building)
    os.sync()
    os.rename(building, path)
    sync_directory(os.path.dirname(path) or ".")


def _furnish(directory: str) -> None:
    """Set what is not as `SETTINGS` and `ATTRIBUTES` want it."""
    os.chmod(directory, 0o700)
    config = os.path.join(os.path.abspath(directory), "config")
    with git_command(os.path.abspath(directory)) as git:
        listing = run_git(git, "config", "--file", config, "--null", "--list").decode(
            "utf-8", "surrogateescape"
        )
        found = dict(item.partition("\n")[::2] for item in listing.split("\0"))
        for name, value in SETTINGS.items():
            if found.get(name.lower()) != value:
                run_git(git, "config", "--file", config, "--replace-all", name, value)
    attributes = os.path.join(directory, "info", "attributes")
    os.makedirs(os.path.dirname(attributes), exist_ok=True)
    with open(attributes + ".new", "w", encoding="ascii") as file:
        file.write(ATTRIBUTES)
    os.rename(attributes + ".new", attributes)
