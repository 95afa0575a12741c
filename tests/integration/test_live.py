"""What is taken from the root's live /etc."""

import os

import pytest
from tree_support import AS_ROOT, mirror_source, take

from etcsync.entries import Kind
from etcsync.policy.treatment import Strategy
from etcsync.tree.live import left_overs, metadata_of, walk_live

STRATEGIES = {"ld.so.cache": Strategy.MIRROR, "mtab": Strategy.MIRROR, "udev": Strategy.MIRROR}


@pytest.fixture
def etc(tmp_path):
    (tmp_path / ".gitignore").write_text("ld.so.cache\nmtab\nhwdb.bin\n")
    (tmp_path / "ld.so.cache").write_bytes(b"cache")
    (tmp_path / "mtab").symlink_to("../proc/self/mounts")
    (tmp_path / "udev").mkdir(0o750)
    with (tmp_path / "udev" / "hwdb.bin").open("wb") as file:
        file.truncate(12 * 2**20)
    (tmp_path / "udev" / "tracked").write_text("tracked")
    os.mkfifo(tmp_path / "udev" / "fifo")
    (tmp_path / "motd").touch(0o600)
    return tmp_path


def test_mirrored_paths_that_no_commit_has_are_listed_without_being_read(etc):
    found = mirror_source(etc, STRATEGIES, {"udev/tracked"})
    assert found.keys() == {"ld.so.cache", "mtab", "udev", "udev/hwdb.bin"}
    assert found["udev/hwdb.bin"].oid.startswith("mirror:12582912:")


def test_they_compare_with_what_a_client_has(etc):
    source = mirror_source(etc, STRATEGIES)
    assert source.items() <= take(etc, strategies=STRATEGIES).mirrored.items()


def test_metadata_of_all_that_stands_there(etc):
    found = metadata_of(walk_live(str(etc)), ownership=AS_ROOT)
    assert found["motd"] == (0o600, 0, 0, Kind.FILE)
    assert found["udev"].mode == 0o750
    assert {".", "ld.so.cache", "udev/hwdb.bin"} <= found.keys()
    assert "mtab" not in found


def test_left_overs_of_package_managers_are_found_wherever_they_lie(etc):
    (etc / ".gitignore").write_text("*.pacnew\nhidden/\n")
    names = {
        "pacman.conf.pacnew", "a.pacsave", "a.pacsave.12", "a.pacorig", "ssh/sshd_config.dpkg-dist",
        "ssh/sshd_config.ucf-old", "b.rpmnew", "hidden/b.rpmsave", "b.rpmorig",
    }  # fmt: skip
    for name in names | {"dpkg/dpkg.cfg", "a.pacnewer", "rpmnew", ".git/a.pacnew"}:
        (etc / name).parent.mkdir(exist_ok=True)
        (etc / name).touch()
    (etc / "d.dpkg-new").mkdir()
    assert set(left_overs(walk_live(str(etc)))) == names
