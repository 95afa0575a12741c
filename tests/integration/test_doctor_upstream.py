"""What the doctor finds in the root and its repository."""

import os
import shutil
import subprocess
import time

import pytest
from cluster import git
from doctor_support import finding, findings
from small_root import add_script


@pytest.fixture
def cluster(sound_cluster):
    return sound_cluster


@pytest.mark.parametrize(
    ("release", "name", "tool"),
    [
        ("ID=arch\n", "pacman.conf.pacnew", "chroot {root} pacdiff"),
        ("ID=fedora\n", "a.rpmnew", "chroot {root} rpmconf -a"),
        ('ID="opensuse-leap"\n', "a.rpmnew", "chroot {root} rpmconfigcheck"),
        ("ID=ubuntu\n", "ssh/sshd_config.dpkg-dist", "diff -u {etc}/ssh/sshd_config {etc}/ssh/"),
        ("ID=other\n", "a b.ucf-dist", "diff -u '{etc}/a b' '{etc}/a b.ucf-dist'"),
    ],
)
def test_left_overs_come_with_the_tool_that_merges_them(cluster, release, name, tool):
    (cluster.root / "usr/lib/os-release").write_text(release)
    cluster.settings.write_text(
        cluster.settings.read_text().replace('["base", "arch"]', _packs(release))
    )
    (cluster.etc / name).touch()
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("left-overs", "warning")
    assert found["path"] == name
    assert tool.format(root=cluster.root, etc=cluster.etc) in found["remedy"]
    assert f"`git -C {cluster.etc} add -A && git -C {cluster.etc} commit" in found["remedy"]


def _packs(release):
    names = {"arch": "arch", "fedora": "rhel", "opensuse": "suse", "ubuntu": "debian"}
    pack = next((f', "{pack}"' for word, pack in names.items() if word in release), "")
    return f'["base"{pack}]'


def test_edits_that_nobody_committed_are_noted(cluster):
    (cluster.etc / "motd").write_text("edited\n")
    found = finding(cluster)
    assert (found["check"], found["severity"], found["path"]) == ("edits", "note", "motd")
    assert "upstream.auto_commit" in found["remedy"]
    text = cluster.settings.read_text().replace("[upstream]", "[upstream]\nauto_commit = true")
    cluster.settings.write_text(text)
    assert findings(cluster) == []


def test_a_repository_that_others_can_look_into_is_serious(cluster):
    (cluster.etc / ".git").chmod(0o750)
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("upstream", "serious")
    assert found["remedy"] == f"`chmod 700 {cluster.etc}/.git`"


def test_upstream_that_cannot_be_followed_is_serious(cluster):
    (cluster.etc / ".git/shallow").touch()
    assert "fetch --unshallow" in finding(cluster)["remedy"]
    shutil.rmtree(cluster.etc / ".git")
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("upstream", "serious")
    assert "is not under git" in found["what"]
    assert "etcsync init" in found["remedy"]
    git(cluster.etc, "init", "-q")
    (cluster.etc / ".git").chmod(0o700)
    assert "nothing was committed yet" in finding(cluster)["what"]


def test_a_package_manager_at_work_is_noted_and_one_for_hours_is_a_warning(cluster):
    lock = cluster.root / "var/lib/pacman/db.lck"
    lock.parent.mkdir(parents=True)
    lock.touch()
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("transactions", "note")
    assert "pacman holds" in found["what"]
    then = time.time() - 3 * 3600 - 60
    os.utime(lock, (then, then))
    found = finding(cluster)
    assert found["severity"] == "warning"
    assert "since 3 h" in found["what"]
    assert str(lock) in found["what"]


def test_a_git_that_was_killed_there_is_found(cluster):
    lock = cluster.etc / ".git/index.lock"
    lock.touch()
    os.utime(lock, (0, 0))
    assert finding(cluster)["severity"] == "warning"


def test_etckeeper_that_does_not_keep_the_etc_is_found(cluster):
    add_script(cluster.root, "usr/bin/etckeeper", "exit 0")
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("etckeeper", "warning")
    assert f"`chroot {cluster.root} etckeeper init`" in found["remedy"]
    cluster.write(".etckeeper", "# Last run: never\n")
    assert findings(cluster) == []
    cluster.write("etckeeper/etckeeper.conf", "VCS=bzr\n")
    assert 'VCS="git"' in finding(cluster)["remedy"]


def test_metadata_that_nobody_keeps_is_found(cluster):
    cluster.write(".etckeeper", "maybe chmod 0644 'motd'\n")
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("etckeeper", "warning")
    assert f"Install etckeeper in {cluster.root}" in found["remedy"]


def test_the_root_that_is_not_there_is_said_once(cluster):
    subprocess.run(["mv", cluster.root, cluster.place / "elsewhere"], check=True)
    said = [each["what"] for each in findings(cluster)]
    assert said == [f"{cluster.etc} is not a directory"]


def test_a_secret_that_everybody_can_read_is_serious(cluster):
    cluster.write("munge/munge.key", "verysecret")
    place = cluster.etc / "munge/munge.key"
    place.chmod(0o604)
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("secrets", "serious")
    assert found["path"] == "munge/munge.key"
    assert found["remedy"].startswith(f"`chmod o-rwx {place}`, then `git -C {cluster.etc} add -A")
    assert "verysecret" not in str(found)
    place.chmod(0o640)
    assert findings(cluster) == []
    place.chmod(0o644)
    place.parent.chmod(0o700)
    assert findings(cluster) == []


def test_what_is_secret_by_a_rule_of_ones_own_counts_as_well(cluster):
    cluster.rules.write_text("[[rule]]\npaths = ['/motd']\nsecret = true\n")
    assert finding(cluster)["path"] == "motd"


def test_a_secret_that_reaches_no_client_or_is_gone_is_none_to_speak_of(cluster):
    cluster.write("passwd-", "root:x:0:0::/root:/bin/sh\n")
    cluster.write("munge/munge.key", "verysecret")
    (cluster.etc / "munge/munge.key").unlink()
    assert [each["check"] for each in findings(cluster)] == ["edits"]
    (cluster.etc / "munge").rmdir()
    assert [each["check"] for each in findings(cluster)] == ["edits"]
