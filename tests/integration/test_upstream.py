"""Reading upstream, fetching from it, and committing in it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from repositories import commit, git, make_hub, make_upstream, snapshot, write

from etcsync.errors import UpstreamError
from etcsync.hub import upstream_head
from etcsync.hub.refs import read_ref
from etcsync.hub.upstream import (
    UPSTREAM_REF,
    fetch_upstream,
    head_commit,
    read_upstream,
    uncommitted,
)
from etcsync.hub.upstream_commit import commit_all, init_repository, uses_etckeeper


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    return make_upstream(tmp_path / "root")


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return make_hub(tmp_path / "state")


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch):
    """Let every attempt to start a process fail."""

    def refuse(*arguments, **keywords):
        raise AssertionError(f"a process was started: {arguments}")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)


def plant_marker(etc: Path, marker: Path) -> None:
    """Let every hook, and the file system monitor, create a marker file."""
    program = etc.parent / "planted"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    hooks = etc / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("pre-commit", "post-commit", "commit-msg", "post-index-change",
                 "reference-transaction", "prepare-commit-msg"):  # fmt: skip
        (hooks / hook).symlink_to(program)
    git(etc, "config", "core.fsmonitor", os.fspath(program))


# --- where upstream stands


def test_head_is_read_without_a_process(etc, request):
    expected = git(etc, "rev-parse", "HEAD")
    request.getfixturevalue("no_process")
    assert head_commit(str(etc)) == expected


def test_head_is_read_from_packed_refs(etc):
    expected = git(etc, "rev-parse", "HEAD")
    git(etc, "pack-refs", "--all")
    assert not (etc / ".git/refs/heads/master").exists()
    assert head_commit(str(etc)) == expected


@pytest.mark.parametrize("arrange", ["refs stay", "pack-refs --all", "checkout -qb a/b-1.x"])
def test_a_plain_repository_is_read_as_gitpython_reads_it(etc, arrange):
    if arrange != "refs stay":
        git(etc, *arrange.split())
    plain = upstream_head._plain_head(str(etc))
    assert plain == upstream_head._any_head(str(etc))
    assert plain is not None


@pytest.mark.parametrize(
    "settings",
    ["[core]\n\tbare = true\n", "[Core] bare\n", "[extensions] x\n", "[include] path = x\n"],
)
def test_a_repository_with_unusual_settings_is_not_taken_for_plain(etc, settings):
    with open(etc / ".git/config", "a") as file:
        file.write(settings)
    assert upstream_head._plain_head(str(etc)) is None


def test_detached_head_is_read(etc):
    expected = git(etc, "rev-parse", "HEAD")
    git(etc, "checkout", "--quiet", "--detach")
    state = read_upstream(str(etc))
    assert (state.commit, state.branch) == (expected, None)


def test_state_tells_commit_branch_edits_and_transaction(etc):
    write(etc, {"motd": "edited\n"})
    (etc / ".git/index.lock").touch()
    state = read_upstream(str(etc))
    assert state.path == str(etc)
    assert state.branch == "master"
    assert state.uncommitted == ("motd",)
    assert state.busy is not None
    assert "index.lock" in state.busy


def test_a_name_with_a_dollar_is_not_expanded(tmp_path):
    etc = make_upstream(tmp_path / "$HOME")
    assert head_commit(str(etc)) == git(etc, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("arrange", "message", "hint"),
    [
        ("rm -rf etc", "is not a directory", "upstream.root"),
        ("rm -rf etc/.git", "is not under git", "etcsync init"),
        ("git -C etc config core.bare true", "is bare", "upstream.etc"),
        ("rm -rf etc/.git && git -C etc init -q", "nothing was committed", "etckeeper commit"),
        (": >etc/.git/refs/heads/master", "HEAD leads nowhere", "fsck"),
        (": >etc/.git/HEAD", "is not under git", "etcsync init"),
        ("echo nonsense >etc/.git/refs/heads/master", "HEAD leads nowhere", "fsck"),
        ("mkdir etc/.git/reftable", "format", "refs migrate"),
    ],
)
def test_what_cannot_be_read_is_explained(etc, arrange, message, hint):
    subprocess.run(["sh", "-c", arrange], cwd=etc.parent, check=True)
    with pytest.raises(UpstreamError, match=message) as caught:
        head_commit(str(etc))
    assert hint in caught.value.hint


def test_a_repository_above_etc_is_not_taken_for_upstream(tmp_path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "root/etc").mkdir(parents=True)
    with pytest.raises(UpstreamError, match="is not under git"):
        head_commit(str(tmp_path / "root/etc"))


# --- uncommitted edits


def test_nothing_is_uncommitted_after_a_commit(etc):
    assert uncommitted(str(etc)) == ()


def test_every_kind_of_edit_is_uncommitted(etc):
    write(etc, {".gitignore": "*.cache\n", "gone": "", "old-name": "long enough to be a rename\n",
                "staged": "", "mode": "", "type": ""})  # fmt: skip
    commit(etc)
    write(etc, {"motd": "edited\n", "new/deep/file": "x", "ld.cache": "ignored", "staged": "s"})
    git(etc, "add", "staged")
    git(etc, "mv", "old-name", "new-name")
    (etc / "gone").unlink()
    (etc / "mode").chmod(0o755)
    (etc / "type").unlink()
    (etc / "type").symlink_to("/dev/null")
    odd = os.fsdecode(b'odd \xff\n"name')
    write(etc, {odd: "x"})
    assert uncommitted(str(etc)) == tuple(sorted(
        ["gone", "mode", "motd", "new-name", "new/deep/file", odd, "old-name", "staged", "type"]
    ))  # fmt: skip


def test_a_repository_inside_etc_is_one_path_and_its_filters_do_not_run(etc, tmp_path):
    inner = make_upstream(tmp_path / "other", {"a": "a\n"})
    inner.rename(etc / "inner")
    marker = tmp_path / "ran"
    assert uncommitted(str(etc)) == ("inner",)
    commit(etc)
    git(etc / "inner", "config", "filter.evil.clean", f"touch {marker}; cat")
    write(etc / "inner", {".gitattributes": "* filter=evil\n", "a": "changed\n"})
    assert uncommitted(str(etc)) == ()
    assert not marker.exists()


def test_looking_for_edits_writes_nothing_and_runs_nothing(etc, tmp_path):
    marker = tmp_path / "ran"
    plant_marker(etc, marker)
    os.utime(etc / "motd", (1, 1))
    before = snapshot(etc)
    assert uncommitted(str(etc)) == ()
    assert snapshot(etc) == before
    assert not marker.exists()


# --- fetching


def fetched(hub: Path, etc: Path, **options: bool):
    return fetch_upstream(str(hub), str(etc), head_commit(str(etc)), **options)


def test_first_fetch_creates_the_branch_with_all_history(hub, etc):
    write(etc, {"motd": "second\n"})
    second = commit(etc)
    assert fetched(hub, etc) == (None, second)
    assert read_ref(str(hub), UPSTREAM_REF) == second
    assert git(hub, "rev-list", "--count", second) == "2"
    git(hub, "fsck", "--strict")


def test_a_later_fetch_moves_the_branch(hub, etc):
    first = fetched(hub, etc).new
    write(etc, {"motd": "second\n"})
    second = commit(etc)
    assert fetched(hub, etc) == (first, second)


def test_a_fetch_with_nothing_new_starts_no_process_and_writes_nothing(hub, etc, request):
    commit_id = fetched(hub, etc).new
    before = snapshot(hub)
    request.getfixturevalue("no_process")
    assert fetched(hub, etc) == (commit_id, commit_id)
    assert snapshot(hub) == before


def test_only_the_branch_and_objects_arrive(hub, etc):
    git(etc, "tag", "v1")
    git(etc, "branch", "other")
    fetched(hub, etc)
    assert git(hub, "for-each-ref", "--format=%(refname)") == UPSTREAM_REF
    assert not (hub / "FETCH_HEAD").exists()
    assert not (hub / "objects/info/alternates").exists()
    mine = {path.stat().st_ino for path in (hub / "objects").rglob("*") if path.is_file()}
    theirs = {path.stat().st_ino for path in (etc / ".git/objects").rglob("*") if path.is_file()}
    assert not mine & theirs


def test_what_the_hub_has_of_clients_is_not_walked(hub, etc):
    fetched(hub, etc)
    lost = hub / "refs/heads/client0"
    lost.write_text("1" * 40 + "\n")
    write(etc, {"motd": "second\n"})
    second = commit(etc)
    assert fetched(hub, etc).new == second
    lost.unlink()
    assert git(hub, "fsck", "--no-dangling", "--connectivity-only") == ""


def test_exactly_the_named_commit_is_fetched(hub, etc):
    named = head_commit(str(etc))
    write(etc, {"motd": "committed meanwhile\n"})
    later = commit(etc)
    assert fetch_upstream(str(hub), str(etc), named).new == named
    with pytest.raises(AssertionError):
        git(hub, "cat-file", "-e", later)


def test_a_detached_head_is_fetched(hub, etc):
    git(etc, "checkout", "--quiet", "--detach")
    write(etc, {"motd": "on no branch\n"})
    detached = commit(etc)
    assert fetched(hub, etc).new == detached


def test_a_commit_that_no_branch_has_any_more_is_fetched(hub, etc):
    write(etc, {"motd": "to be amended\n"})
    amended = commit(etc)
    git(etc, "reset", "--quiet", "--hard", "HEAD^")
    assert fetch_upstream(str(hub), str(etc), amended).new == amended


def test_rewritten_history_is_refused_until_accepted(hub, etc):
    write(etc, {"motd": "second\n"})
    commit(etc)
    old = fetched(hub, etc).new
    git(etc, "commit", "--quiet", "--amend", "-m", "Rewritten")
    with pytest.raises(UpstreamError, match="was rewritten") as caught:
        fetched(hub, etc)
    assert "--accept-rewrite" in caught.value.hint
    assert read_ref(str(hub), UPSTREAM_REF) == old
    new = head_commit(str(etc))
    assert fetched(hub, etc, accept_rewrite=True) == (old, new)
    assert read_ref(str(hub), UPSTREAM_REF) == new


def test_going_back_to_an_older_commit_is_a_rewrite(hub, etc):
    write(etc, {"motd": "second\n"})
    commit(etc)
    fetched(hub, etc)
    git(etc, "reset", "--quiet", "--hard", "HEAD^")
    with pytest.raises(UpstreamError, match="was rewritten"):
        fetched(hub, etc)


def test_a_shallow_upstream_is_refused(hub, etc, tmp_path):
    write(etc, {"motd": "second\n"})
    commit(etc)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{etc}", "shallow")
    with pytest.raises(UpstreamError, match="cut off") as caught:
        fetched(hub, tmp_path / "shallow")
    assert "--unshallow" in caught.value.hint


def test_a_damaged_upstream_is_explained_and_changes_nothing(hub, etc):
    blob = git(etc, "rev-parse", "HEAD:motd")
    (etc / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(UpstreamError) as caught:
        fetched(hub, etc)
    assert "fsck" in caught.value.hint
    assert read_ref(str(hub), UPSTREAM_REF) is None


def test_malformed_objects_are_refused(hub, etc):
    blob = git(etc, "rev-parse", "HEAD:motd")
    tree = git(etc, "hash-object", "-t", "tree", "-w", "--literally", "--stdin",
               stdin=b"100644 .git\0" + bytes.fromhex(blob))  # fmt: skip
    bad = git(etc, "commit-tree", "-m", "bad", "-p", "HEAD", tree)
    git(etc, "update-ref", "refs/heads/master", bad)
    with pytest.raises(UpstreamError, match=r"\.git"):
        fetched(hub, etc)
    assert read_ref(str(hub), UPSTREAM_REF) is None


def test_faults_of_old_histories_are_tolerated(hub, etc):
    tree = git(etc, "rev-parse", "HEAD^{tree}")
    inner = git(etc, "rev-parse", "HEAD:ssh")
    padded = git(etc, "hash-object", "-t", "tree", "-w", "--literally", "--stdin",
                 stdin=b"040000 ssh\0" + bytes.fromhex(inner))  # fmt: skip
    text = f"tree {padded}\nauthor <x> 1 +051800\ncommitter  x 01 +0000\n\nold\n"
    old = git(etc, "hash-object", "-t", "commit", "-w", "--literally", "--stdin",
              stdin=text.encode())  # fmt: skip
    new = git(etc, "commit-tree", "-m", "new", "-p", old, tree)
    git(etc, "update-ref", "refs/heads/master", new)
    assert fetched(hub, etc).new == new


def test_sha256_upstreams_are_refused(hub, tmp_path):
    etc = tmp_path / "sha256"
    etc.mkdir()
    git(etc, "init", "--quiet", "--object-format=sha256")
    write(etc, {"motd": "x"})
    commit(etc)
    with pytest.raises(UpstreamError, match="SHA-1"):
        fetched(hub, etc)


def test_a_fetch_runs_nothing_of_upstream_and_leaves_it_alone(hub, etc, tmp_path):
    marker = tmp_path / "ran"
    plant_marker(etc, marker)
    before = snapshot(etc)
    fetched(hub, etc)
    assert snapshot(etc) == before
    assert not marker.exists()


def test_a_thousand_reads_leave_no_process_and_no_descriptor(hub, etc):
    fetched(hub, etc)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(1000):
        fetched(hub, etc)
    assert len(os.listdir("/proc/self/fd")) == before
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    assert children == ""


# --- committing, where etckeeper is not in use


def test_commit_all_commits_every_edit_without_hooks(etc, tmp_path):
    marker = tmp_path / "ran"
    plant_marker(etc, marker)
    write(etc, {"motd": "edited\n", "new/file": "x"})
    (etc / "ssh/sshd_config").unlink()
    commit_id = commit_all(str(etc.parent), str(etc), "-m is part of this message\n")
    assert commit_id == head_commit(str(etc))
    assert uncommitted(str(etc)) == ()
    git(etc, "config", "--unset", "core.fsmonitor")
    assert git(etc, "log", "-1", "--format=%B%an") == "-m is part of this message\netcsync"
    assert git(etc, "ls-tree", "-r", "--name-only", "HEAD").split() == ["motd", "new/file"]
    assert not marker.exists()


def test_commit_all_without_edits_does_nothing(etc):
    before = snapshot(etc)
    assert commit_all(str(etc.parent), str(etc), "Nothing") is None
    assert snapshot(etc) == before


def test_init_puts_a_plain_root_under_git(tmp_path):
    root = tmp_path / "root"
    write(root / "etc", {"motd": "hello\n"})
    assert not uses_etckeeper(str(root), str(root / "etc"))
    said = init_repository(str(root), str(root / "etc"))
    assert said == f"put {root}/etc under git"
    assert (root / "etc/.git").stat().st_mode & 0o777 == 0o700
    assert git(root / "etc", "status", "--porcelain") == ""
    assert git(root / "etc", "show", "HEAD:motd") == "hello"
    assert init_repository(str(root), str(root / "etc")) is None


def test_init_leaves_a_repository_with_commits_alone(etc):
    write(etc, {"motd": "uncommitted\n"})
    before = snapshot(etc)
    assert init_repository(str(etc.parent), str(etc)) is None
    assert snapshot(etc) == before


def test_init_completes_an_unborn_repository(tmp_path):
    root = tmp_path / "root"
    write(root / "etc", {"motd": "hello\n"})
    git(root / "etc", "init", "--quiet")
    assert "completing" in (init_repository(str(root), str(root / "etc")) or "")
    assert git(root / "etc", "show", "HEAD:motd") == "hello"


def test_init_of_an_empty_directory_makes_a_first_commit(tmp_path):
    (tmp_path / "root/etc").mkdir(parents=True)
    init_repository(str(tmp_path / "root"), str(tmp_path / "root/etc"))
    assert head_commit(str(tmp_path / "root/etc"))


def test_init_refuses_a_damaged_repository(etc):
    (etc / ".git/HEAD").unlink()
    before = snapshot(etc)
    with pytest.raises(UpstreamError):
        init_repository(str(etc.parent), str(etc))
    assert snapshot(etc) == before


def test_init_refuses_the_servers_own_etc():
    with pytest.raises(UpstreamError, match="this server's own"):
        init_repository("/", "/etc")
    with pytest.raises(UpstreamError, match="this server's own"):
        commit_all("/", "/etc/", "no")


def test_init_killed_at_any_moment_is_completed_by_the_next(tmp_path):
    program = (
        "import sys; from etcsync.hub.upstream_commit import init_repository\n"
        "print(flush=True); init_repository(sys.argv[1], sys.argv[2])"
    )
    for number in range(20):
        root = tmp_path / str(number)
        write(root / "etc", {f"conf.d/{name}": f"{name}\n" for name in range(50)})
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(root), str(root / "etc")],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(number * 0.003)
        os.killpg(process.pid, 9)
        process.communicate()
        init_repository(str(root), str(root / "etc"))
        assert git(root / "etc", "status", "--porcelain") == ""
        assert git(root / "etc", "rev-list", "--count", "HEAD") == "1"
        assert not (root / "etc/.git/etcsync-init").exists()
        git(root / "etc", "fsck", "--strict")
