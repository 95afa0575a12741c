import os

import pytest
from hub_support import make_hub, plain_git, record

from etcsync.errors import HubError
from etcsync.hub.hub import branch_ref, open_hub
from etcsync.hub.worktree import ensure_worktree, gitfile_content, remove_worktree


@pytest.fixture
def hub(tmp_path):
    with open_hub(make_hub(tmp_path)) as hub:
        yield hub


@pytest.fixture
def tree(tmp_path, hub):
    path = tmp_path / "etc-client0"
    path.mkdir()
    (path / "motd").write_bytes(b"hello\n")
    (path / ".git").write_bytes(gitfile_content(hub.path, "client0"))
    record(hub, {"motd": b"hello\n"}, ref=branch_ref("client0"))
    ensure_worktree(hub, "client0", str(path))
    return path


def states(directory):
    return {
        item.name: (item.stat().st_mtime_ns, item.stat().st_ino) for item in os.scandir(directory)
    }


def test_git_in_the_tree_shows_the_clients_branch(tree):
    assert plain_git(tree, "rev-parse", "--abbrev-ref", "HEAD") == b"client0\n"
    assert plain_git(tree, "log", "--format=%s") == b"a message\n"
    plain_git(tree, "read-tree", "HEAD")
    assert plain_git(tree, "status", "--porcelain") == b""
    (tree / "motd").write_bytes(b"changed\n")
    assert plain_git(tree, "status", "--porcelain") == b" M motd\n"


def test_the_git_file_is_one_line(hub):
    content = gitfile_content(hub.path, "client0")
    assert content == f"gitdir: {hub.path}/worktrees/client0\n".encode()


def test_ensuring_again_writes_nothing(hub, tree):
    directory = os.path.join(hub.path, "worktrees", "client0")
    before = states(directory)
    ensure_worktree(hub, "client0", str(tree))
    assert states(directory) == before


def test_what_was_altered_comes_back(hub, tree):
    head = os.path.join(hub.path, "worktrees", "client0", "HEAD")
    with open(head, "w") as file:
        file.write("ref: refs/heads/upstream\n")
    ensure_worktree(hub, "client0", str(tree))
    assert plain_git(tree, "log", "--format=%s") == b"a message\n"


def test_git_does_not_prune_the_worktree_of_a_tree_that_is_not_mounted(hub, tree):
    os.rename(tree, str(tree) + ".gone")
    plain_git(hub.path, "worktree", "prune", "--expire=now")
    plain_git(hub.path, "gc", "--prune=now")
    assert os.path.exists(os.path.join(hub.path, "worktrees", "client0", "HEAD"))


def test_removing_keeps_the_history(hub, tree):
    remove_worktree(hub, "client0")
    remove_worktree(hub, "client0")
    assert branch_ref("client0") in hub.refs()
    assert not os.path.exists(os.path.join(hub.path, "worktrees", "client0"))


@pytest.mark.parametrize("name", ["../../evil", "upstream", ""])
def test_a_name_that_is_no_clients_leads_nowhere(hub, tmp_path, name):
    with pytest.raises(HubError, match="called"):
        ensure_worktree(hub, name, str(tmp_path))
    with pytest.raises(HubError, match="called"):
        remove_worktree(hub, name)
