import os
import stat

import pytest
from hub_support import make_hub, plain_git, record

from etcsync.errors import HubError
from etcsync.hub.conflict_key import ensure_conflict_key, read_conflict_key
from etcsync.hub.hub import UPSTREAM_REF, create_hub, open_hub


def test_a_hub_is_a_private_bare_repository_whose_head_is_unborn(tmp_path):
    path = make_hub(tmp_path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
    assert plain_git(path, "rev-parse", "--is-bare-repository") == b"true\n"
    assert plain_git(path, "for-each-ref") == b""
    assert not os.path.exists(os.path.join(path, "hooks"))
    assert plain_git(path, "fsck") == b""


def test_a_hub_has_a_key_of_its_own_that_only_its_owner_reads_and_that_stays(tmp_path):
    path, other = make_hub(tmp_path), make_hub(tmp_path / "other")
    key = read_conflict_key(path)
    assert len(key) == 32
    assert key != read_conflict_key(other)
    assert stat.S_IMODE(os.stat(os.path.join(path, "conflict-key")).st_mode) == 0o600
    create_hub(path)
    assert read_conflict_key(path) == key


def test_a_hub_without_a_whole_key_gets_one_from_whoever_may_write(tmp_path):
    path = make_hub(tmp_path)
    file = tmp_path / "hub.git" / "conflict-key"
    for content in (b"", b"half", None):
        file.write_bytes(content) if content is not None else file.unlink()
        assert read_conflict_key(path) == b""
        assert ensure_conflict_key(path) == read_conflict_key(path) != b""


def test_no_tree_chooses_how_its_files_are_treated(tmp_path):
    path = make_hub(tmp_path)
    with open_hub(path) as hub:
        record(hub, {".gitattributes": b"* merge=union filter=x diff=y text\n"})
    lines = plain_git(path, "check-attr", "merge", "filter", "diff", "text", "--", "a/b").decode()
    assert all(line.endswith(": unspecified") for line in lines.splitlines())


def test_creating_again_changes_nothing_and_keeps_an_administrators_remote(tmp_path):
    path = make_hub(tmp_path)
    with open_hub(path) as hub:
        commit = record(hub, {"motd": b"hello\n"}, ref=UPSTREAM_REF)
    plain_git(path, "remote", "add", "mirror", "/nowhere")
    plain_git(path, "config", "core.fsmonitor", "/tmp/evil")
    create_hub(path)
    assert plain_git(path, "config", "remote.mirror.url") == b"/nowhere\n"
    assert plain_git(path, "config", "core.fsmonitor") == b"false\n"
    with open_hub(path) as hub:
        assert hub.refs() == {UPSTREAM_REF: commit}


def test_what_a_killed_creation_left_is_in_nobodys_way(tmp_path):
    unfinished = tmp_path / "hub.git.new"
    (unfinished / "objects").mkdir(parents=True)
    (unfinished / "HEAD").write_text("half")
    path = make_hub(tmp_path)
    assert not unfinished.exists()
    with open_hub(path) as hub:
        assert hub.refs() == {}


def test_a_hub_is_made_in_an_empty_directory_but_not_over_something_else(tmp_path):
    (tmp_path / "hub.git").mkdir()
    make_hub(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("mine")
    with pytest.raises(HubError, match="damaged"):
        create_hub(str(other))
    assert os.listdir(other) == ["file"]


def test_a_missing_hub_is_explained(tmp_path):
    with pytest.raises(HubError, match="no hub") as caught:
        open_hub(str(tmp_path / "hub.git"))
    assert caught.value.hint is not None
    assert "etcsync init" in caught.value.hint


@pytest.mark.parametrize("part", ["HEAD", "objects", "refs", "config"])
def test_a_hub_without_one_of_its_parts_is_damaged(tmp_path, part):
    path = make_hub(tmp_path)
    os.rename(os.path.join(path, part), tmp_path / "gone")
    with pytest.raises(HubError, match=f"{part} is missing") as caught:
        open_hub(path)
    assert caught.value.hint is not None
    assert "aside" in caught.value.hint
    assert "etcsync init" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"ref: refs/heads/client0\n"])
def test_a_head_that_names_something_else_is_set_right_by_creating_again(tmp_path, content):
    path = make_hub(tmp_path)
    with open(os.path.join(path, "HEAD"), "wb") as file:
        file.write(content)
    with pytest.raises(HubError, match="HEAD") as caught:
        open_hub(path)
    assert caught.value.hint is not None
    assert "etcsync init" in caught.value.hint
    create_hub(path + "/")
    with open_hub(path):
        pass
