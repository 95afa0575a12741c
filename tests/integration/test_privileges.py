"""Work on a tree is done with few of root's capabilities, and with all that it needs."""

import os
import re
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cluster import Cluster, git, sample_cluster
from torture.tracing import PRESENT, run_traced
from tree_support import AS_ROOT

from etcsync.privileges import LOOKING, WRITING, drop_to_tree_work, limited_to, mask
from etcsync.system_calls import capget
from etcsync.tree.beneath import Place, open_tree
from etcsync.tree.reading import is_open_for_writing

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not AS_ROOT, reason="only root has capabilities to give up"),
]

SOMEBODY, GROUP = 1234, 4321
CAN_BIND = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
"""The attribute of a program with cap_net_bind_service=ep; linux/capability.h, vfs_cap_data."""

LABEL = "security.label"
"""Stands for the attributes of security modules that this kernel does not use."""


def effective() -> int:
    status = Path("/proc/thread-self/status").read_text()
    return int(re.search(r"CapEff:\s*(\w+)", status)[1], 16)


def in_a_fork(story: Callable[[], None]) -> None:
    """Run something that cannot be undone in a process of its own."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            story()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree in which another user has a closed file in a closed directory."""
    closed = tmp_path / "etc" / "closed"
    closed.mkdir(parents=True)
    (closed / "file").write_text("content")
    for place, mode in ((closed / "file", 0), (closed, 0)):
        os.chown(place, SOMEBODY, GROUP)
        place.chmod(mode)
    return tmp_path / "etc"


def test_an_open_tree_leaves_a_thread_what_it_needs_there(tree: Path) -> None:
    before = effective()
    with open_tree(str(tree)):
        assert effective() == mask(LOOKING)
        with open_tree(str(tree), writable=True):
            assert effective() == mask(LOOKING) | mask(WRITING)
        assert effective() == mask(LOOKING)
    assert effective() == before


def test_a_tree_looked_at_meanwhile_takes_nothing_from_one_that_is_written_to(tree: Path) -> None:
    with open_tree(str(tree), writable=True), open_tree(str(tree)):
        assert effective() == mask(LOOKING) | mask(WRITING)


def test_everything_comes_back_after_an_error(tree: Path) -> None:
    before = effective()
    with pytest.raises(ValueError, match="spoilt"), open_tree(str(tree)):
        raise ValueError("spoilt")
    assert effective() == before


def test_other_threads_and_programs_keep_what_they_have(tree: Path) -> None:
    everything = effective()
    found: list[int] = []
    looked, told = threading.Event(), threading.Event()

    def other() -> None:
        looked.wait()
        found.append(effective())
        told.set()

    thread = threading.Thread(target=other)
    thread.start()
    with open_tree(str(tree)):
        looked.set()
        told.wait()
        done = subprocess.run(
            ["grep", "CapEff", "/proc/self/status"], capture_output=True, check=True
        )
    thread.join()
    assert found == [everything]
    assert int(done.stdout.split()[1], 16) == everything


def test_looking_cannot_change_what_belongs_to_others(tree: Path) -> None:
    with open_tree(str(tree)) as opened, opened.place("closed/file") as place:
        descriptor = opened.open_file(place)
        assert os.read(descriptor, 100) == b"content"
        for change in (
            lambda: os.unlink(place.name, dir_fd=place.directory),
            lambda: os.fchmod(descriptor, 0o777),
            lambda: os.fchown(descriptor, 0, 0),
            lambda: os.mknod("device", 0o020666, os.makedev(1, 3), dir_fd=place.directory),
        ):
            with pytest.raises(PermissionError):
                change()
        os.close(descriptor)


def test_writing_cannot_make_devices(tree: Path) -> None:
    with open_tree(str(tree), writable=True) as opened, pytest.raises(PermissionError):
        os.mknod("device", 0o020666, os.makedev(1, 3), dir_fd=opened.descriptor)


def test_it_is_seen_that_another_user_writes_to_a_file(tree: Path) -> None:
    with open_tree(str(tree), writable=True) as opened, opened.place("closed/file") as place:
        assert not is_open_for_writing(opened, place)
        with open(f"/proc/self/fd/{place.directory}/file", "r+b"):
            assert is_open_for_writing(opened, Place(*place))


def strange_upstream(etc: Path, text: str) -> None:
    """Write what takes privileges to read, to replace and to make as it is."""
    sticky, shared = etc / "sticky", etc / "shared"
    for directory in (sticky, shared):
        directory.mkdir(exist_ok=True)
    for name in ("tool", "sticky/closed", f"sticky/{text}", "shared/file"):
        (etc / name).write_text(text)
        os.chown(etc / name, SOMEBODY, GROUP)
    os.setxattr(etc / "tool", "security.capability", CAN_BIND)
    os.setxattr(etc / "tool", LABEL, b"etc_t")
    for name, mode in {
        "tool": 0o6711,
        "sticky/closed": 0,
        "shared/file": 0o2750,
        "sticky": 0o1500,
        "shared": 0o2710,
    }.items():
        os.chown(etc / name, SOMEBODY, GROUP)
        if name == "tool":  # a change of owner has taken it away
            os.setxattr(etc / name, "security.capability", CAN_BIND)
        (etc / name).chmod(mode)


def assert_strange(etc: Path, text: str) -> None:
    for name in ("tool", "sticky/closed", f"sticky/{text}", "shared/file"):
        assert (etc / name).read_text() == text
        assert os.stat(etc / name).st_uid == SOMEBODY
    assert (etc / "tool").stat().st_mode & 0o7777 == 0o6711
    assert os.getxattr(etc / "tool", "security.capability") == CAN_BIND
    assert os.getxattr(etc / "tool", LABEL) == b"etc_t"
    assert (etc / "sticky/closed").stat().st_mode & 0o7777 == 0
    assert (etc / "sticky").stat().st_mode & 0o7777 == 0o1500
    assert (etc / "shared").stat().st_mode & 0o7777 == 0o2710
    assert (etc / "shared").stat().st_gid == GROUP


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    cluster = sample_cluster(tmp_path, clients=1)
    strange_upstream(cluster.etc, "one")
    cluster.commit("strange")
    cluster.sync()
    return cluster


def test_strange_owners_modes_and_attributes_still_reconcile(cluster: Cluster) -> None:
    assert_strange(cluster.tree(0), "one")
    (cluster.etc / "sticky/one").unlink()
    strange_upstream(cluster.etc, "two")
    cluster.commit("stranger")
    cluster.sync()
    assert_strange(cluster.tree(0), "two")
    assert not (cluster.tree(0) / "sticky/one").exists()
    assert cluster.plan()["clients"][0]["actions"] == []


def test_what_a_client_closes_to_everybody_is_recorded_all_the_same(cluster: Cluster) -> None:
    (cluster.tree(0) / "sticky/closed").write_text("mine")
    cluster.sync()
    recorded = cluster.run("git", "client0", "--", "show", "client0:sticky/closed").out
    assert recorded == "mine"


def test_a_clone_that_belongs_to_somebody_is_adopted(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path, clients=1)
    tree = cluster.tree("mine")
    git(tmp_path, "clone", "--quiet", str(cluster.etc), str(tree))
    subprocess.run(["chown", "-hR", f"{SOMEBODY}:{GROUP}", tree / ".git"], check=True)
    subprocess.run(["chmod", "-R", "a-w,go-rwx", tree / ".git"], check=True)
    cluster.run("client", "add", "mine")
    assert (tree / ".git").is_file()
    assert cluster.sync("mine")["clients"][0]["error"] is None


@pytest.mark.skipif(not PRESENT, reason="strace is not there")
def test_no_call_of_a_sync_reaches_into_a_tree_with_more(cluster: Cluster, tmp_path: Path) -> None:
    strange_upstream(cluster.etc, "two")
    cluster.commit("stranger")
    (cluster.tree(0) / "motd").write_text("an edit\n")
    log = tmp_path / "calls"
    calls = "trace=capset,openat2,renameat2,fchown,fchmod,fsetxattr,unlinkat"
    run_traced(cluster, ["sync"], "-y", "-X", "raw", "-e", calls, "-o", str(log))
    held = everything = capget().effective
    seen: dict[str, set[int]] = {}
    for line in log.read_text().splitlines():
        if found := re.search(r"capset\(.*effective=(\w+)", line):
            held = int(found[1], 16)
        elif f"<{cluster.state}" in line:
            continue  # what is etcsync's own
        elif found := re.match(r"(\w+)\(.*", line):
            what = "label" if LABEL in line else found[1]
            seen.setdefault(what, set()).add(held)
    writing = mask(LOOKING) | mask(WRITING)
    assert seen["openat2"] <= {mask(LOOKING), mask(WRITING), writing, everything}
    assert mask(LOOKING) in seen["openat2"]
    for call in ("renameat2", "fchown", "fchmod", "fsetxattr"):
        assert seen[call] <= {mask(WRITING), writing}, call
    assert everything not in seen["label"]


def test_what_is_dropped_for_good_does_not_come_back(tree: Path) -> None:
    def look() -> None:
        drop_to_tree_work()
        assert (tree / "closed/file").read_text() == "content"
        with limited_to(WRITING), pytest.raises(PermissionError):
            (tree / "closed/file").unlink()
        shell = f"grep ^Cap /proc/self/status; rm {tree}/closed/file && exit 9"
        done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        held = {line.split()[0]: int(line.split()[1], 16) for line in done.stdout.splitlines()}
        assert held["CapPrm:"] | held["CapBnd:"] | held["CapEff:"] == mask(LOOKING)

    in_a_fork(look)
    assert (tree / "closed/file").exists()


def test_where_the_kernel_can_tell_nothing_is_written_but_what_is_open(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("as it was")

    def attempt() -> None:
        if not drop_to_tree_work():
            return
        os.write(kept, b"still open")
        Path(os.devnull).write_text("git opens it")
        for change in (
            lambda: (tmp_path / "new").write_text("new"),
            old.unlink,
            lambda: old.rename(tmp_path / "new"),
            lambda: os.truncate(old, 0),
        ):
            with pytest.raises(PermissionError):
                change()

    kept = os.open(tmp_path / "kept", os.O_WRONLY | os.O_CREAT)
    in_a_fork(attempt)
    os.close(kept)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["kept", "old"]
    assert old.read_text() == "as it was"
