"""The daemon over a sample cluster, as a service manager runs it."""

import fcntl
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from cluster import Cluster, fingerprint, git, sample_cluster
from daemon_support import (
    SETTLE,
    author,
    daemon_settings,
    eventually,
    everywhere,
    recorded,
    running,
)
from plan_support import blob


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, extra=daemon_settings())


def test_a_commit_reaches_all_trees_and_the_daemon_does_not_follow_itself(cluster):
    with running(cluster) as daemon:
        cluster.write("motd", "news\n")
        assert eventually(lambda: everywhere(cluster, "motd", "news\n")) > SETTLE / 2
        daemon.rests()
        passes = [made["why"] for made in daemon.passes()]
        assert passes[:2] == ["start", "upstream"]
        assert len(passes) <= 3, "at most one more look at what was written"


def test_several_commits_in_a_row_are_one_pass(cluster):
    with running(cluster) as daemon:
        for number in range(4):
            cluster.write("motd", f"{number}\n")
        eventually(lambda: everywhere(cluster, "motd", "3\n"))
        assert len(daemon.passes(why="upstream")) <= 2


def test_an_edit_in_a_tree_is_recorded_with_the_client_as_author(cluster):
    with running(cluster) as daemon:
        (cluster.tree(1) / "motd").write_text("mine\n")
        eventually(lambda: recorded(cluster, "client1", "motd") == "mine\n")
        assert author(cluster, "client1") == "client1"
        daemon.rests()
        assert {made["clients"] for made in daemon.passes(why="client")} == {1}
        assert len(daemon.passes(why="client")) == 1


def test_directories_that_appear_are_watched_too(cluster):
    with running(cluster) as daemon:
        place = cluster.tree(0) / "new" / "deep"
        place.mkdir(parents=True)
        (place / "one").write_text("1\n")
        eventually(lambda: recorded(cluster, "client0", "new/deep/one") == "1\n")
        daemon.rests()
        (place / "one").write_text("2\n")
        eventually(lambda: recorded(cluster, "client0", "new/deep/one") == "2\n")
        place.parent.rename(cluster.tree(0) / "moved")
        eventually(lambda: recorded(cluster, "client0", "moved/deep/one") == "2\n")
        daemon.rests()
        (cluster.tree(0) / "moved" / "deep" / "one").write_text("3\n")
        eventually(lambda: recorded(cluster, "client0", "moved/deep/one") == "3\n")


def test_an_edit_beside_a_pass_is_heard_also_in_a_directory_that_it_has_just_made(cluster):
    place, other = (cluster.tree(1) / path for path in ("new.d/greeting", "motd"))
    with running(cluster):
        cluster.write("new.d/greeting", "hello\n", message="")
        cluster.write("motd", "news\n")
        while not place.exists() or other.read_text() != "news\n":
            time.sleep(0.0005)
        place.write_text("good day\n")
        other.write_text("my own news\n")
        eventually(lambda: recorded(cluster, "client1", "new.d/greeting") == "good day\n")
        eventually(lambda: recorded(cluster, "client1", "motd") == "my own news\n")


def test_a_change_of_mode_is_heard(cluster):
    with running(cluster):
        (cluster.tree(0) / "motd").chmod(0o755)
        eventually(
            lambda: "maybe chmod 0755 'motd'" in (recorded(cluster, "client0", ".etckeeper") or "")
        )


def test_a_client_that_keeps_writing_is_recorded_all_the_same(cluster):
    with running(cluster) as daemon:
        place = cluster.tree(2) / "busy"
        number = 0
        until = time.monotonic() + 6 * SETTLE + 10 * SETTLE
        while time.monotonic() < until:
            place.write_text(f"{number}\n")
            number += 1
            time.sleep(SETTLE / 10)
        assert recorded(cluster, "client2", "busy") is not None
        assert len(daemon.passes(why="client")) <= 4, "many edits are few passes"
        eventually(lambda: recorded(cluster, "client2", "busy") == f"{number - 1}\n")


def test_ten_thousand_edits_in_one_burst_are_few_commits_and_none_is_lost(cluster):
    places = [cluster.tree(0) / "burst" / f"file-{number}" for number in range(5000)]
    hub = cluster.state / "hub.git"
    wanted = {f"burst/{place.name}": blob(f"second {place.name}\n".encode()) for place in places}

    def kept() -> dict[str, str]:
        lines = git(hub, "ls-tree", "-r", "client0", "burst/").splitlines()
        return {path: oid for _, _, oid, path in (line.split() for line in lines)}

    with running(cluster):
        before = int(git(hub, "rev-list", "--count", "client0"))
        places[0].parent.mkdir()
        for turn in ("first", "second"):
            for place in places:
                place.write_text(f"{turn} {place.name}\n")
        eventually(lambda: kept() == wanted, within=60)
        assert int(git(hub, "rev-list", "--count", "client0")) <= before + 5
    assert cluster.status()["client0"]["state"] == "drifted"


def test_a_tree_that_is_moved_away_and_comes_back_is_watched_again(cluster, tmp_path):
    tree, aside = cluster.tree(1), tmp_path / "aside"
    with running(cluster) as daemon:
        tree.rename(aside)
        eventually(lambda: daemon.said("client failed", client="client1"))
        cluster.write("motd", "news\n")
        eventually(lambda: (cluster.tree(0) / "motd").read_text() == "news\n")
        aside.rename(tree)
        eventually(lambda: everywhere(cluster, "motd", "news\n"))
        daemon.rests()
        (tree / "motd").write_text("mine\n")
        eventually(lambda: recorded(cluster, "client1", "motd") == "mine\n")


def test_a_tree_that_is_replaced_by_a_copy_is_watched_anew(cluster, tmp_path):
    tree = cluster.tree(1)
    with running(cluster) as daemon:
        shutil.copytree(tree, tmp_path / "copy", symlinks=True)
        tree.rename(tmp_path / "aside")
        (tmp_path / "copy").rename(tree)
        eventually(lambda: daemon.said("tree was replaced", client="client1"))
        daemon.rests()
        (tree / "motd").write_text("mine\n")
        eventually(lambda: recorded(cluster, "client1", "motd") == "mine\n")


def test_links_in_a_tree_are_not_followed_by_the_watchers(cluster, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (cluster.tree(0) / "way-out").symlink_to(outside)
    with running(cluster) as daemon:
        daemon.rests()
        count = len(daemon.passes())
        (outside / "file").write_text("not in any tree\n")
        daemon.rests()
        assert len(daemon.passes()) == count


def test_it_rests_when_nothing_happens_and_writes_nothing(cluster):
    with running(cluster) as daemon:
        daemon.rests()
        count = len(daemon.passes())
        before = fingerprint(cluster.root, cluster.state, *map(cluster.tree, range(3)))
        time.sleep(3)
        assert fingerprint(cluster.root, cluster.state, *map(cluster.tree, range(3))) == before
        assert len(daemon.passes()) == count


def test_the_full_reconciliation_comes_at_every_interval(tmp_path):
    cluster = sample_cluster(tmp_path, extra=daemon_settings("500ms"))
    with running(cluster) as daemon:
        eventually(lambda: len(daemon.passes(why="interval", clients=3)) > 2)
        assert not daemon.said("recorded", why="interval")


def test_one_clients_failure_holds_up_nobody_and_is_tried_again(cluster, tmp_path):
    cluster.tree(0).rename(tmp_path / "aside")
    with running(cluster) as daemon:
        cluster.write("motd", "news\n")
        eventually(lambda: (cluster.tree(2) / "motd").read_text() == "news\n")
        eventually(lambda: len(daemon.passes(why="retry", clients=1)) > 1)
        (tmp_path / "aside").rename(cluster.tree(0))
        eventually(lambda: everywhere(cluster, "motd", "news\n"))


def test_a_client_that_overwrites_what_is_put_back_ends_with_the_path_held(cluster):
    mine = "[options]\n# as a program on the client wants it\n"
    place = cluster.tree(1) / "pacman.conf"
    theirs = (cluster.etc / "pacman.conf").read_text()

    def held():
        if place.read_text() == theirs:
            place.write_text(mine)
        return cluster.status()["client1"]["conflicts"]

    with running(cluster) as daemon:
        eventually(held, within=120)
        (conflict,) = held()
        assert (conflict["path"], conflict["reason"]) == ("pacman.conf", "contested")
        assert "client1 and upstream" in conflict["detail"]
        daemon.rests()
        count = len(daemon.passes())
        assert place.read_text() == mine
        assert cluster.sync("client1", status=1)["clients"][0]["actions"] == []
        place.write_text(mine + "# and again\n")
        eventually(lambda: recorded(cluster, "client1", "pacman.conf") == mine + "# and again\n")
        assert held() == [conflict], "whatever the client writes, it is the same conflict"
        assert len(daemon.passes()) <= count + 2
        cluster.run("resolve", conflict["id"], "--upstream")
        assert not cluster.status()["client1"]["conflicts"]
        assert place.read_text() == theirs


def test_killed_in_a_fan_out_it_goes_on_where_it_was(cluster):
    for number in range(6):
        with running(cluster) as daemon:
            cluster.write("motd", f"{number}\n")
            eventually(lambda: daemon.said("fetched upstream"))
            time.sleep(number * 0.02)
            daemon.process.kill()
            daemon.process.wait()
    with running(cluster):
        eventually(lambda: everywhere(cluster, "motd", "5\n"))
    assert {c["state"] for c in cluster.status().values()} == {"synced"}


def test_asked_to_end_it_ends_well_and_status_tells(cluster):
    assert cluster.run("status", "--json").json["daemon"] == {
        "running": False, "started": None, "last_pass": None, "last_full": None,
    }  # fmt: skip
    with running(cluster) as daemon:
        eventually(lambda: cluster.run("status", "--json").json["daemon"]["last_full"])
        state = cluster.run("status", "--json").json["daemon"]
        assert state["running"]
        assert state["last_pass"]["why"] == "start"
        assert state["last_pass"]["result"] == "done"
        assert "daemon: running since" in cluster.run("status").out
        assert daemon.end() == 0
    assert daemon.said("ended")
    state = cluster.run("status", "--json").json["daemon"]
    assert not state["running"]
    assert state["last_full"]
    assert "daemon: not running" in cluster.run("status").out


def test_a_second_daemon_is_refused_and_told_of_the_first(cluster):
    with running(cluster) as daemon:
        answer = cluster.run("run", status=3)
        assert f"process {daemon.process.pid}" in answer.err
        assert daemon.process.poll() is None


def test_the_command_line_works_beside_it(cluster):
    with running(cluster) as daemon:
        for number in range(5):
            cluster.write("motd", f"{number}\n")
            cluster.sync()
            assert everywhere(cluster, "motd", f"{number}\n")
        (cluster.tree(0) / "motd").write_text("mine\n")
        eventually(lambda: recorded(cluster, "client0", "motd") == "mine\n")
        cluster.run("discard", "client0", "motd")
        daemon.rests()
        assert everywhere(cluster, "motd", "4\n")


def test_while_another_etcsync_holds_the_lock_it_waits(cluster):
    with running(cluster) as daemon:
        with (cluster.state / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            cluster.write("motd", "news\n")
            eventually(lambda: daemon.said("the pass has to wait"))
            assert not everywhere(cluster, "motd", "news\n")
        eventually(lambda: everywhere(cluster, "motd", "news\n"))


def hold_pacman(cluster: Cluster) -> Path:
    lock = cluster.root / "var/lib/pacman/db.lck"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    return lock


def test_a_transaction_of_pacman_postpones_and_its_end_starts_at_once(tmp_path):
    settle = 5.0
    cluster = sample_cluster(tmp_path, extra=daemon_settings(settle=settle))
    lock = hold_pacman(cluster)
    lock.unlink()
    with running(cluster):
        lock.touch()
        cluster.write("motd", "news\n")
        time.sleep(2)
        assert not everywhere(cluster, "motd", "news\n")
        lock.unlink()
        assert eventually(lambda: everywhere(cluster, "motd", "news\n")) < settle - 1


def test_work_that_was_due_waits_for_the_end_of_a_transaction(cluster):
    with running(cluster) as daemon:
        lock = hold_pacman(cluster)
        cluster.write("motd", "news\n")
        eventually(lambda: daemon.said("the pass has to wait"))
        time.sleep(0.5)
        assert not everywhere(cluster, "motd", "news\n")
        lock.unlink()
        eventually(lambda: everywhere(cluster, "motd", "news\n"))
        assert len(daemon.said("the pass has to wait")) == 1


def test_a_record_lock_of_dpkgs_is_waited_for(cluster):
    path = cluster.root / "var/lib/dpkg/lock-frontend"
    path.parent.mkdir(parents=True)
    with running(cluster) as daemon, path.open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        cluster.write("motd", "news\n")
        eventually(lambda: daemon.said("the pass has to wait"))
        fcntl.lockf(lock, fcntl.LOCK_UN)
        eventually(lambda: everywhere(cluster, "motd", "news\n"))


def test_gits_own_lock_is_waited_for(cluster):
    with running(cluster) as daemon:
        cluster.write("motd", "news\n")
        lock = cluster.etc / ".git/index.lock"
        lock.touch()
        eventually(lambda: daemon.said("the pass has to wait"))
        lock.unlink()
        eventually(lambda: everywhere(cluster, "motd", "news\n"))


def test_an_announced_end_of_a_transaction_starts_at_once(tmp_path):
    settle = 30.0
    cluster = sample_cluster(tmp_path, extra=daemon_settings(settle=settle))
    announcement = cluster.root / "var/lib/etcsync/transaction"
    announcement.parent.mkdir(parents=True)
    with running(cluster) as daemon:
        cluster.write("motd", "news\n")
        announcement.write_text("now\n")
        eventually(lambda: everywhere(cluster, "motd", "news\n"))
        eventually(lambda: daemon.passes(why="upstream"))


def test_a_repository_that_is_made_anew_is_followed_but_not_believed(cluster):
    with running(cluster) as daemon:
        shutil.move(cluster.etc / ".git", cluster.place / "old.git")
        eventually(lambda: daemon.said("the pass failed"))
        shutil.move(cluster.place / "old.git", cluster.etc / ".git")
        cluster.write("motd", "news\n")
        eventually(lambda: everywhere(cluster, "motd", "news\n"))


def test_wrong_settings_leave_the_old_ones_in_force(cluster):
    good = cluster.settings.read_text()
    with running(cluster) as daemon:
        cluster.settings.write_text(good + "\nfrobnicate = 1\n")
        daemon.signal(signal.SIGHUP)
        eventually(lambda: daemon.said("the old settings stay in force"))
        cluster.write("motd", "news\n")
        eventually(lambda: everywhere(cluster, "motd", "news\n"))
        cluster.settings.write_text(good.replace('"0.2"', '"0.3"'))
        eventually(lambda: daemon.said("took over new settings"))


def test_a_client_that_is_added_is_served_without_asking(cluster):
    with running(cluster):
        cluster.run("client", "add", "client3")
        eventually(lambda: recorded(cluster, "client3", "motd") is not None)
        (cluster.tree(3) / "motd").write_text("mine\n")
        eventually(lambda: recorded(cluster, "client3", "motd") == "mine\n")


def test_a_wrong_rule_file_is_waited_for(cluster):
    with running(cluster) as daemon:
        cluster.rules.write_text("[[rule]]\nfrobnicate = 1\n")
        eventually(lambda: daemon.said("the pass failed"))
        cluster.write("motd", "news\n")
        daemon.rests()
        assert not everywhere(cluster, "motd", "news\n")
        cluster.rules.write_text('[[rule]]\npaths = ["motd"]\nstrategy = "client"\n')
        cluster.write("hosts", "127.0.0.1 localhost\n")
        eventually(lambda: everywhere(cluster, "hosts", "127.0.0.1 localhost\n"))
        assert not everywhere(cluster, "motd", "news\n")


def test_it_tells_the_service_manager(cluster, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)

        def until(wanted: str) -> list[str]:
            said = [manager.recv(4096).decode()]
            while wanted not in said[-1].split("\n"):
                said.append(manager.recv(4096).decode())
            return said

        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        with running(cluster, **environment) as daemon:
            assert "STATUS=watching 3 clients" in until("READY=1")[-1]
            until("WATCHDOG=1")
            daemon.signal(signal.SIGHUP)
            assert "MONOTONIC_USEC=" in until("RELOADING=1")[-1]
            until("READY=1")
            assert daemon.end() == 0
            until("STOPPING=1")


def test_a_full_queue_of_events_is_noticed(cluster):
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with running(cluster) as daemon:
        daemon.signal(signal.SIGSTOP)
        place = cluster.tree(0) / "many"
        place.mkdir()
        for number in range(limit):
            (cluster.tree(0) / "motd").chmod((0o600, 0o644)[number % 2])
            (cluster.tree(0) / "hosts").chmod((0o600, 0o644)[number % 2])
        (cluster.tree(2) / "motd").write_text("unheard\n")
        daemon.signal(signal.SIGCONT)
        eventually(
            lambda: daemon.said(
                "more happened at once than could be heard; everything is looked at"
            )
        )
        eventually(lambda: recorded(cluster, "client2", "motd") == "unheard\n")


def limited(name: str, value: int) -> tuple[str, ...]:
    """Return a command that lowers a limit for one program, in a user namespace of its own."""
    script = f'echo {value} > /proc/sys/user/{name} && exec "$@"'
    return ("unshare", "--user", "--map-root-user", "sh", "-c", script, "sh")


def test_where_watches_run_out_trees_are_polled_and_it_is_said(tmp_path):
    cluster = sample_cluster(tmp_path, extra=daemon_settings("1s"))
    with running(cluster, *limited("max_inotify_watches", 20)) as daemon:
        said = daemon.said("trees are not watched, but looked at now and then")
        assert said[0]["why"] == "the limit of inotify watches is reached"
        assert "max_user_watches" in said[0]["hint"]
        (cluster.tree(2) / "motd").write_text("mine\n")
        eventually(lambda: recorded(cluster, "client2", "motd") == "mine\n")
        cluster.write("hosts", "127.0.0.1 localhost\n")
        eventually(lambda: everywhere(cluster, "hosts", "127.0.0.1 localhost\n"))
        assert len(daemon.said("trees are not watched, but looked at now and then")) == 1


def test_where_there_is_no_inotify_at_all_everything_is_polled(tmp_path):
    cluster = sample_cluster(tmp_path, extra=daemon_settings("1s"))
    with running(cluster, *limited("max_inotify_instances", 0)) as daemon:
        assert daemon.said("nothing can be watched")
        cluster.write("motd", "news\n")
        eventually(lambda: everywhere(cluster, "motd", "news\n"))
        eventually(lambda: daemon.passes(why="upstream"))


@pytest.mark.root
def test_a_hub_whose_disk_is_full_for_a_while(tmp_path, mounted_tmpfs):
    (tmp_path / "state").mkdir()
    mounted_tmpfs(tmp_path / "state", "8M")
    cluster = sample_cluster(tmp_path, extra=daemon_settings())
    with running(cluster) as daemon:
        filler = cluster.state / "filler"
        with suppress(OSError), filler.open("wb") as stream:
            while True:
                stream.write(bytes(4096))
                stream.flush()
        cluster.write("motd", "news\n")
        eventually(lambda: daemon.said("the pass failed"))
        filler.unlink()
        eventually(lambda: everywhere(cluster, "motd", "news\n"), within=60)


@pytest.mark.root
def test_a_tree_whose_file_system_is_unmounted_and_comes_back(tmp_path, mounted_tmpfs):
    cluster = sample_cluster(tmp_path, extra=daemon_settings())
    cluster.sync()
    tree = cluster.tree(1)
    mounted_tmpfs(tree)
    with running(cluster) as daemon:
        eventually(lambda: daemon.said("client failed", client="client1"))
        assert not list(tree.iterdir())
        subprocess.run(["umount", tree], check=True)
        eventually(lambda: daemon.said("tree was replaced", client="client1"))
        (tree / "motd").write_text("mine\n")
        eventually(lambda: recorded(cluster, "client1", "motd") == "mine\n")
