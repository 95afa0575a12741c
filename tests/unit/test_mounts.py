"""What mountinfo tells."""

import pytest

from etcsync.host.mounts import (
    Mount,
    is_remote,
    mount_of,
    mounted_on,
    overlay_layers,
    parse_mounts,
    shows,
)

OPTIONS = "rw,lowerdir=/a:/b\\134:c,upperdir=/u\\040p,workdir=/w"
LINES = (
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n",
    "30 21 0:40 / /srv/etc\\040one rw,nosuid shared:5 master:1 - xfs /dev/sdb1 rw,attr2\n",
    f"31 21 0:41 / /srv/merged rw - overlay none {OPTIONS}\n",
    "32 30 0:42 / /srv/etc\\040one rw - tmpfs none rw\n",
)


def mounts() -> list[Mount]:
    return list(parse_mounts(LINES))


def test_mounts_are_read_with_their_odd_names() -> None:
    assert [(each.point, each.kind) for each in mounts()] == [
        ("/", "ext4"),
        ("/srv/etc one", "xfs"),
        ("/srv/merged", "overlay"),
        ("/srv/etc one", "tmpfs"),
    ]


def test_a_path_lies_on_the_nearest_mount_and_the_latest_there() -> None:
    for path, kind in (
        ("/srv", "ext4"),
        ("/srv/etc one", "tmpfs"),
        ("/srv/etc one/hosts", "tmpfs"),
        ("/srv/etc one more", "ext4"),
    ):
        found = mount_of(path, mounts())
        assert found is not None
        assert found.kind == kind
    assert mount_of("/srv", []) is None


def test_the_layers_of_an_overlay_are_told_apart() -> None:
    assert [overlay_layers(each) for each in mounts()] == [(), (), ("/a", "/b:c", "/u p"), ()]
    newer = Mount("/m", "overlay", "rw,lowerdir+=/a,datadir+=/d\\,e,workdir=/w")
    assert overlay_layers(newer) == ("/a", "/d,e")


BOUND = """\
29 1 8:1 / / rw - ext4 /dev/sda1 rw
40 29 8:2 / /srv/root rw - ext4 /dev/sda2 rw
41 29 8:2 /boot /srv/clientboot rw - ext4 /dev/sda2 rw
42 29 8:2 /other /srv/second rw - ext4 /dev/sda2 rw
43 42 8:3 / /srv/second rw - ext4 /dev/sda3 rw
"""


def test_a_bind_mount_is_known_by_device_and_directory() -> None:
    mounts = tuple(parse_mounts(BOUND.splitlines()))
    right = mounted_on("/srv/clientboot", mounts)
    assert right is not None
    assert shows(right, "/srv/root/boot", mounts)
    assert not shows(right, "/srv/root/other", mounts)
    assert not shows(right, "/boot", mounts), "the same path on another file system"
    covered = mounted_on("/srv/second", mounts)
    assert covered is not None
    assert not shows(covered, "/srv/root/other", mounts), "something else covers it"
    assert mounted_on("/srv/clientboot/below", mounts) is None


@pytest.mark.parametrize(
    ("kind", "remote"),
    [("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("ext4", False), ("fuseblk", False)],
)
def test_file_systems_that_others_write_to_are_known(kind: str, remote: bool) -> None:
    assert is_remote(Mount("/srv", kind, "rw")) is remote
