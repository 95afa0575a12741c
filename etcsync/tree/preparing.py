"""Making a staged file, link or directory: complete, with its final metadata, before it is seen."""

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from types import MappingProxyType

from etcsync.entries import Entry, Kind, encode_path
from etcsync.privileges import LABELLING, limited_to
from etcsync.tree import beneath
from etcsync.tree.beneath import OpenTree, Place
from etcsync.tree.reading import MIRROR, is_mirrored, mirror_entry

Attributes = Mapping[str, bytes]
"""Extended attributes by name; see xattr(7)."""

NO_ATTRIBUTES: Attributes = MappingProxyType({})

_CHUNK = 1024 * 1024
_KEPT_SPACES = ("user.", "security.")
_CAPABILITIES = "security.capability"
_KEPT_NAMES = {"system.posix_acl_access"}
_SIGNATURES = {"security.ima", "security.evm"}
"""They belong to one content; on another they would be wrong."""

SOURCE_CHANGED = errno.ESTALE
"""The source of a mirrored path is not what the plan saw."""


def prepare(
    place: Place,
    tree: OpenTree,
    after: Entry,
    contents: Callable[[str], bytes],
    source: tuple[OpenTree, str] | None,
    attributes: Attributes,
    *,
    ownership: bool,
) -> None:
    """Make what ``after`` describes at an empty place of a bench.

    Args:
        place: Where.
        tree: What it is made for.
        after: A file, symbolic link or directory.
        contents: Gives the content of a blob.
        source: For a mirrored path: the root's open /etc, and the path in it.
        attributes: Extended attributes for a file.
        ownership: False: owner and group stay those of this process.

    Raises:
        OSError: It could not be made. ESTALE: the source of a mirrored path has changed.
    """
    owner = (after.uid, after.gid) if ownership else None
    match after.kind:
        case Kind.SYMLINK if is_mirrored(after):
            beneath.make_link(encode_path(after.oid.removeprefix(f"{MIRROR}>")), place)
        case Kind.SYMLINK:
            _make_link(contents(after.oid), place)
        case Kind.DIRECTORY:
            prepare_directory(place, after, ownership=ownership)
        case Kind.FILE:
            with beneath.new_file(place, tree.descriptor) as descriptor:
                if source is not None:
                    _copy(source, descriptor, after, ownership=ownership)
                else:
                    beneath.write_all(descriptor, contents(after.oid))
                _finish(descriptor, after.mode, owner, attributes)
        case Kind.OTHER:
            raise OSError(errno.EINVAL, "something of no recordable kind cannot be made")


def prepare_directory(place: Place, after: Entry, *, ownership: bool) -> None:
    """Make the directory that ``after`` describes at an empty place of a bench."""
    beneath.make_directory(place)
    owner = (after.uid, after.gid) if ownership else None
    descriptor = beneath.open_own_directory(place)
    try:
        _finish(descriptor, after.mode, owner, NO_ATTRIBUTES)
    finally:
        os.close(descriptor)


def _make_link(target: bytes, place: Place) -> None:
    if b"\0" in target:
        raise OSError(errno.EINVAL, "the target of a link contains a NUL byte")
    beneath.make_link(target, place)


def _finish(
    descriptor: int, mode: int, owner: tuple[int, int] | None, attributes: Attributes
) -> None:
    """Give a new file its metadata.

    The owner comes first, since a change of owner takes capabilities and setuid away; the mode
    last, since it sets the mask of an ACL.
    """
    if owner is not None:
        os.fchown(descriptor, *owner)
    for name, value in attributes.items():
        _set_attribute(descriptor, name, value)
    os.fchmod(descriptor, mode)


def _set_attribute(descriptor: int, name: str, value: bytes) -> None:
    labelling = name.startswith("security.") and name != _CAPABILITIES
    try:
        with limited_to(LABELLING) if labelling else nullcontext():
            os.setxattr(descriptor, name, value)
    except OSError as error:
        forbidden = error.errno == errno.EPERM and os.geteuid() != 0
        if error.errno not in beneath.NO_ATTRIBUTE and not forbidden:
            raise


def _copy(source: tuple[OpenTree, str], target: int, after: Entry, *, ownership: bool) -> None:
    """Copy a mirrored file piece by piece, its time of modification too.

    Before and after, the source must be what the plan saw.
    """
    tree, path = source
    with tree.place(path) as place:
        descriptor = tree.open_file(place)
    try:
        _expect(descriptor, after, ownership=ownership)
        while chunk := os.read(descriptor, _CHUNK):
            beneath.write_all(target, chunk)
        status = _expect(descriptor, after, ownership=ownership)
    finally:
        os.close(descriptor)
    os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))


def _expect(descriptor: int, after: Entry, *, ownership: bool) -> os.stat_result:
    status = os.fstat(descriptor)
    if mirror_entry(status, ownership=ownership) != after:
        raise OSError(SOURCE_CHANGED, "the root's own file has just changed")
    return status


def kept_attributes(tree: OpenTree, path: str) -> dict[str, bytes]:
    """Return the extended attributes of the file at ``path`` that its successor keeps.

    None where there is no file, or where its file system has none.
    """
    try:
        with tree.place(path) as place:
            descriptor = tree.open_file(place)
    except OSError:
        return {}
    try:
        return {
            name: os.getxattr(descriptor, name)
            for name in os.listxattr(descriptor)
            if name not in _SIGNATURES and (name.startswith(_KEPT_SPACES) or name in _KEPT_NAMES)
        }
    except OSError as error:
        if error.errno in beneath.NO_ATTRIBUTE:
            return {}
        raise
    finally:
        os.close(descriptor)


def change_metadata(descriptor: int, after: Entry, *, ownership: bool) -> None:
    """Give what an ``O_PATH`` descriptor holds its new metadata, in place.

    At no moment is it more permissive than both before and after; when it fails, the mode is as
    before.

    Raises:
        OSError: As chown(2) and chmod(2).
    """
    status = os.fstat(descriptor)
    before = status.st_mode & 0o7777
    if ownership and (status.st_uid, status.st_gid) != (after.uid, after.gid):
        try:
            beneath.change_mode(descriptor, before & after.mode & 0o777)
            beneath.change_owner(descriptor, after.uid, after.gid)
        except OSError:
            beneath.change_mode(descriptor, before)
            raise
    beneath.change_mode(descriptor, after.mode)
