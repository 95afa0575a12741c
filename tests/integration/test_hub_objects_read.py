import os
import time
import zlib

import pytest
from hub_support import make_hub, new_commit, plain_git, record

from etcsync.entries import blob_oid
from etcsync.errors import HubError
from etcsync.hub import trees
from etcsync.hub.failures import unreadable
from etcsync.hub.git import _Complaints
from etcsync.hub.hub import open_hub
from etcsync.hub.objects import DIRECTORY_MODE, EXECUTABLE_MODE, FILE_MODE, SYMLINK_MODE, GitEntry

ABSENT = "0123456789" * 4
HOSTILE = [
    "-rf",
    " lead",
    "trail ",
    'qu"ote',
    "new\nline",
    "tab\t",
    "\udcff\udc80",
    "Ω",
    "\\x2d",
    "*",
    "\x01\x7f",
]


@pytest.fixture
def path(tmp_path):
    return make_hub(tmp_path)


@pytest.fixture
def hub(path):
    with open_hub(path) as hub:
        yield hub


def make_tree(path, *entries: tuple[str, bytes, str]) -> str:
    """Write a tree object as git's plumbing does, which lets unsafe names pass."""
    kinds = {"40000": "tree", "160000": "commit"}
    lines = b"".join(
        b"%s %s %s\t%s\0" % (mode.encode(), kinds.get(mode, "blob").encode(), oid.encode(), name)
        for mode, name, oid in entries
    )
    return plain_git(path, "mktree", "-z", "--missing", stdin=lines).decode().strip()


def test_a_tree_is_flat_with_its_directories(hub):
    with hub.importer() as importer:
        blob = importer.blob(b"x")
        changes = {
            "motd": (FILE_MODE, blob),
            "a/b/run": (EXECUTABLE_MODE, blob),
            "a/link": (SYMLINK_MODE, blob),
        }
        mark = importer.commit(new_commit(changes))
        commit = importer.finish()[mark]
    tree = hub.tree(hub.commit(commit).tree)
    assert set(tree) == {"motd", "a", "a/b", "a/b/run", "a/link"}
    assert tree["motd"] == GitEntry(FILE_MODE, blob)
    assert tree["a/b/run"] == GitEntry(EXECUTABLE_MODE, blob)
    assert tree["a/link"] == GitEntry(SYMLINK_MODE, blob)
    assert tree["a/b"].mode == DIRECTORY_MODE
    assert set(hub.tree(tree["a"].oid)) == {"b", "b/run", "link"}


def test_every_name_comes_back_as_it_was(path, hub):
    files = {
        f"{one}/{other}": b"%d" % index for index, one in enumerate(HOSTILE) for other in HOSTILE
    }
    commit = record(hub, files)
    tree = hub.tree(hub.commit(commit).tree)
    assert {name: tree[name].oid for name in files} == {
        name: blob_oid(content) for name, content in files.items()
    }
    listed = plain_git(path, "ls-tree", "-r", "-z", "--name-only", commit).split(b"\0")[:-1]
    assert {os.fsdecode(name) for name in listed} == set(files)
    plain_git(path, "fsck", "--strict")


def test_nested_repositories_and_unsafe_names_are_left_out_and_told(path, hub):
    inner = make_tree(path, ("100644", b"config", blob_oid(b"")))
    sub = make_tree(path, ("40000", b".GIT", inner), ("100644", b"ok", blob_oid(b"")))
    tree = make_tree(
        path,
        ("160000", b"nested", ABSENT),
        ("40000", b"sub", sub),
        ("40000", b".git", inner),
        ("100644", b"..", blob_oid(b"")),
    )
    assert set(hub.tree(tree)) == {"sub", "sub/ok"}
    assert set(hub.rejected(tree)) == {"nested", "sub/.GIT", ".git", ".."}


def test_trees_may_be_as_deep_as_paths_can_be(path, hub):
    deep = "/".join(["d"] * 2000) + "/f"
    commit = record(hub, {deep: b"x"})
    assert deep in hub.tree(hub.commit(commit).tree)


def test_what_is_too_deep_for_a_path_is_left_out(path, hub):
    tree = make_tree(path, ("100644", b"file", blob_oid(b"")))
    for _ in range(20):
        tree = make_tree(path, ("40000", b"d" * 250, tree))
    entries, rejected = hub.tree(tree), hub.rejected(tree)
    assert len(entries) == 16
    assert len(rejected) == 1


def test_a_few_trees_that_spell_out_billions_of_paths_are_refused(path, hub, monkeypatch):
    monkeypatch.setattr(trees, "MOST_PATHS", 5000)
    tree = make_tree(path, ("100644", b"file", blob_oid(b"")))
    for _ in range(12):
        tree = make_tree(path, *(("40000", b"%02d" % number, tree) for number in range(40)))
    with pytest.raises(HubError, match="paths"):
        hub.tree(tree)


def test_many_trees_at_once_are_the_same_as_one_by_one(path, hub):
    files = {f"{name}/{other}/f": b"x" for name in "abc" for other in "def"}
    first = record(hub, files)
    trees = [hub.commit(record(hub, {f"a/d/{n}": b"y"}, first)).tree for n in range(3)]
    with open_hub(path) as other:
        assert other.trees(trees) == {tree: hub.tree(tree) for tree in trees}


def test_objects_are_told_from_those_that_are_missing(hub):
    commit = record(hub, {"motd": b"hello\n"})
    blob = blob_oid(b"hello\n")
    assert hub.has([blob, ABSENT, commit]) == {blob, commit}
    assert hub.sizes([blob, ABSENT]) == {blob: 6}
    assert hub.blob(blob) == b"hello\n"


def test_after_an_error_the_hub_goes_on(hub):
    commit = record(hub, {"motd": b"hello\n", "empty": b""})
    blob = blob_oid(b"hello\n")
    for oid, what in ((ABSENT, "missing"), (commit, "not a blob"), ("HEAD", "no object id")):
        with pytest.raises(HubError, match=what) as caught:
            hub.blob(oid)
        assert caught.value.hint is not None
        assert "etcsync init" in caught.value.hint
        assert hub.blob(blob) == b"hello\n"
    with pytest.raises(HubError, match="missing"):
        hub.commits([commit, ABSENT])
    assert hub.commit(commit).oid == commit
    assert hub.blob(blob_oid(b"")) == b""


def test_a_corrupt_object_is_an_error_that_says_what_to_do(path):
    content = b"x" * 1000
    oid = blob_oid(content)
    directory = os.path.join(path, "objects", oid[:2])
    os.makedirs(directory)
    with open(os.path.join(directory, oid[2:]), "wb") as file:
        file.write(zlib.compress(b"blob 1000\0" + content)[:-9])
    with open_hub(path) as hub:
        with pytest.raises(HubError, match="damaged") as caught:
            hub.blob(oid)
        assert caught.value.hint is not None
        with pytest.raises(HubError):
            hub.blob(oid)


@pytest.mark.parametrize(
    "said", ["", "fatal: Out of memory, malloc failed", "error: x: Input/output error"]
)
def test_what_is_not_the_hubs_fault_is_not_called_damage(said):
    error = unreadable("/var/lib/etcsync/hub.git", said)
    assert "damaged" not in error.message
    assert error.hint is not None
    assert "init" not in error.hint


def test_a_reader_that_is_killed_is_no_damage(hub):
    commit = record(hub, {"motd": b"1\n"})
    assert hub.commit(commit).oid == commit
    hub._contents._process.popen.kill()
    hub._contents._process.popen.wait()
    with pytest.raises(HubError, match="ended without a word"):
        hub.commit(commit)


def test_a_running_reader_sees_what_is_written_later(hub):
    first = record(hub, {"motd": b"1\n"})
    assert hub.commit(first).message == "a message\n"
    second = record(hub, {"motd": b"2\n"}, first)
    assert hub.commit(second).parents == (first,)
    assert hub.blob(blob_oid(b"2\n")) == b"2\n"


def test_ancestors_are_those_that_git_knows(path, hub):
    first = record(hub, {"a": b"1"})
    left = record(hub, {"b": b"1"}, first)
    right = record(hub, {"c": b"1"}, first)
    merge = record(hub, {"d": b"1"}, left, right)
    stranger = record(hub, {"e": b"1"})
    assert hub.is_ancestor(right, merge)
    assert not hub.is_ancestor(merge, right)
    assert hub.count_between(left, merge) == 2
    assert hub.count_between(stranger, merge) == 4
    assert hub.merge_base(left, right) == first
    assert hub.merge_base(left, stranger) is None
    with pytest.raises(HubError):
        hub.count_between(ABSENT, merge)


def test_a_thousand_commits_and_trees_are_read_in_no_time(hub):
    base = record(hub, {f"{number % 40}/{number}": b"x" for number in range(485)})
    with hub.importer() as importer:
        for number in range(1000):
            change = {"7/7": (FILE_MODE, importer.blob(b"%d" % number))}
            importer.commit(new_commit(change, (base,)))
        oids = importer.finish().values()
    started = time.process_time()
    commits = hub.commits(oids)
    assert time.process_time() - started < 0.5
    assert len(commits) == 1000
    started = time.process_time()
    for commit in commits.values():
        assert len(hub.tree(commit.tree)) == 485 + 40
    assert time.process_time() - started < 3


def test_no_process_and_no_descriptor_is_left_behind(path):
    def held():
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return file.read().split(), sorted(os.listdir("/proc/self/fd"))

    with open_hub(path) as hub:
        commit = record(hub, {"motd": b"1\n"})
    before = held()
    for number in range(200):
        with open_hub(path) as hub:
            hub.commit(commit)
            hub.has([commit])
            if number % 20 == 0:
                record(hub, {"motd": b"%d\n" % number}, commit)
            if number % 20 == 1:
                with pytest.raises(HubError):
                    hub.blob(ABSENT)
    assert held() == before


def test_complaints_that_cannot_be_read_are_none(capfd):
    with open("/proc/self/mem", "rb") as unreadable:  # its first page gives EIO
        complaints = _Complaints(unreadable)
        complaints.listen()
        assert not complaints.text()
    assert "Traceback" not in capfd.readouterr().err
