"""What the doctor finds in the clients' trees, whatever a client put there."""

import os
import shutil
import time

import pytest
from doctor_support import finding, findings

PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nverysecret\n"


@pytest.fixture
def cluster(sound_cluster):
    return sound_cluster


def put(place, text):
    place.parent.mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    place.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_a_tree_that_is_gone_or_empty_is_serious(cluster):
    shutil.rmtree(cluster.tree(0))
    for item in cluster.tree(1).iterdir():
        shutil.rmtree(item) if item.is_dir() else item.unlink()
    gone, empty = findings(cluster)[:2]
    assert (gone["check"], gone["severity"], gone["client"]) == ("trees", "serious", "client0")
    assert f"{cluster.tree(0)} is missing" in gone["what"]
    assert "`etcsync client add client0`" in gone["remedy"]
    assert empty["client"] == "client1"
    assert "is empty" in empty["what"]


@pytest.mark.parametrize("kind", ["link", "file"])
def test_something_else_than_a_directory_is_serious(cluster, kind):
    cluster.tree(0).rename(cluster.place / "elsewhere")
    if kind == "link":
        cluster.tree(0).symlink_to(cluster.place / "elsewhere")
    else:
        cluster.tree(0).touch()
    found = finding(cluster)
    assert (found["client"], found["severity"]) == ("client0", "serious")
    assert "symbolic link" in found["what"]


@pytest.mark.parametrize("kind", ["other", "fifo", "directory", "link", "none"])
def test_a_gitfile_that_leads_elsewhere_is_a_warning(cluster, kind):
    place = cluster.tree(1) / ".git"
    content = place.read_text()
    place.unlink()
    if kind == "other":
        place.write_text("gitdir: /evil\n")
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "directory":
        place.mkdir()
        (place / "HEAD").touch()
    elif kind == "link":
        (cluster.place / "same").write_text(content)
        place.symlink_to(cluster.place / "same")
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("trees", "warning")
    assert (found["client"], found["path"]) == ("client1", ".git")
    assert "`etcsync sync client1`" in found["remedy"]
    cluster.sync()
    assert findings(cluster) == []


def test_a_tree_that_everyone_can_write_is_serious(cluster):
    cluster.tree(0).chmod(0o777)
    found = finding(cluster)
    assert (found["client"], found["severity"]) == ("client0", "serious")
    assert f"chmod go-w {cluster.tree(0)}" in found["remedy"]


def test_machine_ids_that_two_clients_share_are_found(cluster):
    for number in (0, 1):
        put(cluster.tree(number) / "machine-id", "0123456789abcdef0123456789abcdef\n")
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("identities", "warning")
    assert "client0 and client1 have the same machine id (machine-id)" in found["what"]
    assert "systemd-id128 new" in found["remedy"]
    assert "0123456789abcdef" not in str(found)


def test_the_roots_identities_are_no_clients(cluster):
    put(cluster.etc / "machine-id", (cluster.tree(1) / "machine-id").read_bytes())
    found = next(each for each in findings(cluster) if each["check"] == "identities")
    assert "the root and client1 have the same machine id" in found["what"]
    assert found["client"] == "client1"
    assert found["remedy"].startswith("On each client: ")


@pytest.mark.parametrize("kind", ["none", "empty", "uninitialized", "fifo", "link", "huge"])
def test_a_client_without_a_machine_id_is_found(cluster, kind):
    place = cluster.tree(0) / "machine-id"
    place.unlink()
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to("/etc/machine-id")
    elif kind != "none":
        text = {"empty": "", "uninitialized": "uninitialized\n", "huge": "a" * 100_000}
        place.write_text(text[kind])
    found = finding(cluster)
    assert found["client"] == "client0"
    assert "no machine id" in found["what"]
    assert "systemd-machine-id-setup" in found["remedy"]


@pytest.mark.parametrize(
    ("path", "one", "other", "renew"),
    [
        ("ssh/ssh_host_rsa_key.pub", "ssh-rsa AAAA a@b\n", "ssh-rsa AAAA c@d\n", "ssh-keygen -A"),
        ("hostid", b"\x01\x02\x03\x04", b"\x01\x02\x03\x04", "zgenhostid"),
        (
            "iscsi/initiatorname.iscsi",
            "## made here\nInitiatorName=iqn.2004-10.org:01\n",
            "InitiatorName=iqn.2004-10.org:01",
            "iscsi-iname",
        ),
        ("nvme/hostnqn", "nqn.2014-08.org:1\n", "nqn.2014-08.org:1", "gen-hostnqn"),
        ("nvme/hostid", "a-b-c\n", "a-b-c\n", "uuidgen"),
    ],
)
def test_other_identities_must_differ_as_well(cluster, path, one, other, renew):
    put(cluster.tree(0) / path, one)
    put(cluster.tree(1) / path, other)
    found = finding(cluster)
    assert (found["check"], found["path"]) == ("identities", path)
    assert renew in found["remedy"]
    different = other.replace(b"\x01", b"\x02") if isinstance(other, bytes) else f"{other.strip()}2"
    put(
        cluster.tree(1) / path,
        different.replace(" c@d2", "2 c@d") if path[:3] == "ssh" else different,
    )
    assert findings(cluster) == []


def test_only_public_keys_are_compared_and_nothing_of_them_is_shown(cluster):
    for number in (0, 1):
        put(cluster.tree(number) / "ssh/ssh_host_ed25519_key", PRIVATE)
        put(cluster.tree(number) / "ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAAC3Nz x\n")
        put(cluster.tree(number) / "ssh/ssh_host_rsa_key.pub", "ssh-rsa AAAAB3Nz x\n")
    found = finding(cluster)
    assert "(ssh/ssh_host_ed25519_key.pub and ssh/ssh_host_rsa_key.pub)" in found["what"]
    assert "verysecret" not in str(found)
    assert "AAAA" not in str(found)


def test_a_tree_is_never_left_by_a_link(cluster):
    outside = cluster.place / "outside"
    put(outside / "ssh_host_rsa_key.pub", "ssh-rsa AAAA\n")
    for number in (0, 1):
        shutil.rmtree(cluster.tree(number) / "ssh")
        (cluster.tree(number) / "ssh").symlink_to(outside)
    assert findings(cluster) == []


def test_what_was_changed_in_the_future_tells_of_a_clock_that_is_ahead(cluster):
    place = cluster.tree(1) / "motd"
    os.utime(place, (0, time.time() + 60))
    assert findings(cluster) == []
    os.utime(place, (0, 3786912000))
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("clients' clocks", "warning")
    assert (found["client"], found["path"]) == ("client1", "motd")
    assert "2090-01-01 00:00 " in found["what"]
    assert "timedatectl" in found["remedy"]


@pytest.mark.parametrize("folder", ["multi-user.target.wants", "timers.target.wants"])
def test_a_timer_of_etckeeper_in_trees_is_noted(cluster, folder):
    for number in (0, 1):
        link = cluster.tree(number) / "systemd/system" / folder / "etckeeper.timer"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("/lib/systemd/system/etckeeper.timer")
    found = finding(cluster)
    assert (found["check"], found["severity"], found["client"]) == ("daily commits", "note", None)
    assert "client0 and client1" in found["what"]
    assert f"`chroot {cluster.root} systemctl disable etckeeper.timer`" in found["remedy"]


def test_a_daily_job_of_etckeeper_is_noted_unless_it_is_switched_off(cluster):
    put(cluster.tree(0) / "cron.daily/etckeeper", "#!/bin/sh\n")
    put(cluster.tree(0) / "etckeeper/etckeeper.conf", "#AVOID_DAILY_AUTOCOMMITS=1\n")
    found = finding(cluster)
    assert (found["check"], found["client"]) == ("daily commits", "client0")
    assert "AVOID_DAILY_AUTOCOMMITS=1 >>" in found["remedy"]
    put(cluster.tree(0) / "etckeeper/etckeeper.conf", "VCS=git\nAVOID_DAILY_AUTOCOMMITS=1\n")
    assert findings(cluster) == []
