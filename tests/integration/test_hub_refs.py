import os
import random
import signal
import subprocess
import sys
import time

import pytest
from cluster import sample_cluster
from hub_support import make_hub, plain_git, record

from etcsync.errors import HubError
from etcsync.hub import refs
from etcsync.hub.hub import UPSTREAM_REF, RefUpdate, base_ref, branch_ref, open_hub, pending_ref

ABSENT = "0123456789" * 4


@pytest.fixture
def path(tmp_path):
    return make_hub(tmp_path)


@pytest.fixture
def hub(path):
    with open_hub(path) as hub:
        yield hub


@pytest.fixture
def commits(hub):
    first = record(hub, {"motd": b"1\n"})
    return first, record(hub, {"motd": b"2\n"}, first)


def seen_by_git(path):
    lines = plain_git(path, "for-each-ref", "--format=%(refname) %(objectname)").decode()
    return dict(line.split() for line in lines.splitlines())


def test_refs_are_made_moved_and_deleted_in_one_step(path, hub, commits):
    one, two = commits
    hub.update_refs([RefUpdate(branch_ref("a"), one, None), RefUpdate(pending_ref("a"), one, None)])
    assert hub.refs() == {branch_ref("a"): one, pending_ref("a"): one} == seen_by_git(path)
    hub.update_refs(
        [
            RefUpdate(branch_ref("a"), two, one),
            RefUpdate(base_ref("a"), one, None),
            RefUpdate(pending_ref("a"), None, one),
        ]
    )
    assert hub.refs() == {branch_ref("a"): two, base_ref("a"): one} == seen_by_git(path)


@pytest.mark.parametrize(
    "wrong",
    [
        RefUpdate(branch_ref("a"), None, ABSENT),
        RefUpdate(branch_ref("a"), None, None),
        RefUpdate(branch_ref("b"), None, ABSENT),
    ],
)
def test_one_ref_that_was_moved_keeps_all_where_they_are(path, hub, commits, wrong):
    one, two = commits
    hub.update_refs([RefUpdate(branch_ref("a"), one, None)])
    with pytest.raises(HubError, match="moved by someone else"):
        hub.update_refs([RefUpdate(UPSTREAM_REF, two, None), wrong])
    assert hub.refs() == {branch_ref("a"): one} == seen_by_git(path)
    assert not os.path.exists(os.path.join(path, "packed-refs.lock"))


def test_a_ref_names_only_commits_that_the_hub_has(hub, commits):
    tree = hub.commit(commits[0]).tree
    for oid in (ABSENT, tree):
        with pytest.raises(HubError, match="does not know the commit"):
            hub.update_refs([RefUpdate(UPSTREAM_REF, oid, None)])
    assert hub.refs() == {}


def test_no_ref_is_another_ones_directory(hub, commits):
    one, _ = commits
    hub.update_refs([RefUpdate("refs/etcsync/x/y", one, None)])
    for ref in ("refs/etcsync/x", "refs/etcsync/x/y/z", "refs/etcsync/.x", "HEAD", "refs/a..b"):
        with pytest.raises(HubError, match="cannot hold"):
            hub.update_refs([RefUpdate(ref, one, None)])
    hub.update_refs([
        RefUpdate("refs/etcsync/x/y", None, one), RefUpdate("refs/etcsync/x", one, None)
    ])  # fmt: skip
    assert hub.refs() == {"refs/etcsync/x": one}


def test_refs_that_git_wrote_are_seen_and_moved_as_well(path, hub, commits):
    one, two = commits
    hub.update_refs([RefUpdate(branch_ref("a"), one, None)])
    plain_git(path, "update-ref", branch_ref("a"), two)
    plain_git(path, "update-ref", UPSTREAM_REF, one)
    plain_git(path, "tag", "-a", "-m", "x", "v1", one)
    before = hub.refs()
    assert before == seen_by_git(path)
    assert before[branch_ref("a")] == two
    hub.update_refs([RefUpdate(branch_ref("a"), one, two), RefUpdate(UPSTREAM_REF, two, one)])
    assert hub.refs() == before | {branch_ref("a"): one, UPSTREAM_REF: two} == seen_by_git(path)
    assert plain_git(path, "rev-parse", "v1^{commit}").decode().strip() == one


@pytest.mark.parametrize("content", [b"", b"\0" * 41, b"ref: refs/heads/x\n", b"a" * 39 + b"\n"])
def test_a_damaged_loose_ref_is_named(path, hub, content):
    os.makedirs(os.path.join(path, "refs", "heads"), exist_ok=True)
    with open(os.path.join(path, "refs", "heads", "client0"), "wb") as file:
        file.write(content)
    with pytest.raises(HubError, match="refs/heads/client0"):
        hub.refs()


def test_a_damaged_packed_refs_is_not_passed_over(path, hub):
    with open(os.path.join(path, "packed-refs"), "wb") as file:
        file.write(b"\0" * 100)
    with pytest.raises(HubError, match="packed-refs") as caught:
        hub.refs()
    assert caught.value.hint is not None
    assert "etcsync init" in caught.value.hint


def test_an_old_lock_file_is_a_left_over_and_a_young_one_is_waited_for(
    path, hub, commits, monkeypatch
):
    lock = os.path.join(path, "packed-refs.lock")
    with open(lock, "wb"):
        os.utime(lock, (0, 0))
    hub.update_refs([RefUpdate(UPSTREAM_REF, commits[0], None)])
    monkeypatch.setattr(refs, "LEFT_OVER_AFTER", 0.3)
    with open(lock, "wb"):
        os.utime(lock, (time.time() + 1000, time.time() + 1000))
    started = time.monotonic()
    hub.update_refs([RefUpdate(UPSTREAM_REF, commits[1], commits[0])])
    assert 0.25 < time.monotonic() - started < 5
    assert not os.path.exists(lock)


def test_what_a_killed_git_left_of_packing_refs_is_removed(path, hub, commits):
    hub.git("update-ref", UPSTREAM_REF, commits[0])
    for name in ("packed-refs.lock", "packed-refs.new"):
        with open(os.path.join(path, name), "wb"):
            os.utime(os.path.join(path, name), (0, 0))
    hub.update_refs([RefUpdate(UPSTREAM_REF, commits[1], commits[0])])
    assert hub.refs()[UPSTREAM_REF] == commits[1]
    assert not os.path.exists(os.path.join(path, "packed-refs.new"))


def test_a_lock_that_a_killed_git_left_keeps_no_commit_from_being_fetched(tmp_path):
    cluster = sample_cluster(tmp_path, clients=1)
    cluster.write("motd", "a new message\n")
    lock = cluster.state / "hub.git/refs/heads/upstream.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    os.utime(lock, (0, 0))
    cluster.sync()
    assert (cluster.tree(0) / "motd").read_text() == "a new message\n"


MOVER = """
import sys
from etcsync.hub.hub import RefUpdate, open_hub
path, one, two = sys.argv[1:]
with open_hub(path) as hub:
    print("ready", flush=True)
    while True:
        hub.update_refs([RefUpdate(ref, two if oid == one else one, oid)
                         for ref, oid in hub.refs().items()])
"""


def test_killed_at_any_instant_all_refs_moved_or_none(path, hub, commits, monkeypatch):
    one, two = commits
    monkeypatch.setattr(refs, "LEFT_OVER_AFTER", 0.1)
    hub.update_refs([RefUpdate(branch_ref(f"c{number}"), one, None) for number in range(500)])
    for _ in range(8):
        mover = subprocess.Popen(
            [sys.executable, "-c", MOVER, path, one, two],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert mover.stdout.readline() == b"ready\n"
        time.sleep(random.uniform(0.01, 0.1))
        mover.send_signal(signal.SIGKILL)
        mover.wait()
        mover.stdout.close()
        found = hub.refs()
        assert len(found) == 500
        assert len(set(found.values())) == 1
        assert found == seen_by_git(path)
        hub.update_refs([RefUpdate(ref, one, oid) for ref, oid in found.items()])


def test_thousands_of_refs_move_in_no_time(hub, commits):
    one, two = commits
    names = [make(f"c{number}") for number in range(1000) for make in (branch_ref, base_ref)]
    started = time.monotonic()
    hub.update_refs([RefUpdate(name, one, None) for name in names])
    hub.update_refs([RefUpdate(name, two, one) for name in names])
    assert set(hub.refs().values()) == {two}
    assert time.monotonic() - started < 2
