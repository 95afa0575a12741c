"""A client that tries everything at once: the commands go on, and nothing outside is touched."""

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, git, sample_cluster
from torture.checker import blob_id, survey

from etcsync import system_calls

COMMANDS = (
    ("status", "client0"), ("plan",), ("sync",), ("diff", "client0"), ("report",), ("conflicts",),
    ("log", "client0"), ("sync", "client0"), ("promote", "client0", "--dry-run"),
    ("promote", "client0"), ("status",), ("doctor",), ("suspend", "client0"), ("sync",),
    ("resume", "client0"), ("restore", "client0", "HEAD~1", "motd"), ("sync",),
)  # fmt: skip
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What no terminal may get: control and bidirectional characters, new line and tab apart."""


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    built = sample_cluster(tmp_path)
    built.sync()
    return built


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Make files that a client must not reach, and programs that must not be run."""
    place = tmp_path / "outside"
    place.mkdir()
    (place / "canary").write_text("canary\n")
    (place / "directory").mkdir()
    for path in ("file", "network/00-wired.network", "private/server.key"):
        (place / "directory" / path).parent.mkdir(exist_ok=True)
        (place / "directory" / path).write_text("canary\n")
    program = place / "program"
    program.write_text(f"#!/bin/sh\ntouch '{place}/executed'\n")
    program.chmod(0o755)
    return place


def assert_unread(cluster: Cluster) -> None:
    """See that no canary's content came into the hub, not even as an object without a name."""
    hub = f"--git-dir={cluster.state}/hub.git"
    listed = git(cluster.place, hub, "cat-file", "--batch-all-objects", "--batch-check")
    assert blob_id(b"canary\n") not in listed


def plant_links(tree: Path, outside: Path) -> None:
    (tree / "absolute").symlink_to(outside / "canary")
    (tree / "relative").symlink_to("../outside/canary")
    (tree / "directory").symlink_to(outside / "directory")
    (tree / "motd").unlink()
    (tree / "motd").symlink_to(outside / "canary")
    for path in ("ssh/sshd_config", "passwd", ".gitattributes", "sysctl.d/10-net.conf"):
        (tree / path).unlink(missing_ok=True)
        (tree / path).symlink_to(outside / "canary")
    (tree / "profile.d/editor.sh").unlink()
    (tree / "profile.d").rmdir()
    (tree / "profile.d").symlink_to(outside / "directory")
    shutil.rmtree(tree / "ssl")
    (tree / "ssl").symlink_to(outside / "directory")
    (tree / "loop").symlink_to("loop")
    (tree / "proc").symlink_to("/proc/self/cwd")


def plant_special_files(tree: Path) -> None:
    os.mkfifo(tree / ".gitignore.d")
    (tree / ".gitignore").unlink()
    os.mkfifo(tree / ".gitignore")
    (tree / "hosts").unlink()
    os.mkfifo(tree / "hosts")
    with socket.socket(socket.AF_UNIX) as end:
        here = os.open(tree, os.O_PATH)
        end.bind(f"/proc/self/fd/{here}/socket")
        os.close(here)
    if os.geteuid() == 0:
        os.mknod(tree / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        os.mknod(tree / "disk", stat.S_IFBLK | 0o666, os.makedev(7, 0))
    (tree / "setuid").write_text("#!/bin/sh\n")
    (tree / "setuid").chmod(0o6755)
    with (tree / "sparse").open("wb") as file:
        file.truncate(2**40)
    os.link(tree / "locale.conf", tree / "other-name")
    os.link(tree / "vconsole.conf", tree / "nsswitch.hard")


def plant_names(tree: Path) -> None:
    for name in (
        "-rf", "--config=x", "$(touch executed)", "`id`", ";id", "a\nb", "\x1b]0;title\x07",
        "\x1b[31mred", "bidi\u202ecod.exe", "<script>alert(1)", "[x](javascript:y)",
        "| a | b |", "*?[", " ", "x" * 255, "con\r", "{{ 7 * 7 }}", "%n%s", "~root",
    ):  # fmt: skip
        (tree / name).write_text(f"{name} \x1b[2J\u202e\n")
    (tree.joinpath("a") / "b").parent.mkdir()
    with open(os.fsencode(tree) + b"/\xff\xfe", "w") as file:
        file.write("bytes\n")


def plant_repositories(tree: Path, outside: Path) -> None:
    for name in (".GIT", "git~1", ".git ", ".git.", "GIT~1", ".gIt"):
        (tree / name).mkdir(exist_ok=True)
        (tree / name / "config").write_text("[core]\n\tfsmonitor = true\n")
    program = outside / "program"
    for place in (tree / "nested", tree):
        place.mkdir(exist_ok=True)
        (place / ".git").unlink(missing_ok=True)
        git(place, "init", "-q")
        for key in ("core.fsmonitor", "core.pager", "core.editor", "diff.external",
                    "filter.x.clean", "filter.x.smudge", "diff.x.textconv", "merge.x.driver",
                    "core.sshCommand", "credential.helper", "core.gitProxy"):  # fmt: skip
            git(place, "config", key, str(program))
        git(place, "config", "core.hooksPath", str(outside))
        for hook in ("post-checkout", "reference-transaction", "pre-commit", "post-index-change"):
            (outside / hook).unlink(missing_ok=True)
            (outside / hook).symlink_to("program")
    (tree / "nested/.gitattributes").write_text("* filter=x diff=x merge=x\n")
    (tree / "nested/file").write_text("nested\n")


def plant_depths(tree: Path) -> None:
    """Make a path of more than 4,096 bytes, and one of 300 directories."""
    for name, count in (("n" * 250, 20), ("d", 300)):
        here = os.open(tree, os.O_RDONLY)
        for _ in range(count):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here))
        os.close(here)


@pytest.fixture
def hostile(cluster: Cluster, outside: Path) -> Cluster:
    """Give client0 all of it."""
    tree = cluster.tree(0)
    plant_links(tree, outside)
    plant_special_files(tree)
    plant_names(tree)
    plant_repositories(tree, outside)
    plant_depths(tree)
    cluster.write("motd", "a new message\n", message="")
    cluster.write("ssl/private/server.key", "a new key\n", message="")
    cluster.write("ssh/sshd_config", "Port 2222\n", message="")
    cluster.write("sysctl.d/20-new.conf", "net.ipv6 = 1\n", message="")
    cluster.write("profile.d/editor.sh", "export EDITOR=nano\n", message="")
    cluster.commit()
    return cluster


def traced(cluster: Cluster, log: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run etcsync under strace, which writes down every file that is opened or run."""
    return subprocess.run(
        ["strace", "-f", "-y", "-qq", "-s", "300", "-o", str(log),
         "-e", "trace=open,openat,openat2,execve,execveat,chmod,fchmodat,chown,fchownat,truncate",
         sys.executable, "-m", "etcsync", "--config", str(cluster.settings), *arguments],
        env=CLEAN_ENVIRONMENT, capture_output=True, check=False, timeout=250,
    )  # fmt: skip


@pytest.mark.timeout(900)
def test_no_command_reaches_out_of_a_hostile_tree(
    hostile: Cluster, outside: Path, tmp_path: Path
) -> None:
    before = survey(outside)
    log = tmp_path / "opened"
    for command in COMMANDS:
        done = traced(hostile, log, *command)
        out = (done.stdout + done.stderr).decode("utf-8", "surrogateescape")
        assert done.returncode in {0, 1, 3}, (command, out)
        assert "Traceback" not in out, command
        assert not RAW.search(out), (command, RAW.search(out))
        lines = log.read_text(errors="replace").splitlines()
        reached = [line for line in lines if re.search(rf"= \d+<{re.escape(str(outside))}", line)]
        assert reached == [], command
        programs = {line.split('"')[1] for line in lines if re.search(r"\bexecve(at)?\(", line)}
        assert not [each for each in programs if str(tmp_path) in each], command
    assert survey(outside) == before
    assert_unread(hostile)
    for number in (1, 2):
        assert (hostile.tree(number) / "sysctl.d/20-new.conf").exists(), "the others go on"
    assert (hostile.tree(0) / "sysctl.d/20-new.conf").exists(), "and so does this one"
    for report in (hostile.state / "reports").rglob("*.*"):
        assert not RAW.search(report.read_text()), report


def test_rules_that_make_matchers_slow_cost_the_others_nothing(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    (tree / ".gitignore").write_text(("a*" * 40 + "b\n") * 200 + ("**/" * 60 + "x\n") * 200)
    deep = tree / "/".join(["a" * 60] * 10)
    deep.mkdir(parents=True)
    for number in range(200):
        (deep / ("a" * 60 + str(number))).touch()
    cluster.write("motd", "a new message\n")
    started = time.monotonic()
    run = cluster.sync(status=None)
    assert time.monotonic() - started < 60
    slow, *others = run["clients"]
    assert slow["error"] is None or ".gitignore" in slow["error"]["message"]
    assert [client["error"] for client in others] == [None, None]
    assert (cluster.tree(1) / "motd").read_text() == "a new message\n"


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes"])
def test_a_gigabyte_of_rules_is_not_read(cluster: Cluster, name: str) -> None:
    with (cluster.tree(0) / name).open("wb") as file:
        file.truncate(2**30)
    cluster.write("motd", "a new message\n")
    started = time.monotonic()
    run = cluster.sync(status=None)
    assert time.monotonic() - started < 30
    assert [client["error"] for client in run["clients"]] == [None, None, None]
    assert {"path": name, "kind": "oversized"}.items() <= run["clients"][0]["warnings"][0].items()


@pytest.mark.root
@pytest.mark.timeout(600)
@pytest.mark.parametrize("directories", [1, 50])
def test_a_flood_of_names_fails_one_client_with_a_clear_state(
    cluster: Cluster, mounted_tmpfs: Callable[..., None], directories: int
) -> None:
    """More names than there may be, in one directory or in many."""
    shutil.rmtree(cluster.tree(0))
    cluster.tree(0).mkdir()
    mounted_tmpfs(cluster.tree(0), "1G", "nr_inodes=2M")
    for number in range(directories):
        place = cluster.tree(0) / str(number)
        place.mkdir()
        (place / "0").touch()
        for other in range(1, 210_000 // directories):
            os.link(place / "0", place / str(other))
    cluster.write("motd", "a new message\n")
    started = time.monotonic()
    run = cluster.sync(status=3)
    assert time.monotonic() - started < 120
    assert "holds more than 200000 names" in run["clients"][0]["error"]["message"]
    assert [client["error"] for client in run["clients"][1:]] == [None, None]
    assert cluster.status()["client0"]["state"] == "error"


def repeat(action: Callable[[], None], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            action()
        except OSError:
            continue


@pytest.fixture
def commotion() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Have something done over and over, as a client does while the server is at work."""
    stop = threading.Event()
    threads = []

    def begin(action: Callable[[], None]) -> None:
        threads.append(threading.Thread(target=repeat, args=(action, stop)))
        threads[-1].start()

    yield begin
    stop.set()
    for thread in threads:
        thread.join()


def exchange(one: Path, other: Path) -> None:
    here = os.open("/", os.O_PATH)
    try:
        flag = system_calls.RENAME_EXCHANGE
        system_calls.renameat2(here, os.fsencode(one), here, os.fsencode(other), flag)
    finally:
        os.close(here)


def test_a_component_swapped_for_a_link_all_the_time_leads_nowhere(
    cluster: Cluster, outside: Path, commotion: Callable[[Callable[[], None]], None]
) -> None:
    tree = cluster.tree(0)
    before = survey(outside)
    for name in ("ssh", "sysctl.d", "systemd"):
        (tree / f"{name}.link").symlink_to(outside / "directory")
        commotion(lambda name=name: exchange(tree / name, tree / f"{name}.link"))  # type: ignore[misc]
    for number in range(6):
        cluster.write("ssh/sshd_config", f"Port {number}\n", message="")
        cluster.write("ssh/file", f"{number}\n", message="")
        cluster.write("systemd/network/00-wired.network", f"# {number}\n", message="")
        cluster.write(f"sysctl.d/{number}.conf", f"a = {number}\n")
        run = cluster.sync(status=None)
        assert [client["error"] for client in run["clients"][1:]] == [None, None]
        assert (cluster.tree(1) / "ssh/file").read_text() == f"{number}\n"
    assert survey(outside) == before
    assert_unread(cluster)


def test_files_that_turn_into_anything_while_they_are_read(
    cluster: Cluster, outside: Path, commotion: Callable[[Callable[[], None]], None]
) -> None:
    tree = cluster.tree(0)
    before = survey(outside)
    os.mkfifo(tree / "fifo")
    (tree / "link").symlink_to(outside / "canary")
    (tree / "grown").write_text("grows\n")
    moved = cluster.place / "moved"

    def move_away_and_back() -> None:
        (tree / "systemd").rename(moved)
        moved.rename(tree / "systemd")

    def grow() -> None:
        with (tree / "grown").open("ab") as file:
            if file.tell() > 2**26:
                file.truncate(0)
            file.write(b"x" * 65536)

    commotion(lambda: exchange(tree / "motd", tree / "fifo"))
    commotion(lambda: exchange(tree / "hosts", tree / "link"))
    commotion(move_away_and_back)
    commotion(grow)
    for number in range(6):
        cluster.write("motd", f"message {number}\n", message="")
        cluster.write("systemd/network/00-wired.network", f"[Match]\nName={number}\n")
        started = time.monotonic()
        run = cluster.sync(status=None)
        assert time.monotonic() - started < 60
        assert [client["error"] for client in run["clients"][1:]] == [None, None]
        assert (cluster.tree(2) / "motd").read_text() == f"message {number}\n"
    assert survey(outside) == before
    assert_unread(cluster)


def test_a_tree_that_vanishes_and_comes_back_while_it_is_synced(
    cluster: Cluster, commotion: Callable[[Callable[[], None]], None]
) -> None:
    tree, moved = cluster.tree(0), cluster.place / "moved"

    def away_and_back() -> None:
        tree.rename(moved)
        time.sleep(0.002)
        moved.rename(tree)
        time.sleep(0.002)

    commotion(away_and_back)
    for number in range(6):
        cluster.write("motd", f"message {number}\n")
        run = cluster.sync(status=None)
        assert [client["error"] for client in run["clients"][1:]] == [None, None]
        assert (cluster.tree(1) / "motd").read_text() == f"message {number}\n"


def test_every_line_that_a_client_appends_meanwhile_is_kept(
    cluster: Cluster, commotion: Callable[[Callable[[], None]], None]
) -> None:
    place = cluster.tree(0) / "motd"
    written: list[str] = []

    def append() -> None:
        line = f"line {len(written)}\n"
        descriptor = os.open(place, os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, line.encode())
        os.close(descriptor)
        written.append(line)
        time.sleep(0.003)

    commotion(append)
    for number in range(6):
        cluster.write("motd", f"message {number}\nsecond\n")
        cluster.sync(status=None)
    cluster.sync(status=None)
    hub = cluster.state / "hub.git"
    history = git(
        cluster.place, f"--git-dir={hub}", "log", "-p", "-m", "--format=", "refs/heads/client0"
    )
    kept = {line.lstrip("+- ") + "\n" for line in history.splitlines()}
    kept |= set(place.read_text().splitlines(keepends=True))
    assert set(written[: len(written) - 50]) - kept == set()
