"""Bad input: a clear message, the promised exit status, no traceback, nothing half-done."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, fingerprint, git, sample_cluster

from etcsync.reconcile.lock import writer_lock


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=2)


def test_no_settings_file(tmp_path: Path) -> None:
    answer = Cluster(tmp_path).run("status", status=2)
    assert "etcsync.toml" in answer.err
    assert "etcsync init" in answer.err


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_an_error_that_cannot_be_told_keeps_its_exit_status(
    tmp_path: Path, json: tuple[str]
) -> None:
    settings = ("--config", str(tmp_path / "etcsync.toml"))
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "etcsync", *settings, *json, "status"],
            env=CLEAN_ENVIRONMENT, stdout=full, stderr=full, check=False,
        )  # fmt: skip
    assert done.returncode == 2


def test_an_unknown_key_is_named_with_its_place_and_the_nearest(cluster: Cluster) -> None:
    cluster.settings.write_text(cluster.settings.read_text() + "\n[daemon]\nintervall = 5\n")
    answer = cluster.run("sync", status=2)
    assert "intervall" in answer.err
    assert "daemon" in answer.err
    assert "interval" in answer.err.replace("intervall", "")


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "upstream"])
def test_a_client_name_that_cannot_be_one(cluster: Cluster, name: str) -> None:
    before = cluster.settings.read_text()
    cluster.run("client", "add", "--", name, status=2)
    assert cluster.settings.read_text() == before


def test_two_clients_with_one_tree(cluster: Cluster) -> None:
    text = cluster.settings.read_text()
    cluster.settings.write_text(text + '\n[[clients]]\nname = "client0"\n')
    assert "client0" in cluster.run("sync", status=2).err


def test_upstream_is_no_repository(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path, clients=1)
    shutil.move(cluster.etc / ".git", tmp_path / "moved")
    answer = cluster.run("sync", status=3)
    assert "is not under git" in answer.err
    assert "etcsync init" in answer.err


def test_upstream_has_no_commit_yet(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path, clients=1)
    shutil.rmtree(cluster.etc / ".git")
    git(cluster.etc, "init", "-q")
    assert "commit" in cluster.run("sync", status=3).err


def test_a_missing_tree_is_an_error_for_that_client_alone(cluster: Cluster) -> None:
    shutil.move(cluster.tree(0), cluster.place / "unmounted")
    cluster.write("motd", "still alive\n")
    run = cluster.sync(status=3)
    first, second = run["clients"]
    assert first["error"] is not None
    assert first["actions"] == []
    assert (cluster.tree(1) / "motd").read_text() == "still alive\n"
    assert second["error"] is None
    shutil.move(cluster.place / "unmounted", cluster.tree(0))
    cluster.sync()
    assert (cluster.tree(0) / "motd").read_text() == "still alive\n"


def test_an_emptied_tree_is_not_taken_for_a_mass_deletion(cluster: Cluster) -> None:
    shutil.move(cluster.tree(0), cluster.place / "unmounted")
    cluster.tree(0).mkdir()
    head = git(cluster.state / "hub.git", "rev-parse", "client0")
    run = cluster.sync(status=3)
    assert run["clients"][0]["error"] is not None
    assert git(cluster.state / "hub.git", "rev-parse", "client0") == head
    assert list(cluster.tree(0).iterdir()) == []


def test_a_rule_that_ignores_many_files_loses_none(cluster: Cluster) -> None:
    for number in range(30):
        cluster.write(f"many/{number}", f"{number}\n", message="")
    cluster.commit()
    cluster.sync()
    cluster.rules.write_text('[[rule]]\npaths = ["/many/"]\nstrategy = "ignore"\nreason = "x"\n')
    cluster.sync()
    assert len(list((cluster.tree(0) / "many").iterdir())) == 30


def test_a_commit_that_deletes_most_of_upstream_waits_for_confirmation(cluster: Cluster) -> None:
    for path in list(cluster.etc.iterdir()):
        if path.name not in {".git", "hosts", "motd"}:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    cluster.commit("oops")
    answer = cluster.run("sync", status=3)
    assert "--allow-mass-delete" in answer.out + answer.err
    assert (cluster.tree(0) / "locale.conf").exists()
    cluster.sync("--allow-mass-delete")
    assert not (cluster.tree(0) / "locale.conf").exists()


def test_a_rewritten_history_waits_for_confirmation(cluster: Cluster) -> None:
    cluster.write("motd", "first try\n")
    cluster.sync()
    git(cluster.etc, "reset", "-q", "--hard", "HEAD~1")
    cluster.write("motd", "second try\n")
    for command in ("plan", "sync"):
        refused = cluster.run(command, status=3).err
        assert "--accept-rewrite" in refused
        assert "commits gone: 1, new: 1; paths that differ: 1, motd" in refused
    (planned, *_) = cluster.run("plan", "--accept-rewrite", "--json").json["clients"]
    assert [action["path"] for action in planned["actions"]] == ["motd"]
    assert (cluster.tree(0) / "motd").read_text() == "first try\n"
    cluster.sync("--accept-rewrite")
    assert (cluster.tree(0) / "motd").read_text() == "second try\n"


def test_a_corrupted_hub_says_how_to_rebuild_it(cluster: Cluster) -> None:
    cluster.write("motd", "never seen\n")
    for directory, _, names in os.walk(cluster.state / "hub.git/objects"):
        for name in names:
            place = Path(directory, name)
            place.chmod(0o600)
            place.write_bytes(b"rubbish")
    trees = fingerprint(cluster.tree(0), cluster.tree(1))
    answer = cluster.run("sync", status=3)
    assert "etcsync init" in answer.err + answer.out
    assert fingerprint(cluster.tree(0), cluster.tree(1)) == trees

    assert "etcsync init" in cluster.run("status", status=3, wait=30).err

    shutil.move(cluster.state / "hub.git", cluster.place / "broken-hub")
    (cluster.tree(1) / "chrony.conf").write_text("server mine\n")
    cluster.run("init", "--root", str(cluster.root), status=None)
    cluster.sync(status=None)
    assert (cluster.tree(0) / "motd").read_text() != ""
    assert (cluster.tree(1) / "chrony.conf").read_text() == "server mine\n"


def test_a_second_etcsync_waits_and_then_says_who_is_at_work(cluster: Cluster) -> None:
    with writer_lock(str(cluster.state / "lock"), wait=0):
        answer = cluster.run("sync", "--wait", "0.2", status=3)
        assert str(os.getpid()) in answer.err
        assert "--wait" in answer.err
        cluster.run("status")


@pytest.mark.root
def test_a_full_disk_under_the_trees_leaves_the_old_files(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=True)
    try:
        cluster = Cluster(tmp_path)
        cluster.etc.mkdir(parents=True)
        (cluster.etc / "motd").write_text("hello\n")
        git(cluster.etc, "init", "-q")
        cluster.commit("first")
        cluster.settings.write_text(
            f'state_dir = "{cluster.state}"\n[upstream]\nroot = "{cluster.root}"\n'
            f'[trees]\npath = "{small}/etc-{{client}}"\n[exports]\ncommand = []\n'
        )
        cluster.run("init", "--root", str(cluster.root), "--clients", "client0")
        cluster.write("motd", "bye\n", message="")
        cluster.write("large", os.urandom(2 * 1024 * 1024))
        answer = cluster.run("sync", status=3)
        assert "No space left" in answer.out + answer.err
        assert not (small / "etc-client0/large").exists()
        subprocess.run(["mount", "-o", "remount,size=16m", str(small)], check=True)
        cluster.sync()
        assert (small / "etc-client0/large").stat().st_size == 2 * 1024 * 1024
        assert (small / "etc-client0/motd").read_text() == "bye\n"
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


@pytest.mark.root
def test_what_lies_under_a_mount_point_is_not_taken_for_deleted(cluster: Cluster) -> None:
    place = cluster.tree(0) / "ssh"
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], check=True)
    try:
        drift = cluster.status()["client0"]["drift"]
        assert [(each["path"], each["change"]) for each in drift] == [("ssh", "type")]
        assert cluster.sync()["clients"][0]["actions"] == []
        recorded = git(cluster.state / "hub.git", "ls-tree", "-r", "--name-only", "client0")
        assert "ssh/sshd_config" in recorded
        cluster.write("ssh/sshd_config", "Port 2222\n", message="")
        cluster.write("hosts", "127.0.0.1 localhost more\n")
        first, second = cluster.sync(status=1)["clients"]
        assert [conflict["path"] for conflict in first["conflicts"]] == ["ssh/sshd_config"]
        assert first["error"] is None
        assert list(place.iterdir()) == []
        assert (cluster.tree(0) / "hosts").read_text() == "127.0.0.1 localhost more\n"
        assert second["conflicts"] == []
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
    cluster.sync()
    assert (place / "sshd_config").read_text() == "Port 2222\n"


@pytest.mark.parametrize("delay", [0.25, 0.4, 0.5, 0.6, 0.7, 0.9])
def test_killed_at_any_time_the_next_run_finishes(cluster: Cluster, delay: float) -> None:
    (cluster.tree(0) / "hosts").write_text("127.0.0.1 mine\n")
    for number in range(30):
        cluster.write(f"many/{number}", f"{number}\n" * 1000, message="")
    cluster.write("hosts", (cluster.etc / "hosts").read_text() + "192.168.78.2 printer\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "etcsync", "--config", str(cluster.settings), "sync"],
        env=CLEAN_ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        process.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    cluster.sync(status=None)
    assert all(client["actions"] == [] for client in cluster.sync(status=None)["clients"])
    for number in range(30):
        assert (cluster.tree(1) / f"many/{number}").read_text() == f"{number}\n" * 1000
    history = cluster.run("git", "client0", "--", "log", "-p", "--all").out
    assert "127.0.0.1 mine" in history


def test_unknown_clients_and_conflicts(cluster: Cluster) -> None:
    assert "client9" in cluster.run("sync", "client9", status=2).err
    assert "etcsync conflicts" in cluster.run("conflicts", "show", "00000000", status=2).err


def test_only_committed_rules_of_upstreams_own_folder_count(cluster: Cluster) -> None:
    rule = '[[rule]]\npaths = ["/motd"]\nreason = "# ä"\n'
    cluster.write("etcsync/policy.d/README", "no rules", message="")
    cluster.write("etcsync/policy.d/sub/x.toml", "too deep", message="")
    cluster.write("etcsync/policy.d/10-a.toml", rule)
    cluster.write("etcsync/policy.d/20-b.toml", "not committed, and no TOML", message="")
    rules = cluster.run("policy", "list", "--json").json["rules"]
    own = [each for each in rules if each["source"].startswith("upstream")]
    assert [each["source"] for each in own] == ["upstream's etcsync/policy.d/10-a.toml"]
    assert own[0]["sets"]["reason"] == "# ä"


@pytest.mark.parametrize("kind", ["no text", "link"])
def test_a_rule_file_of_upstreams_that_is_a_link_or_no_text_is_refused(
    cluster: Cluster, kind: str
) -> None:
    place = cluster.etc / "etcsync/policy.d/a.toml"
    place.parent.mkdir(parents=True)
    if kind == "link":
        place.symlink_to("/etc/passwd")
    else:
        place.write_bytes(b"# \xff\n")
    cluster.commit()
    before = fingerprint(cluster.tree(0))
    said = "not a regular file" if kind == "link" else "not UTF-8"
    assert said in cluster.run("sync", status=2).err
    assert fingerprint(cluster.tree(0)) == before
