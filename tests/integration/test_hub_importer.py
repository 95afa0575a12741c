import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hub_support import ME, NOW, make_hub, new_commit, plain_git, record

from etcsync.entries import blob_oid
from etcsync.errors import HubError
from etcsync.hub.hub import UPSTREAM_REF, Identity, open_hub
from etcsync.hub.importer import NewCommit
from etcsync.hub.maintenance import clean_up
from etcsync.hub.objects import DIRECTORY_MODE, FILE_MODE, SYMLINK_MODE


@pytest.fixture
def path(tmp_path):
    return make_hub(tmp_path)


@pytest.fixture
def hub(path):
    with open_hub(path) as hub:
        yield hub


def send(importer, contents):
    for content in contents:
        importer.blob(content)
    importer.finish()


def files(hub, commit):
    return {
        name: hub.blob(entry.oid)
        for name, entry in hub.tree(hub.commit(commit).tree).items()
        if entry.mode != DIRECTORY_MODE
    }


def test_a_blob_has_the_id_that_git_gives_it_and_is_sent_once(path, hub):
    with hub.importer() as importer:
        for content in (b"", b"hello\n", b"blob\ndata 3\n\0\xff", b"hello\n", b"x" * 3_000_000):
            assert importer.blob(content) == blob_oid(content)
        assert importer.finish() == {}
    for content in (b"", b"hello\n", b"blob\ndata 3\n\0\xff", b"x" * 3_000_000):
        assert plain_git(path, "cat-file", "blob", blob_oid(content)) == content


def test_commits_of_one_run_build_on_each_other(hub):
    upstream = record(hub, {"motd": b"1\n", "issue": b"1\n"})
    with hub.importer() as importer:
        capture = importer.commit(
            new_commit({"motd": (FILE_MODE, importer.blob(b"mine\n"))}, (upstream,), "capture")
        )
        result = importer.commit(new_commit({"issue": None}, (capture, upstream), "result"))
        oids = importer.finish()
    commit = hub.commit(oids[result])
    assert commit.parents == (oids[capture], upstream)
    assert commit.message == "result"
    assert files(hub, oids[result]) == {"motd": b"mine\n"}
    assert files(hub, oids[capture]) == {"motd": b"mine\n", "issue": b"1\n"}


def test_a_commit_starts_from_any_tree(hub):
    one = record(hub, {"a": b"1", "d/e": b"1"})
    two = record(hub, {"b": b"2"})
    tree = hub.commit(two).tree
    with hub.importer() as importer:
        blob = importer.blob(b"3")
        with_parent = importer.commit(new_commit({"c": (FILE_MODE, blob)}, (one,), tree=tree))
        orphan = importer.commit(new_commit({}, tree=tree))
        empty = importer.commit(new_commit({}))
        oids = importer.finish()
    assert files(hub, oids[with_parent]) == {"b": b"2", "c": b"3"}
    assert hub.commit(oids[orphan]).tree == tree
    assert hub.commit(oids[orphan]).parents == ()
    assert files(hub, oids[empty]) == {}


def test_a_whole_directory_is_set_by_its_tree_and_changed_below(hub):
    one = record(hub, {"d/a": b"1", "d/s/b": b"2"})
    directory = hub.tree(hub.commit(one).tree)["d"].oid
    with hub.importer() as importer:
        blob = importer.blob(b"3")
        changes = {"x/s/b": (FILE_MODE, blob), "x": (DIRECTORY_MODE, directory), "d": None}
        mark = importer.commit(new_commit(changes, (one,)))
        oids = importer.finish()
    assert files(hub, oids[mark]) == {"x/a": b"1", "x/s/b": b"3"}


@pytest.mark.parametrize("reverse", [False, True])
def test_files_become_directories_and_directories_files_in_any_order(hub, reverse):
    one = record(hub, {"file": b"1", "dir/a": b"1", "dir/s/b": b"1", "rest": b"1"})
    changes = {"file": None, "file/new": b"2", "dir/a": None, "dir/s/b": None, "dir": b"2"}
    items = sorted(changes.items(), reverse=reverse)
    two = record(hub, dict(items), one)
    assert files(hub, two) == {"file/new": b"2", "dir": b"2", "rest": b"1"}


def test_a_directory_that_lost_its_last_file_is_gone(hub):
    one = record(hub, {"a/b/c": b"1", "d": b"1"})
    two = record(hub, {"a/b/c": None}, one)
    assert set(hub.tree(hub.commit(two).tree)) == {"d"}


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/etc/passwd", "a/../b", "a//b", "a/", ".git", "a/.GIT/config", "a\0b"]
)
@pytest.mark.parametrize("delete", [False, True])
def test_hostile_paths_are_refused_and_the_run_goes_on(hub, name, delete):
    with hub.importer() as importer:
        blob = importer.blob(b"x")
        with pytest.raises(HubError, match="cannot be recorded"):
            importer.commit(
                new_commit({"a": (FILE_MODE, blob), name: None if delete else (FILE_MODE, blob)})
            )
        mark = importer.commit(new_commit({"a": (FILE_MODE, blob)}))
        oids = importer.finish()
    assert set(oids) == {mark}
    assert files(hub, oids[mark]) == {"a": b"x"}


def test_a_link_that_git_reads_no_index_with_is_refused(hub):
    with hub.importer() as importer:
        target = importer.blob(b"elsewhere")
        with pytest.raises(HubError, match="cannot be recorded"):
            importer.commit(new_commit({"a/.GitModules": (SYMLINK_MODE, target)}))
        mark = importer.commit(new_commit({".gitmodules": (FILE_MODE, target)}))
        assert files(hub, importer.finish()[mark]) == {".gitmodules": b"elsewhere"}


def test_identities_messages_and_times_cannot_break_the_stream(path, hub):
    evil = Identity("A <x> \n\ncommitter B\0", "a@b>\nfrom deadbeef")
    zone = timezone(-timedelta(hours=3, minutes=30))
    long_ago = datetime(1901, 2, 3, tzinfo=UTC)
    with hub.importer() as importer:
        odd = importer.commit(
            NewCommit(
                "M 100644 x\n\ndone\n\0\udcff", (), {}, evil, Identity("", ""), NOW.astimezone(zone)
            )
        )
        old = importer.commit(NewCommit("", (odd,), {}, ME, ME, long_ago))
        oids = importer.finish()
    commit = hub.commit(oids[odd])
    assert commit.author == Identity("A x committer B", "a@bfrom deadbeef")
    assert commit.message == "M 100644 x\n\ndone\n�\udcff"
    assert commit.time == NOW
    assert commit.time.utcoffset() == zone.utcoffset(None)
    assert hub.commit(oids[old]).time == datetime(1970, 1, 1, tzinfo=UTC)
    plain_git(path, "fsck", "--strict")


def test_no_ref_appears_or_moves(path, hub):
    one = record(hub, {"a": b"1"}, ref=UPSTREAM_REF)
    record(hub, {"a": b"2"}, one)
    assert hub.refs() == {UPSTREAM_REF: one}
    assert plain_git(path, "for-each-ref").count(b"\n") == 1
    assert not os.path.exists(os.path.join(path, "refs", "etcsync"))


def test_what_git_refuses_is_reported_in_its_words(path, hub):
    with hub.importer() as importer:
        importer.commit(new_commit({"a": (FILE_MODE, "1" * 40)}))
        with pytest.raises(HubError, match=r"cannot write objects.*1111"):
            importer.finish()
    assert not [name for name in os.listdir(path) if "crash" in name]
    assert hub.refs() == {}


def test_a_failure_is_noticed_while_more_is_sent(hub):
    with hub.importer() as importer:
        importer.commit(new_commit({"a": (FILE_MODE, "1" * 40)}))
        with pytest.raises(HubError, match="cannot write objects"):
            send(importer, (b"%d" % number * 1000 for number in range(2000)))


def test_an_abandoned_import_leaves_no_trace_but_objects(path, hub):
    one = record(hub, {"a": b"1"}, ref=UPSTREAM_REF)
    with hub.importer() as importer:
        importer.commit(new_commit({"a": (FILE_MODE, importer.blob(b"2"))}, (one,)))
    assert hub.refs() == {UPSTREAM_REF: one}
    assert not [name for name in os.listdir(path) if "crash" in name]
    assert files(hub, record(hub, {"b": b"3"}, one)) == {"a": b"1", "b": b"3"}
    plain_git(path, "fsck", "--strict")


KILLED = """
import sys, time
sys.path.insert(0, sys.argv[2])
from hub_support import new_commit
from etcsync.hub.hub import open_hub
with open_hub(sys.argv[1]) as hub, hub.importer() as importer:
    for number in range(300):
        importer.commit(new_commit({"a": (0o100644, importer.blob(b"%d" % number))}))
    print(importer._process.popen.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("also_git", [False, True])
def test_after_a_kill_the_next_run_finds_everything_as_it_was(path, hub, also_git):
    one = record(hub, {"a": b"1"}, ref=UPSTREAM_REF)
    run = subprocess.Popen(
        [sys.executable, "-c", KILLED, path, os.path.dirname(os.path.dirname(__file__))],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    importer_pid = int(run.stdout.readline())
    if also_git:
        os.kill(importer_pid, signal.SIGKILL)
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    patience = time.monotonic() + 20
    while os.path.exists(f"/proc/{importer_pid}") and time.monotonic() < patience:
        time.sleep(0.05)
    for name in os.listdir(os.path.join(path, "objects", "pack")):
        if name.startswith("tmp_"):
            os.utime(os.path.join(path, "objects", "pack", name), (0, 0))
    clean_up(hub)
    left = os.listdir(path) + os.listdir(os.path.join(path, "objects", "pack"))
    assert not [name for name in left if "crash" in name or name.startswith("tmp_")]
    assert hub.refs() == {UPSTREAM_REF: one}
    assert files(hub, record(hub, {"b": b"2"}, one)) == {"a": b"1", "b": b"2"}
    plain_git(path, "fsck", "--strict")


@pytest.mark.root
def test_a_full_disk_is_called_a_full_disk(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)], check=True)
    try:
        path = make_hub(small)
        with open_hub(path) as hub:
            with hub.importer() as importer, pytest.raises(HubError, match="is full") as caught:
                send(importer, [os.urandom(5_000_000)])
            assert caught.value.hint is not None
            assert "etcsync sync" in caught.value.hint
            assert hub.refs() == {}
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_thousand_commits_take_about_a_second(hub):
    tree = {f"{number % 40}/{number}": b"%d\n" % number * 20 for number in range(485)}
    upstream = record(hub, tree)
    started = time.monotonic()
    with hub.importer() as importer:
        for number in range(1000):
            change = {f"{number % 40}/{number % 485}": (FILE_MODE, importer.blob(b"c%d" % number))}
            importer.commit(new_commit(change, (upstream,)))
        assert len(importer.finish()) == 1000
    assert time.monotonic() - started < 5
