"""Adopting clones: their history arrives in the hub, whatever a client put into .git."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from repositories import commit, git, make_hub, make_upstream, snapshot, write

from etcsync.errors import HubError, TreeError
from etcsync.hub.adopt import Adopted, adopt_clone, inspect_clone
from etcsync.hub.clone_directory import Budget
from etcsync.hub.refs import read_ref
from etcsync.hub.set_aside import set_aside
from etcsync.hub.upstream import fetch_upstream, head_commit


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    etc = make_upstream(tmp_path / "root")
    write(etc, {"motd": "second\n"})
    commit(etc)
    return etc


@pytest.fixture
def hub(tmp_path: Path, etc: Path) -> Path:
    hub = make_hub(tmp_path / "state")
    fetch_upstream(str(hub), str(etc), head_commit(str(etc)))
    return hub


@pytest.fixture
def tree(tmp_path: Path, etc: Path) -> Path:
    """A clone as the guide makes it, with a commit of its own."""
    tree = tmp_path / "etc-client0"
    git(tmp_path, "clone", "--quiet", f"{etc}/.git", os.fspath(tree))
    write(tree, {"ssh/ssh_host_key": "secret\n"})
    commit(tree, "Add SSH host keys")
    return tree


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """A file that hostile programs create; that it never exists is checked after the test."""
    marker = tmp_path / "ran"
    yield marker
    assert not marker.exists()


def adopt(hub: Path, tree: Path, etc: Path, budget: Budget | None = None) -> Adopted:
    return adopt_clone(str(hub), "client0", str(tree), str(etc), budget)


def branch(hub: Path) -> str | None:
    return read_ref(str(hub), "refs/heads/client0")


def refused(hub: Path, tree: Path, etc: Path, message: str, budget: Budget | None = None) -> str:
    """Assert that adoption is refused quickly, with a hint, and leaves nothing behind."""
    before, listing = snapshot(tree), sorted(os.listdir(hub.parent))
    started = time.monotonic()
    with pytest.raises(TreeError, match=message) as caught:
        adopt(hub, tree, etc, budget)
    assert time.monotonic() - started < 10
    assert branch(hub) is None
    assert snapshot(tree) == before
    assert sorted(os.listdir(hub.parent)) == listing
    assert caught.value.hint
    return caught.value.hint


# --- what arrives


def test_history_arrives_whole_and_checked(hub, tree, etc):
    head = git(tree, "rev-parse", "HEAD")
    assert adopt(hub, tree, etc) == (head, head_commit(str(etc)))
    assert branch(hub) == head
    assert git(hub, "show", "client0:ssh/ssh_host_key") == "secret"
    git(hub, "fsck", "--strict")
    assert not (hub / "objects/info/alternates").exists()
    assert sorted(os.listdir(hub.parent)) == ["hub.git"]


def test_the_clone_is_only_read(hub, tree, etc):
    before = snapshot(tree)
    adopt(hub, tree, etc)
    assert snapshot(tree) == before


def test_a_clone_that_is_behind_has_an_older_merge_base(hub, tree, etc):
    base = head_commit(str(etc))
    write(etc, {"motd": "third\n"})
    commit(etc)
    fetch_upstream(str(hub), str(etc), head_commit(str(etc)))
    assert adopt(hub, tree, etc).merge_base == base


def test_a_merged_pull_moves_the_merge_base(hub, tree, etc):
    write(etc, {"motd": "third\n"})
    commit(etc)
    git(tree, "pull", "--quiet", "--no-edit", "--no-rebase")
    fetch_upstream(str(hub), str(etc), head_commit(str(etc)))
    assert adopt(hub, tree, etc).merge_base == head_commit(str(etc))


def test_an_unrelated_history_has_no_merge_base(hub, etc, tmp_path):
    tree = make_upstream(tmp_path / "other", {"motd": "unrelated\n"})
    assert adopt(hub, tree, etc) == (head_commit(str(tree)), None)


def test_a_detached_head_is_adopted(hub, tree, etc):
    git(tree, "checkout", "--quiet", "--detach")
    write(tree, {"motd": "detached\n"})
    head = commit(tree)
    assert adopt(hub, tree, etc).commit == head


def test_packed_refs_and_packs_are_read(hub, tree, etc):
    head = git(tree, "rev-parse", "HEAD")
    git(tree, "gc", "--quiet")
    assert not (tree / ".git/refs/heads/master").exists()
    assert adopt(hub, tree, etc).commit == head


def test_a_branch_of_another_name_is_read(hub, tree, etc):
    git(tree, "checkout", "--quiet", "-b", "feature/x.y")
    head = commit(tree)
    assert adopt(hub, tree, etc).commit == head


def test_an_unborn_clone_has_no_history(hub, etc, tmp_path):
    git(tmp_path, "init", "--quiet", "fresh")
    assert adopt(hub, tmp_path / "fresh", etc) == (None, None)
    assert branch(hub) is None


def test_a_tree_without_git_is_no_clone(hub, etc, tmp_path):
    (tmp_path / "plain").mkdir()
    assert inspect_clone(str(tmp_path / "plain")) is None
    refused(hub, tmp_path / "plain", etc, "no .git directory")


@pytest.mark.parametrize("how", ["--shared", "--no-hardlinks", "--local"])
def test_every_way_of_cloning_is_adopted(hub, etc, tmp_path, how):
    git(etc, "gc", "--quiet")
    git(tmp_path, "clone", "--quiet", how, f"{etc}/.git", "tree")
    write(tmp_path / "tree", {"motd": "mine\n"})
    head = commit(tmp_path / "tree")
    assert adopt(hub, tmp_path / "tree", etc) == (head, head_commit(str(etc)))
    git(hub, "fsck", "--strict", "--connectivity-only")


def test_a_shallow_clone_of_upstream_is_completed_from_upstream(hub, etc, tmp_path):
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{etc}/.git", "tree")
    write(tmp_path / "tree", {"motd": "mine\n"})
    head = commit(tmp_path / "tree")
    state = inspect_clone(str(tmp_path / "tree"))
    assert state is not None
    assert state.shallow
    assert adopt(hub, tmp_path / "tree", etc) == (head, head_commit(str(etc)))
    assert not (hub / "shallow").exists()
    assert git(hub, "rev-list", "--count", "client0") == "3"


def test_a_shallow_clone_of_something_else_is_refused(hub, etc, tmp_path):
    other = make_upstream(tmp_path / "other", {"a": "a"})
    commit(other)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{other}/.git", "tree")
    assert "--unshallow" in refused(hub, tmp_path / "tree", etc, "cut off")


def test_a_clone_that_borrows_from_elsewhere_is_refused(hub, etc, tmp_path):
    other = make_upstream(tmp_path / "other", {"a": "a"})
    git(tmp_path, "clone", "--quiet", "--shared", f"{other}/.git", "tree")
    commit(tmp_path / "tree")
    assert "repack" in refused(hub, tmp_path / "tree", etc, "borrows")


def test_a_clone_cannot_name_what_only_the_hub_has(hub, tree, etc):
    secret = git(hub, "hash-object", "-t", "blob", "-w", "--stdin", stdin=b"another client's key")
    listing = f"100644 blob {secret}\tstolen\n".encode()
    stolen_tree = git(tree, "mktree", "--missing", stdin=listing)
    stolen = git(tree, "commit-tree", "-m", "stolen", "-p", "HEAD", stolen_tree)
    git(tree, "update-ref", "refs/heads/master", stolen)
    refused(hub, tree, etc, "not complete")


@pytest.mark.parametrize("known", ["id", "commit", "tree"])
def test_a_clone_cannot_take_over_another_clients_commit(hub, tree, etc, known):
    blob = git(hub, "hash-object", "-t", "blob", "-w", "--stdin", stdin=b"another client's key")
    other_tree = git(hub, "mktree", stdin=f"100644 blob {blob}\tkey\n".encode())
    other = git(hub, "commit-tree", "-m", "other", "-p", "upstream", other_tree)
    git(hub, "update-ref", "refs/heads/client1", other)
    stolen = {"id": [], "commit": [other], "tree": [other, other_tree]}[known]
    for oid in stolen:
        (tree / ".git/objects" / oid[:2]).mkdir(exist_ok=True)
        shutil.copy(hub / "objects" / oid[:2] / oid[2:], tree / ".git/objects" / oid[:2])
    (tree / ".git/refs/heads/master").write_text(f"{other}\n")
    refused(hub, tree, etc, "not complete")


def test_a_missing_object_is_refused(hub, tree, etc):
    blob = git(tree, "rev-parse", "HEAD:ssh/ssh_host_key")
    (tree / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert "fsck" in refused(hub, tree, etc, "not complete")


def test_a_missing_head_commit_is_refused(hub, tree, etc):
    (tree / ".git/refs/heads/master").write_text("1" * 40 + "\n")
    refused(hub, tree, etc, "not complete")


@pytest.mark.parametrize(
    ("name", "operation"),
    [("MERGE_HEAD", "merge"), ("CHERRY_PICK_HEAD", "cherry-pick"), ("rebase-merge", "rebase")],
)
def test_an_unfinished_operation_is_refused(hub, tree, etc, name, operation):
    (tree / ".git" / name).mkdir()
    assert f"{operation} --abort" in refused(hub, tree, etc, f"a {operation} was begun")


def test_a_real_merge_conflict_is_refused(hub, tree, etc):
    write(etc, {"motd": "upstream's\n"})
    commit(etc)
    write(tree, {"motd": "client's\n"})
    commit(tree)
    with pytest.raises(AssertionError):
        git(tree, "pull", "--no-edit", "--no-rebase")
    assert "client" in refused(hub, tree, etc, "a merge was begun")


# --- doing it again


def test_adopting_twice_changes_nothing(hub, tree, etc):
    first = adopt(hub, tree, etc)
    before = snapshot(hub)
    assert adopt(hub, tree, etc) == first
    assert snapshot(hub) == before


def test_new_commits_of_the_clone_are_taken_over(hub, tree, etc):
    adopt(hub, tree, etc)
    write(tree, {"motd": "later\n"})
    head = commit(tree)
    assert adopt(hub, tree, etc).commit == head
    assert branch(hub) == head


def test_a_branch_that_is_ahead_of_the_clone_stays(hub, tree, etc):
    adopt(hub, tree, etc)
    ahead = git(hub, "-c", "user.name=x", "commit-tree", "-m", "capture", "-p", "client0",
                "client0^{tree}")  # fmt: skip
    git(hub, "update-ref", "refs/heads/client0", ahead)
    adopt(hub, tree, etc)
    assert branch(hub) == ahead


def test_another_history_of_that_name_is_kept(hub, tree, etc, tmp_path):
    old = adopt(hub, tree, etc).commit
    other = make_upstream(tmp_path / "other", {"motd": "unrelated\n"})
    adopt(hub, other, etc)
    assert branch(hub) == head_commit(str(other))
    assert read_ref(str(hub), f"refs/etcsync/former/client0/{old}") == old


def test_left_overs_of_a_killed_adoption_are_cleared_away(hub, tree, etc):
    write(hub.parent / ".adopting-client0", {"objects/ab/cd": "left over", "HEAD": "x"})
    adopt(hub, tree, etc)
    assert sorted(os.listdir(hub.parent)) == ["hub.git"]


def test_upstream_must_have_been_fetched(tree, etc, tmp_path):
    with pytest.raises(HubError, match="does not have upstream"):
        adopt(make_hub(tmp_path / "empty"), tree, etc)


# --- hostile clones


def test_nothing_in_the_clone_is_executed(hub, tree, etc, marker, tmp_path):
    head = git(tree, "rev-parse", "HEAD")
    program = tmp_path / "evil"
    program.write_text(f"#!/bin/sh\ntouch {marker}\ncat\n")
    program.chmod(0o755)
    hooks = tree / ".git/hooks"
    shutil.rmtree(hooks, ignore_errors=True)
    hooks.mkdir()
    for name in ("reference-transaction", "post-checkout", "pre-auto-gc", "post-index-change"):
        (hooks / name).symlink_to(program)
    with (tree / ".git/config").open("a") as config:
        config.write(
            f"[core]\n\tfsmonitor = {program}\n\thooksPath = {hooks}\n\tsshCommand = {program}\n"
            f"\talternateRefsCommand = {program}\n\tgitProxy = {program}\n\tpager = {program}\n"
            f'[filter "evil"]\n\tclean = {program}\n\tsmudge = {program}\n'
            f"[uploadpack]\n\tpackObjectsHook = {program}\n"
            f"[include]\n\tpath = /etc/shadow\n[extensions]\n\tpartialClone = origin\n"
            f'[remote "origin"]\n\tpromisor = true\n\tuploadpack = {program}\n'
        )
    write(tree, {".gitattributes": "* filter=evil diff=evil merge=evil\n"})
    (tree / ".git/info").mkdir(exist_ok=True)
    (tree / ".git/info/attributes").write_text("* filter=evil\n")
    (tree / ".git/info/grafts").write_text("nonsense\n")
    (tree / ".git/objects/info/alternates").write_text("/\n/root\n")
    assert adopt(hub, tree, etc).commit == head


def test_git_itself_as_a_link_is_refused(hub, tree, etc, tmp_path):
    (tree / ".git").rename(tmp_path / "elsewhere")
    (tree / ".git").symlink_to(tmp_path / "elsewhere")
    refused(hub, tree, etc, "is not a directory")


def test_a_gitfile_is_refused(hub, tree, etc, tmp_path):
    (tree / ".git").rename(tmp_path / "elsewhere")
    (tree / ".git").write_text(f"gitdir: {tmp_path}/elsewhere\n")
    refused(hub, tree, etc, "is not a directory")


def test_the_tree_itself_as_a_link_is_refused(hub, tree, etc, tmp_path):
    tree.rename(tmp_path / "elsewhere")
    tree.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TreeError, match="is a link"):
        adopt(hub, tree, etc)


@pytest.mark.parametrize("name", ["HEAD", "refs/heads/master", "packed-refs"])
@pytest.mark.parametrize("kind", ["link", "fifo", "huge", "device", "socket"])
def test_what_is_no_plain_small_file_is_refused(hub, tree, etc, name, kind):
    place = tree / ".git" / name
    if name == "packed-refs":
        git(tree, "pack-refs", "--all")
    place.unlink()
    if kind == "link":
        place.symlink_to("/etc/shadow")
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "huge":
        place.touch()
        os.truncate(place, 1 << 30)
    elif kind == "socket":
        os.mknod(place, 0o140644)
    else:
        if os.geteuid() != 0:
            pytest.skip("only root makes device nodes")
        os.mknod(place, 0o020644, os.makedev(10, 237))
    refused(hub, tree, etc, "not a regular file|larger than")


@pytest.mark.parametrize(
    "content",
    ["", "nonsense", "ref: refs/heads/a\nb", "ref: ../../../etc/shadow", "ref: refs/../../HEAD",
     "ref: refs/heads/\x1b[31m", "ref: HEAD", "0" * 39, "a" * 64, "ref: refs/heads/.invalid/../x",
     "gitdir: /etc"],
)  # fmt: skip
def test_a_head_that_leads_astray_is_refused(hub, tree, etc, content):
    (tree / ".git/HEAD").write_text(content)
    refused(hub, tree, etc, "HEAD .* cannot be understood")


def test_a_ref_below_too_many_directories_is_refused(hub, tree, etc):
    name = "refs/" + "a/" * 300 + "b"
    (tree / ".git/HEAD").write_text(f"ref: {name}\n")
    (tree / ".git" / name).parent.mkdir(parents=True)
    refused(hub, tree, etc, "HEAD .* cannot be understood")


def test_refs_in_a_circle_are_refused(hub, tree, etc):
    (tree / ".git/refs/heads/master").write_text("ref: refs/heads/master\n")
    refused(hub, tree, etc, "cannot be understood")


def test_refs_with_odd_names_do_not_matter(hub, tree, etc):
    (tree / ".git/refs/heads/a\nb \x1b[31m").write_text("nonsense")
    (tree / ".git/packed-refs").write_bytes(b"\xff\xfe nonsense\n" * 1000)
    adopt(hub, tree, etc)


@pytest.mark.parametrize("name", ["objects", "refs", "refs/heads"])
def test_a_directory_that_is_a_link_is_refused(hub, tree, etc, tmp_path, name):
    (tree / ".git" / name).rename(tmp_path / "elsewhere")
    (tree / ".git" / name).symlink_to(tmp_path / "elsewhere")
    refused(hub, tree, etc, "is a link or not a directory")


def test_links_among_the_objects_are_refused(hub, tree, etc):
    fan = tree / ".git/objects/ab"
    fan.mkdir(exist_ok=True)
    (fan / ("c" * 38)).symlink_to("/etc/shadow")
    refused(hub, tree, etc, "not a regular file")


def test_a_fan_that_is_a_link_is_refused(hub, tree, etc):
    shutil.rmtree(tree / ".git/objects/ab", ignore_errors=True)
    (tree / ".git/objects/ab").symlink_to("/etc")
    refused(hub, tree, etc, "is a link or not a directory")


def test_a_device_among_the_packs_is_refused(hub, tree, etc):
    os.mkfifo(tree / ".git/objects/pack" / f"pack-{'a' * 40}.pack")
    refused(hub, tree, etc, "not a regular file")


def test_what_is_no_object_is_not_copied(hub, tree, etc):
    objects = tree / ".git/objects"
    os.mkfifo(objects / "pack/tmp_pack_x")
    (objects / "pack/multi-pack-index").symlink_to("/dev/zero")
    (objects / "info/commit-graph").write_bytes(b"CGPH nonsense")
    (objects / "zz").symlink_to("/")
    adopt(hub, tree, etc)


def test_a_sparse_gigabyte_among_the_objects_is_bounded(hub, tree, etc):
    pack = tree / ".git/objects/pack" / f"pack-{'a' * 40}.pack"
    pack.touch()
    os.truncate(pack, 1 << 30)
    refused(hub, tree, etc, "larger than", Budget(size=1 << 29))


def test_a_petabyte_is_refused_without_reading_it(hub, tree, etc):
    pack = tree / ".git/objects/pack" / f"pack-{'a' * 40}.pack"
    pack.touch()
    os.truncate(pack, 1 << 43)
    refused(hub, tree, etc, "larger than")


def test_too_many_files_are_refused(hub, tree, etc):
    fan = tree / ".git/objects/ab"
    fan.mkdir(exist_ok=True)
    for number in range(300):
        (fan / f"{number:038x}").touch()
    refused(hub, tree, etc, "larger than", Budget(entries=200))


def test_corrupt_objects_are_refused(hub, tree, etc):
    blob = git(tree, "rev-parse", "HEAD:ssh/ssh_host_key")
    place = tree / ".git/objects" / blob[:2] / blob[2:]
    place.chmod(0o644)
    place.write_bytes(b"nonsense")
    refused(hub, tree, etc, "not complete or damaged")


def test_an_object_under_a_false_name_is_refused(hub, tree, etc):
    blob = git(tree, "rev-parse", "HEAD:ssh/ssh_host_key")
    other = git(tree, "hash-object", "-w", "--stdin", stdin=b"something else")
    place = tree / ".git/objects" / blob[:2] / blob[2:]
    place.unlink()
    shutil.copy(tree / ".git/objects" / other[:2] / other[2:], place)
    refused(hub, tree, etc, "not complete or damaged")


def test_trees_that_git_would_not_write_are_refused(hub, tree, etc):
    blob = git(tree, "hash-object", "-w", "--stdin", stdin=b"[core]\n")
    bad = git(tree, "hash-object", "-t", "tree", "-w", "--literally", "--stdin",
              stdin=b"100644 .git\0" + bytes.fromhex(blob))  # fmt: skip
    head = git(tree, "commit-tree", "-m", "bad", "-p", "HEAD", bad)
    git(tree, "update-ref", "refs/heads/master", head)
    refused(hub, tree, etc, "not complete or damaged")


def test_a_false_upstream_pack_is_not_believed(hub, tree, etc):
    git(etc, "gc", "--quiet")
    packs = [path for path in (etc / ".git/objects/pack").iterdir() if path.suffix == ".pack"]
    (tree / ".git/objects/pack" / packs[0].name).write_bytes(b"PACK nonsense")
    head = git(tree, "rev-parse", "HEAD")
    assert adopt(hub, tree, etc).commit == head


# --- setting the .git directory aside


def test_set_aside_moves_the_directory_out_of_the_tree(tree, tmp_path):
    before = {path.relative_to(tree / ".git") for path in (tree / ".git").rglob("*")}
    destination = tmp_path / "state/adopted/client0"
    assert set_aside(str(tree), str(destination)) == str(destination)
    assert not (tree / ".git").exists()
    assert {path.relative_to(destination) for path in destination.rglob("*")} == before
    assert (tmp_path / "state/adopted").stat().st_mode & 0o777 == 0o700
    assert (tree / "motd").read_text() == "second\n"
    assert set_aside(str(tree), str(destination)) is None


def test_set_aside_uses_a_numbered_name_where_one_is_taken(tree, tmp_path):
    for expected in ("client0", "client0.1", "client0.2"):
        place = set_aside(str(tree), str(tmp_path / "state" / expected[:7]))
        assert place == str(tmp_path / "state" / expected)
        (tree / ".git").mkdir()
        (tree / ".git/HEAD").write_text("new")


def test_set_aside_leaves_a_gitfile(tree, tmp_path):
    set_aside(str(tree), str(tmp_path / "state/client0"))
    (tree / ".git").write_text("gitdir: /hub.git/worktrees/client0\n")
    assert set_aside(str(tree), str(tmp_path / "state/client0")) is None
    assert (tree / ".git").is_file()


def test_set_aside_leaves_a_link_and_does_not_follow_it(tree, tmp_path):
    (tree / ".git").rename(tmp_path / "elsewhere")
    (tree / ".git").symlink_to(tmp_path / "elsewhere")
    assert set_aside(str(tree), str(tmp_path / "state/client0")) is None
    assert (tree / ".git").is_symlink()
    assert (tmp_path / "elsewhere/HEAD").exists()


@pytest.fixture
def other_file_system() -> Iterator[Path]:
    """A directory on another file system than the tests' own."""
    place = Path("/dev/shm") / f"etcsync-test-{os.getpid()}"
    place.mkdir()
    if place.stat().st_dev == Path("/tmp").stat().st_dev:
        place.rmdir()
        pytest.skip("needs two file systems")
    yield place
    shutil.rmtree(place)


def contents(directory: Path) -> dict[str, bytes]:
    return {
        os.fspath(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def test_set_aside_copies_to_another_file_system(tree, other_file_system):
    before = contents(tree / ".git")
    (tree / ".git/link").symlink_to("/etc/shadow")
    os.mkfifo(tree / ".git/fifo")
    destination = other_file_system / "client0"
    assert set_aside(str(tree), str(destination)) == str(destination)
    assert not (tree / ".git").exists()
    assert contents(destination) == before
    assert os.readlink(destination / "link") == "/etc/shadow"
    assert os.listdir(other_file_system) == ["client0"]


def test_set_aside_across_file_systems_is_bounded(tree, other_file_system):
    with pytest.raises(TreeError, match="larger than"):
        set_aside(str(tree), str(other_file_system / "client0"), Budget(size=100))
    deep = tree / ".git"
    for _ in range(100):
        deep /= "d"
        deep.mkdir()
    with pytest.raises(TreeError, match="directories deep"):
        set_aside(str(tree), str(other_file_system / "client0"))
    assert (tree / ".git/HEAD").exists()


def test_set_aside_killed_at_any_moment_is_completed_by_the_next(tmp_path, tree, other_file_system):
    program = (
        "import sys; from etcsync.hub.set_aside import set_aside\n"
        "print(flush=True); set_aside(sys.argv[1], sys.argv[2])"
    )
    for number in range(300):
        write(tree / ".git/many", {str(number): "x" * 1000})
    before = contents(tree / ".git")
    for number in range(16):
        work, target = tmp_path / f"tree{number}", other_file_system / str(number)
        shutil.copytree(tree, work, symlinks=True)
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(work), str(target / "client0")],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(number * 0.004)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        set_aside(str(work), str(target / "client0"))
        assert not (work / ".git").exists()
        assert os.listdir(target) == ["client0"]
        assert contents(target / "client0") == before


def test_a_later_git_directory_is_not_mistaken_for_the_copied_one(tree, other_file_system):
    destination = other_file_system / "client0"
    (other_file_system / "client0.removing").write_text("1:1 client0")
    assert set_aside(str(tree), str(destination)) == str(destination)
    assert (destination / "HEAD").exists()
