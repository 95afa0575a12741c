"""What the doctor finds on the machine: git, the kernel, programs, rights, file systems."""

import os
import subprocess

import pytest
from doctor_support import build_sound_cluster, finding, findings

from etcsync import system_calls
from etcsync.config import load_settings
from etcsync.doctor import file_systems, machine, settings
from etcsync.doctor.facts import Facts
from etcsync.errors import SettingsError
from etcsync.host.mounts import parse_mounts
from etcsync.hub.git import MINIMUM_VERSION, git_version


@pytest.fixture
def cluster(sound_cluster):
    return sound_cluster


def facts():
    def none():
        raise SettingsError("none")

    return Facts(none)


def mounted(cluster, *lines):
    """Return the facts of a cluster on other mounts than there are."""
    found = Facts(lambda: load_settings(str(cluster.settings)))
    found.mounts = tuple(parse_mounts(f"1 1 0:1 / {point} rw - {rest}" for point, rest in lines))
    return found


def put_git(place, monkeypatch, text):
    (place / "git").write_text(f"#!/bin/sh\necho '{text}'\n")
    (place / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")


def test_this_machine_will_do():
    for check in (machine.git, machine.kernel, machine.programs):
        assert list(check(facts())) == []
    assert git_version() >= MINIMUM_VERSION


@pytest.mark.parametrize("text", ["git version 2.30.9", "git version 2.9.5.rc1"])
def test_an_old_git_is_serious(tmp_path, monkeypatch, text):
    put_git(tmp_path, monkeypatch, text)
    (found,) = machine.git(facts())
    assert found.severity == "serious"
    assert found.remedy == "Install git 2.31 or newer."


def test_a_git_of_a_vendor_is_understood(tmp_path, monkeypatch):
    put_git(tmp_path, monkeypatch, "git version 2.47.1.windows.1")
    assert git_version() == (2, 47, 1)


def test_a_kernel_without_the_calls_is_told_from_a_file_system_without_them(monkeypatch):
    def refusing(number):
        def call(*_):
            raise OSError(number, os.strerror(number))

        return call

    monkeypatch.setattr(machine, "renameat2", refusing(22))
    assert list(machine.kernel(facts())) == []
    monkeypatch.setattr(machine, "renameat2", refusing(38))
    monkeypatch.setattr(system_calls, "has_openat2", lambda: False)
    older, oldest = machine.kernel(facts())
    assert (older.severity, oldest.severity) == ("note", "serious")
    assert "Linux 5.6" in older.remedy


def test_missing_programs_are_named_with_their_packages(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "SEARCH_PATH", str(tmp_path))
    assert [each.remedy for each in machine.programs(facts())] == [
        "Install the package coreutils.",
        "Install the package util-linux.",
    ]


@pytest.mark.root
def test_without_root_there_is_a_note():
    assert list(machine.rights(facts())) == []
    os.seteuid(65534)
    try:
        (found,) = machine.rights(facts())
    finally:
        os.seteuid(0)
    assert found.severity == "note"


def test_a_clock_behind_what_was_recorded_is_found(cluster):
    hub = cluster.state / "hub.git"
    run = ["git", "-C", str(hub), "-c", "user.name=a", "-c", "user.email=a@b"]
    made = subprocess.run(
        [*run, "commit-tree", "-m", "later", "upstream^{tree}"],
        env={**os.environ, "GIT_COMMITTER_DATE": "2090-01-02T03:04:05Z"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    subprocess.run([*run, "update-ref", "refs/heads/client0", made], check=True)
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("clock", "warning")
    assert "2090-01-02 03:04" in found["what"]
    assert "timedatectl" in found["remedy"]


def test_a_state_directory_on_the_network_is_found(cluster):
    local, remote = ("/", "ext4 /dev/sda1 rw"), (cluster.place, "nfs4 server:/state rw")
    assert list(settings.state_directory(mounted(cluster, local))) == []
    (found,) = settings.state_directory(mounted(cluster, local, remote))
    assert found.severity == "warning"
    assert "cp -a" in found.remedy


def test_trees_must_lie_where_files_can_be_exchanged(cluster):
    assert list(file_systems.exchange(mounted(cluster, ("/", "xfs /dev/sda1 rw")))) == []
    (cannot,) = file_systems.exchange(mounted(cluster, ("/", "nfs4 server:/srv rw")))
    assert cannot.severity == "serious"
    assert "client0 and client1 lie on nfs4" in cannot.what
    other = (cluster.tree(1), "zfs tank rw")
    (unknown,) = file_systems.exchange(mounted(cluster, ("/", "ext4 /dev/sda1 rw"), other))
    assert unknown.severity == "note"
    assert "client1 lie on zfs" in unknown.what


@pytest.mark.root
def test_a_tree_that_is_a_mount_of_its_own_is_noted_and_a_full_one_is_found(cluster, mounted_tmpfs):
    cluster.tree("client2").mkdir()
    mounted_tmpfs(cluster.tree("client2"), "4M")
    cluster.run("client", "add", "client2")
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("benches", "note")
    assert "client2" in found["what"]
    free = os.statvfs(cluster.tree("client2")).f_bavail * 4096
    (cluster.tree("client2") / "big").write_bytes(bytes(free - 64 * 1024))
    _, full = findings(cluster)
    assert (full["check"], full["severity"]) == ("room", "warning")
    assert full["path"] == str(cluster.tree("client2"))
    assert "only 64 KiB free" in full["what"]


@pytest.mark.root
def test_room_for_files_counts_as_well(tmp_path, mounted_tmpfs):
    mounted_tmpfs(tmp_path, "50M", "nr_inodes=1500")
    cluster = build_sound_cluster(tmp_path)
    assert findings(cluster) == []
    spare = os.statvfs(tmp_path).f_favail
    for number in range(spare - 100):
        (tmp_path / f"file{number}").touch()
    assert "room for only 100 more files" in finding(cluster)["what"]


@pytest.mark.root
@pytest.mark.parametrize("layer", ["etc-client0", "."])
def test_a_tree_under_an_overlay_is_serious(tmp_path, mounted_tmpfs, layer):
    (tmp_path / "space").mkdir()
    mounted_tmpfs(tmp_path / "space", "50M")
    (tmp_path / "space/srv").mkdir()
    cluster = build_sound_cluster(tmp_path / "space/srv")
    below = cluster.place / layer
    merged, upper, work = (tmp_path / "space/over" / name for name in ("merged", "upper", "work"))
    for place in (merged, upper, work):
        place.mkdir(parents=True)
    options = f"lowerdir={below},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "none", merged], check=True)
    try:
        found = findings(cluster)
    finally:
        subprocess.run(["umount", str(merged)], check=True)
    first = next(each for each in found if each["client"] == "client0")
    assert (first["check"], first["severity"]) == ("overlays", "serious")
    assert first["what"].startswith(f"{cluster.tree(0)} is a layer of the overlay at {merged}")
    assert f"`umount {merged}`" in first["remedy"]
    expected = {"client0"} if layer != "." else {"client0", "client1", None}
    assert {each["client"] for each in found} == expected
    assert findings(cluster) == []
