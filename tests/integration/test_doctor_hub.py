"""What the doctor finds in the hub, in its records, and beside the trees."""

import os
import subprocess
import time

import pytest
from cluster import IDENTITY, git
from doctor_support import finding, findings
from small_root import add_script

from etcsync.hub.git import GitTimeoutError
from etcsync.hub.integrity import missing_objects


@pytest.fixture
def cluster(sound_cluster):
    return sound_cluster


def hub(cluster):
    return cluster.state / "hub.git"


def test_a_hub_that_others_can_look_into_is_serious(cluster):
    hub(cluster).chmod(0o755)
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("hub", "serious")
    assert found["remedy"] == f"`chmod 700 {hub(cluster)}`"
    hub(cluster).chmod(0o700)
    cluster.state.chmod(0o710)
    assert finding(cluster)["remedy"] == f"`chmod 700 {cluster.state}`"


@pytest.mark.root
def test_a_hub_that_belongs_to_another_user_is_serious(cluster):
    os.chown(hub(cluster), 1234, 1234)
    found = finding(cluster)
    assert "uid 1234" in found["what"]
    assert found["remedy"] == f"`chown root:root {hub(cluster)}`"


def test_attributes_that_let_a_tree_have_its_say_are_serious(cluster):
    (hub(cluster) / "info/attributes").write_text("* merge=union\n")
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("hub", "serious")
    cluster.run("init")
    assert findings(cluster) == []
    (hub(cluster) / "info/attributes").unlink()
    assert finding(cluster)["severity"] == "serious"


def test_a_lock_of_a_killed_git_is_noted_once_it_is_old(cluster):
    lock = hub(cluster) / "packed-refs.lock"
    lock.touch()
    assert findings(cluster) == []
    os.utime(lock, (0, 0))
    assert (finding(cluster)["severity"], finding(cluster)["path"]) == ("note", str(lock))


def test_a_commit_that_is_missing_is_serious(cluster):
    packed = hub(cluster) / "packed-refs"
    packed.write_text(packed.read_text() + f"{'1' * 40} refs/heads/zzz\n")
    first = next(each for each in findings(cluster) if each["check"] == "hub's objects")
    assert first["severity"] == "serious"
    assert "refs/heads/zzz: the commit is missing" in first["what"]
    assert "etcsync init" in first["remedy"]


def test_a_content_that_is_missing_from_history_is_serious(cluster):
    listing = f"100644 blob {'2' * 40}\tlost\n"
    tree = subprocess.run(
        ["git", "-C", hub(cluster), "mktree", "--missing"],
        input=listing,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    commit = git(hub(cluster), *IDENTITY, "commit-tree", "-m", "holed", tree).strip()
    git(hub(cluster), "update-ref", "refs/heads/holed", commit)
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("hub's objects", "serious")
    assert "2" * 40 in found["what"]


def test_the_search_for_missing_objects_ends_in_time(cluster, tmp_path, monkeypatch):
    assert missing_objects(str(hub(cluster)), limit=60) is None
    add_script(tmp_path, "slow/git", "exec sleep 60")
    monkeypatch.setenv("PATH", f"{tmp_path}/slow:{os.environ['PATH']}")
    with pytest.raises(GitTimeoutError):
        missing_objects(str(hub(cluster)), limit=0.2)


def test_a_client_that_was_never_set_up_is_a_warning(cluster):
    cluster.settings.write_text(cluster.settings.read_text() + '[[clients]]\nname = "client7"\n')
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("records", "warning")
    assert found["client"] == "client7"
    assert "etcsync init" in found["remedy"]
    cluster.run("init")
    assert findings(cluster) == []


def test_a_client_that_was_removed_is_no_finding(cluster):
    cluster.write("motd", "new\n")
    cluster.sync()
    benches = set((cluster.place / ".etcsync").iterdir())
    cluster.run("client", "remove", "client1")
    assert findings(cluster) == []
    assert benches - set((cluster.place / ".etcsync").iterdir()) == {
        cluster.place / ".etcsync/client1"
    }


def test_a_client_whose_history_is_lost_is_serious(cluster):
    git(hub(cluster), "update-ref", "-d", "refs/heads/client1")
    found = finding(cluster)
    assert (found["client"], found["severity"]) == ("client1", "serious")


def test_a_run_that_was_cut_off_is_noted(cluster):
    git(hub(cluster), "update-ref", "refs/etcsync/pending/client1", "refs/heads/client1")
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("records", "note")
    assert found["client"] == "client1"
    assert "`etcsync sync client1`" in found["remedy"]


def test_what_was_left_in_the_staging_directory_is_noted(cluster):
    staging = cluster.place / ".etcsync"
    (staging / "client0").mkdir(parents=True, exist_ok=True)
    (staging / "client0/journal").touch()
    (staging / "former").mkdir()
    (staging / "former/000001").touch()
    (staging / "client1").mkdir(exist_ok=True)
    staging.chmod(0o700)
    own, other = findings(cluster)
    assert {own["severity"], other["severity"]} == {"note"}
    assert (own["check"], own["client"]) == ("staging", "client0")
    assert "`etcsync sync client0`" in own["remedy"]
    assert "former" in other["what"]


def test_a_staging_directory_that_others_can_look_into_is_serious(cluster):
    staging = cluster.place / ".etcsync"
    staging.mkdir(exist_ok=True)
    staging.chmod(0o755)
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("staging", "serious")


def test_a_file_in_the_place_of_the_reports_is_a_warning(cluster):
    reports = cluster.state / "reports"
    subprocess.run(["rm", "-rf", reports], check=True)
    assert findings(cluster) == []
    reports.touch()
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("reports", "warning")


def test_the_doctor_does_not_wait_for_a_writer(cluster):
    lock = cluster.state / "lock"
    with subprocess.Popen(["flock", lock, "sleep", "20"]) as holder:
        time.sleep(0.3)
        started = time.monotonic()
        assert findings(cluster) == []
        assert time.monotonic() - started < 10
        subprocess.run(["pkill", "-P", str(holder.pid)], check=False)
        holder.kill()
