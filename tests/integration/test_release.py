"""Giving a tree back as a stand-alone clone."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from repositories import commit, git, make_hub, make_upstream, snapshot, write

from etcsync.errors import HubError, TreeError
from etcsync.hub.adopt import adopt_clone
from etcsync.hub.release import Released, release
from etcsync.hub.set_aside import set_aside
from etcsync.hub.upstream import fetch_upstream, head_commit


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    return make_upstream(tmp_path / "root")


@pytest.fixture
def hub(tmp_path: Path, etc: Path) -> Path:
    hub = make_hub(tmp_path / "state")
    fetch_upstream(str(hub), str(etc), head_commit(str(etc)))
    return hub


@pytest.fixture
def tree(tmp_path: Path, etc: Path, hub: Path) -> Path:
    """A managed tree: adopted, with a gitfile that leads into the hub, and an uncommitted edit."""
    tree = tmp_path / "etc-client0"
    git(tmp_path, "clone", "--quiet", f"{etc}/.git", os.fspath(tree))
    write(tree, {"hostname": "client0\n"})
    commit(tree, "Name it")
    adopt_clone(str(hub), "client0", str(tree), str(etc))
    set_aside(str(tree), str(tmp_path / "state/adopted/client0"))
    (tree / ".git").write_text(f"gitdir: {hub}/worktrees/client0\n")
    write(tree, {"motd": "edited\n"})
    return tree


def released(hub: Path, tree: Path, etc: Path) -> Released:
    return release(str(hub), "client0", str(tree), str(etc), str(tree.parent / ".work"))


def test_the_tree_is_a_clone_of_upstream_again(hub, tree, etc):
    head = git(hub, "rev-parse", "client0")
    assert released(hub, tree, etc) == (f"{tree}/.git", head, None)
    assert git(tree, "rev-parse", "HEAD") == head
    assert git(tree, "symbolic-ref", "HEAD") == "refs/heads/master"
    assert git(tree, "remote", "get-url", "origin") == f"{etc}/.git"
    assert git(tree, "rev-parse", "@{upstream}") == head_commit(str(etc))
    assert git(tree, "rev-parse", "origin/HEAD") == head_commit(str(etc))
    assert git(tree, "status", "--porcelain") == "M motd"
    git(tree, "fsck", "--strict")


def test_the_released_clone_pulls_as_the_guide_does(hub, tree, etc):
    released(hub, tree, etc)
    write(etc, {"ssh/sshd_config": "Port 2222\n"})
    commit(etc)
    git(tree, "commit", "--quiet", "-a", "-m", "Mine")
    git(tree, "pull", "--quiet", "--no-edit", "--no-rebase")
    assert (tree / "ssh/sshd_config").read_text() == "Port 2222\n"
    assert (tree / "motd").read_text() == "edited\n"


def test_the_clone_does_not_need_the_hub(hub, tree, etc):
    released(hub, tree, etc)
    assert not (tree / ".git/objects/info/alternates").exists()
    mine = {path.stat().st_ino for path in (tree / ".git").rglob("*") if path.is_file()}
    hubs = {path.stat().st_ino for path in hub.rglob("*") if path.is_file()}
    assert not mine & hubs
    shutil.rmtree(hub)
    git(tree, "fsck", "--strict")


def test_other_clients_history_is_not_given_away(hub, tree, etc):
    secret = git(hub, "commit-tree", "-m", "other", "-p", "upstream", "upstream^{tree}")
    git(hub, "update-ref", "refs/heads/client1", secret)
    released(hub, tree, etc)
    with pytest.raises(AssertionError):
        git(tree, "cat-file", "-e", secret)
    assert git(tree, "for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/master", "refs/remotes/origin/HEAD", "refs/remotes/origin/master",
    ]  # fmt: skip


def test_nothing_but_git_changes(hub, tree, etc, tmp_path):
    hub_before, etc_before = snapshot(hub), snapshot(etc)
    before = snapshot(tree)
    released(hub, tree, etc)
    after = snapshot(tree)
    assert snapshot(hub) == hub_before
    assert snapshot(etc) == etc_before
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {os.fspath(tree), f"{tree}/.git"}
    assert os.listdir(tmp_path / ".work") == []
    assert (tree / ".git").stat().st_mode & 0o777 == 0o700
    assert not (tree / ".git/hooks").exists()


def test_the_branch_has_upstreams_name(hub, tree, etc):
    git(etc, "branch", "-m", 'odd/"name')
    released(hub, tree, etc)
    assert git(tree, "symbolic-ref", "--short", "HEAD") == 'odd/"name'
    assert git(tree, "rev-parse", "@{upstream}") == head_commit(str(etc))


def test_a_detached_upstream_gives_master(hub, tree, etc):
    git(etc, "checkout", "--quiet", "--detach")
    released(hub, tree, etc)
    assert git(tree, "symbolic-ref", "--short", "HEAD") == "master"


def test_releasing_twice_changes_nothing(hub, tree, etc):
    first = released(hub, tree, etc)
    before = snapshot(tree)
    assert released(hub, tree, etc) == first
    assert snapshot(tree) == before


def test_a_tree_without_git_gets_one(hub, tree, etc):
    (tree / ".git").unlink()
    assert released(hub, tree, etc).kept_aside is None
    assert git(tree, "status", "--porcelain") == "M motd"


@pytest.mark.parametrize("kind", ["file", "link", "directory", "fifo"])
def test_what_the_client_put_there_is_kept_aside(hub, tree, etc, tmp_path, kind):
    place = tree / ".git"
    place.unlink()
    if kind == "file":
        place.write_text("gitdir: /root/.ssh\n")
    elif kind == "link":
        place.symlink_to("/etc/shadow")
    elif kind == "fifo":
        os.mkfifo(place)
    else:
        write(place, {"HEAD": "ref: refs/heads/evil\n"})
    status = place.lstat()
    kept = released(hub, tree, etc).kept_aside
    assert kept == f"{tmp_path}/.work/release-client0.kept"
    assert Path(kept).lstat().st_ino == status.st_ino
    assert git(tree, "status", "--porcelain") == "M motd"


def test_a_client_without_history_cannot_be_released(hub, etc, tmp_path):
    (tmp_path / "tree").mkdir()
    with pytest.raises(HubError, match="no history of client9"):
        release(str(hub), "client9", str(tmp_path / "tree"), str(etc), str(tmp_path / ".work"))
    assert os.listdir(tmp_path / "tree") == []


def test_a_tree_that_is_a_link_is_refused(hub, tree, etc, tmp_path):
    tree.rename(tmp_path / "elsewhere")
    tree.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TreeError, match="is a link"):
        released(hub, tree, etc)
    assert (tmp_path / "elsewhere/.git").is_file()


def test_a_release_killed_at_any_moment_is_completed_by_the_next(hub, tree, etc, tmp_path):
    program = (
        "import sys; from etcsync.hub.release import release\n"
        "print(flush=True); release(*sys.argv[1:])"
    )
    for number in range(16):
        work = tmp_path / f"tree{number}"
        shutil.copytree(tree, work)
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(hub), "client0", str(work), str(etc),
             str(tmp_path / ".work")],
            stdout=subprocess.PIPE, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(number * 0.004)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert (work / ".git").is_file() or git(work, "status", "--porcelain") == "M motd"
        released(hub, work, etc)
        assert git(work, "status", "--porcelain") == "M motd"
        git(work, "fsck", "--strict")
    assert not [name for name in os.listdir(tmp_path / ".work") if "kept" not in name]
