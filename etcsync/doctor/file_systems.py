"""The file systems that the trees lie on."""

import os
import stat
from collections.abc import Iterator, Mapping

from etcsync.doctor.facts import Facts, nearest_directory
from etcsync.doctor.finding import Finding, Severity, listed
from etcsync.host.mounts import is_within, mount_of, overlay_layers

CAN_EXCHANGE = frozenset({
    "bcachefs", "btrfs", "ext3", "ext4", "f2fs", "gfs2", "overlay", "ramfs", "tmpfs", "ubifs",
    "xfs",
})  # fmt: skip
"""File systems of Linux whose ``rename`` takes RENAME_EXCHANGE. Whether one does cannot be found
out without writing to it, so its name has to tell."""

CANNOT_EXCHANGE = frozenset({
    "9p", "affs", "ceph", "cifs", "erofs", "exfat", "ext2", "hfsplus", "iso9660", "jfs", "msdos",
    "nfs", "nfs4", "nilfs2", "ntfs3", "reiserfs", "smb3", "squashfs",
})  # fmt: skip
"""Those whose ``rename`` refuses it, or that cannot be written at all."""

ROOM = 64 << 20
"""Free bytes below which a file system is said to be nearly full, or a tenth of a small one."""

ROOM_FILES = 2_000
"""The same for inodes."""


def exchange(facts: Facts) -> Iterator[Finding]:
    """Two files can be exchanged in one step where the trees lie."""
    kinds: dict[str, list[str]] = {}
    for client, path in _directories(facts).items():
        mount = mount_of(os.path.realpath(path), facts.mounts)
        if mount and mount.kind not in CAN_EXCHANGE:
            kinds.setdefault(mount.kind, []).append(client)
    for kind, clients in kinds.items():
        cannot = kind in CANNOT_EXCHANGE
        whether = "cannot" if cannot else "may not be able to"
        yield Finding(
            Severity.SERIOUS if cannot else Severity.NOTE,
            f"the trees of {listed(clients)} lie on {kind}, which {whether} exchange two files in "
            "one step (RENAME_EXCHANGE)",
            "Move them to ext4, XFS, Btrfs or tmpfs."
            if cannot
            else "`etcsync sync` of one client tells: it fails with a sentence that says so.",
        )


def benches(facts: Facts) -> Iterator[Finding]:
    """New files can be prepared beside the trees, out of the clients' sight."""
    at_staging = mount_of(os.path.realpath(facts.staging), facts.mounts)
    apart = [
        client
        for client, path in _directories(facts).items()
        if mount_of(os.path.realpath(path), facts.mounts) != at_staging
    ]
    if apart:
        yield Finding(
            Severity.NOTE,
            f"the trees of {listed(apart)} are not on the mount of {facts.settings.trees.staging}: "
            "new files are prepared inside them, in .etcsync.tmp, where the client could see them",
            "None is needed. Where all trees share one other mount, name a directory there as "
            "trees.staging in the settings.",
        )


def room(facts: Facts) -> Iterator[Finding]:
    """There is room for new files, and for the hub."""
    places = [*_directories(facts).values(), facts.staging]
    places.append(nearest_directory(facts.settings.state_dir))
    by_device = {os.stat(path).st_dev: path for path in reversed(places)}
    for path in by_device.values():
        state = os.statvfs(path)
        free, all_of_it = state.f_bavail * state.f_frsize, state.f_blocks * state.f_frsize
        if free < min(ROOM, all_of_it // 10):
            yield Finding(
                Severity.WARNING,
                f"the file system of {path} has only {free // 1024} KiB free",
                f"Free some space: `du -xh {path} | sort -h | tail` shows where it went.",
                path=path,
            )
        if state.f_favail < min(ROOM_FILES, state.f_files // 10):
            yield Finding(
                Severity.WARNING,
                f"the file system of {path} has room for only {state.f_favail} more files",
                f"Remove some: `du -x --inodes {path} | sort -n | tail` shows where they are.",
                path=path,
            )


def overlays(facts: Facts) -> Iterator[Finding]:
    """No tree is a layer of an overlay: its files must not change then."""
    root = os.path.realpath(facts.settings.upstream.root)
    directories = {"the root": root}
    for client, path in _directories(facts).items():
        directories[client] = os.path.realpath(path)
    for mount in facts.mounts:
        layers = [layer for layer in overlay_layers(mount) if os.path.isabs(layer)]
        for name, path in directories.items():
            if any(is_within(path, layer) or is_within(layer, path) for layer in layers):
                yield Finding(
                    Severity.SERIOUS,
                    f"{path} is a layer of the overlay at {mount.point}: what is read there is "
                    "undefined once a file changes",
                    f"`umount {mount.point}`; bind-mount {path} itself, or make the overlay of a "
                    "copy.",
                    None if name == "the root" else name,
                    path,
                )


def _directories(facts: Facts) -> Mapping[str, str]:
    """Return the trees that are there, by client."""
    found = {}
    for client, path in facts.tree_paths.items():
        try:
            if stat.S_ISDIR(os.lstat(path).st_mode):
                found[client] = path
        except FileNotFoundError:
            continue
    return found
