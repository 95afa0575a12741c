"""What is mounted here; the format is that of proc_pid_mountinfo(5)."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

MOUNTINFO = "/proc/self/mountinfo"

_ESCAPE = re.compile(r"\\([0-7]{3})")
_LAYER_OPTIONS = frozenset({"lowerdir", "lowerdir+", "datadir+", "upperdir"})
"""Options of an overlay that name directories which nothing else may change; the kernel's
``Documentation/filesystems/overlayfs.rst``, "Changes to underlying filesystems"."""


REMOTE_KINDS = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse", "gfs2", "glusterfs", "lustre", "nfs", "nfs4",
    "ocfs2", "orangefs", "smb3", "virtiofs",
})  # fmt: skip
"""Types of file systems on which others may write without inotify being told; ``fuse.*`` too."""


class Mount(NamedTuple):
    """One mount.

    Attributes:
        point: Where it is mounted.
        kind: The file system's type, such as ``ext4``.
        options: The file system's own options, as the kernel writes them, unescaped.
        device: The file system's device number, as ``major:minor``.
        root: The directory of that file system that is mounted.
    """

    point: str
    kind: str
    options: str
    device: str = ""
    root: str = "/"


def read_mounts() -> tuple[Mount, ...]:
    """Return what this process sees mounted, in the order of mounting."""
    with open(MOUNTINFO, encoding="utf-8", errors="surrogateescape") as file:
        return tuple(parse_mounts(file))


def parse_mounts(lines: Iterable[str]) -> Iterator[Mount]:
    """Yield the mounts that the lines of a mountinfo file tell. Pure."""
    for line in lines:
        own, _, system = line.rstrip("\n").partition(" - ")
        kind, _, options = system.split(" ")[:3]
        device, root, point = own.split(" ")[2:5]
        yield Mount(_unescaped(point), kind, _unescaped(options), device, _unescaped(root))


def mount_of(path: str, mounts: Sequence[Mount]) -> Mount | None:
    """Return the mount that ``path``, absolute and without links, lies on. Pure."""
    best = None
    for mount in mounts:
        # A later mount on the same point covers an earlier one.
        if is_within(path, mount.point) and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def mounted_on(point: str, mounts: Sequence[Mount]) -> Mount | None:
    """Return what is mounted on ``point`` itself, absolute and without links. Pure."""
    return next((mount for mount in reversed(mounts) if mount.point == point), None)


def shows(mount: Mount, directory: str, mounts: Sequence[Mount]) -> bool:
    """Whether ``mount`` is a bind mount of ``directory``, absolute and without links. Pure."""
    below = mount_of(directory, mounts)
    if below is None:
        return False
    root = os.path.normpath(os.path.join(below.root, os.path.relpath(directory, below.point)))
    return (mount.device, mount.root) == (below.device, root)


def is_remote(mount: Mount) -> bool:
    """Whether somebody may write there without this machine's inotify being told. Pure."""
    return mount.kind in REMOTE_KINDS or mount.kind.startswith("fuse.")


def overlay_layers(mount: Mount) -> tuple[str, ...]:
    """Return the directories that an overlay is made of; none for other mounts. Pure."""
    if mount.kind != "overlay":
        return ()
    # Commas and colons within a name are escaped by a backslash.
    settings = (each.partition("=") for each in re.split(r"(?<!\\),", mount.options))
    layers = (
        layer
        for key, _, value in settings
        if key in _LAYER_OPTIONS
        for layer in re.split(r"(?<!\\):", value)
    )
    return tuple(re.sub(r"\\(.)", r"\1", layer) for layer in layers if layer)


def is_within(path: str, directory: str) -> bool:
    """Whether ``path`` is ``directory`` or lies below it, both absolute and without links. Pure."""
    return path == directory or path.startswith(directory.rstrip(os.sep) + os.sep)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
