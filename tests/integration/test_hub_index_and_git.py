import os
import shutil
import time

import pytest
from hub_support import make_hub, new_commit, plain_git

from etcsync.entries import FileRecord, StatKey, blob_oid
from etcsync.hub.hub import RefUpdate, branch_ref, open_hub
from etcsync.hub.index_file import UNKNOWN_STAT, read_index, write_index
from etcsync.hub.objects import DIRECTORY_MODE, EXECUTABLE_MODE, FILE_MODE, SYMLINK_MODE
from etcsync.hub.worktree import ensure_worktree, gitfile_content, index_path

FILES = {
    "motd": (FILE_MODE, b"hello\n"),
    "init.d/run": (EXECUTABLE_MODE, b"#!/bin/sh\n"),
    "localtime": (SYMLINK_MODE, b"../usr/share/zoneinfo/UTC"),
    "a\nb": (FILE_MODE, b""),
    'qu"ote': (FILE_MODE, b"q"),
    "\udcff\udc80/-x": (FILE_MODE, b"bytes\n"),
    "d" * 200 + "/" + "e" * 200: (FILE_MODE, b"long\n"),
}


def stat_key(path):
    found = os.lstat(path)
    return StatKey(
        found.st_ctime_ns,
        found.st_mtime_ns,
        found.st_ino,
        found.st_size,
        found.st_uid,
        found.st_gid,
    )


def as_git_keeps_it(stat):
    """Return a state with 32 bits for what is larger, as an index has them."""
    return stat._replace(ino=stat.ino % 2**32)


def write_file(path, mode, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if mode == SYMLINK_MODE:
        os.symlink(content, path)
    else:
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o755 if mode == EXECUTABLE_MODE else 0o644)


class Recorded:
    """A tree, its history in a hub, and the worktree that links them; no index yet."""

    def __init__(self, scratch, files):
        self.hub_path = make_hub(scratch)
        self.path = str(scratch / "tree")
        self.index = index_path(self.hub_path, "client0")
        for name, (mode, content) in files.items():
            write_file(os.path.join(self.path, name), mode, content)
        with open_hub(self.hub_path) as hub:
            with hub.importer() as importer:
                changes = {
                    name: (mode, importer.blob(text)) for name, (mode, text) in files.items()
                }
                mark = importer.commit(new_commit(changes))
                commit = importer.finish()[mark]
            hub.update_refs([RefUpdate(branch_ref("client0"), commit, None)])
            self.tree_oid = hub.commit(commit).tree
            recorded = hub.tree(self.tree_oid)
            ensure_worktree(hub, "client0", self.path)
        with open(os.path.join(self.path, ".git"), "wb") as file:
            file.write(gitfile_content(self.hub_path, "client0"))
        self.entries = {
            name: (mode, oid, stat_key(os.path.join(self.path, name)))
            for name, (mode, oid) in recorded.items()
            if mode != DIRECTORY_MODE
        }

    def git(self, *arguments):
        return plain_git(self.path, *arguments)

    def index_without_races(self):
        """Move the index into the future, as if it were written long after the files."""
        later = time.time() + 100
        os.utime(self.index, (later, later))
        return read_index(self.index)


@pytest.fixture
def recorded(tmp_path):
    return Recorded(tmp_path, FILES)


def test_git_takes_the_index_for_its_own(recorded):
    write_index(recorded.index, recorded.entries, recorded.tree_oid)
    assert recorded.git("status", "--porcelain") == b""
    assert recorded.git("write-tree").decode().strip() == recorded.tree_oid
    assert recorded.git("diff", "--cached", "--stat") == b""
    assert b"bad" not in recorded.git("fsck", "--strict")
    listed = recorded.git("ls-files", "-z").split(b"\0")[:-1]
    assert listed == sorted(os.fsencode(name) for name in FILES)


def test_the_index_is_for_the_server_only(recorded):
    write_index(recorded.index, recorded.entries, recorded.tree_oid)
    assert os.stat(recorded.index).st_mode & 0o777 == 0o600


def test_git_sees_what_changed_since(recorded):
    write_index(recorded.index, recorded.entries, recorded.tree_oid)
    with open(os.path.join(recorded.path, "motd"), "wb") as file:
        file.write(b"HELLO\n")
    os.chmod(os.path.join(recorded.path, "init.d/run"), 0o644)
    os.unlink(os.path.join(recorded.path, "localtime"))
    assert recorded.git("status", "--porcelain").splitlines() == [
        b" M init.d/run", b" D localtime", b" M motd",
    ]  # fmt: skip


def test_git_finds_nothing_to_refresh_in_trustworthy_stats(recorded):
    write_index(recorded.index, recorded.entries, recorded.tree_oid)
    recorded.index_without_races()
    with open(recorded.index, "rb") as file:
        before = file.read()
    recorded.git("diff-files", "--exit-code")
    recorded.git("status", "--porcelain")
    with open(recorded.index, "rb") as file:
        assert file.read() == before


def test_entries_without_a_stat_are_read_again_by_git(recorded):
    entries = {name: (mode, oid, UNKNOWN_STAT) for name, (mode, oid, _) in recorded.entries.items()}
    write_index(recorded.index, entries, recorded.tree_oid)
    assert recorded.git("status", "--porcelain") == b""
    refreshed = recorded.index_without_races()
    assert {name: stat for name, (_, _, stat) in refreshed.entries.items()} == {
        name: as_git_keeps_it(stat) for name, (_, _, stat) in recorded.entries.items()
    }
    assert refreshed.tree == recorded.tree_oid


def test_a_path_that_the_tree_is_meant_to_lack_is_no_deletion(recorded):
    os.unlink(os.path.join(recorded.path, "motd"))
    entries = recorded.entries | {"motd": (*recorded.entries["motd"][:2], UNKNOWN_STAT)}
    write_index(recorded.index, entries, recorded.tree_oid, {"motd"})
    assert recorded.git("status", "--porcelain") == b""
    assert recorded.git("write-tree").decode().strip() == recorded.tree_oid
    found = recorded.index_without_races()
    assert found.skipped == {"motd"}
    assert recorded.git("ls-files", "-v", "motd") == b"S motd\n"


def test_an_index_that_git_wrote_is_read(recorded):
    recorded.git("read-tree", "HEAD")
    recorded.git("update-index", "--refresh")
    found = recorded.index_without_races()
    assert found.tree == recorded.tree_oid
    assert {
        name: (mode, oid, as_git_keeps_it(stat))
        for name, (mode, oid, stat) in recorded.entries.items()
    } == found.entries


def test_after_git_add_the_index_names_no_tree(recorded):
    write_index(recorded.index, recorded.entries, recorded.tree_oid)
    with open(os.path.join(recorded.path, "motd"), "wb") as file:
        file.write(b"changed\n")
    recorded.git("add", "motd")
    found = recorded.index_without_races()
    assert found.tree is None
    assert found.entries["motd"][1] == blob_oid(b"changed\n")


@pytest.mark.parametrize(
    "command",
    [
        ["update-index", "--index-version", "4"],
        ["update-index", "--split-index"],
        ["add", "--intent-to-add", "new"],
    ],
)
def test_an_index_that_says_more_than_files_is_not_trusted(recorded, command):
    write_index(recorded.index, recorded.entries, recorded.tree_oid)
    with open(os.path.join(recorded.path, "new"), "wb"):
        pass
    recorded.git(*command)
    assert read_index(recorded.index) is None


def test_an_unfinished_merge_is_not_trusted(recorded):
    write_index(recorded.index, recorded.entries, recorded.tree_oid)
    line = f"100644 {blob_oid(b'hello' + bytes([10]))} 1\tmotd\n".encode()
    plain_git(
        recorded.path, "update-index", "--index-info", stdin=b"0 " + b"0" * 40 + b"\tmotd\n" + line
    )
    assert read_index(recorded.index) is None


def test_a_file_that_changed_no_earlier_than_the_index_is_read_again(recorded):
    write_index(recorded.index, recorded.entries, recorded.tree_oid)
    os.utime(recorded.index, ns=(0, recorded.entries["motd"][2].ctime))
    assert read_index(recorded.index).entries["motd"] == (
        *recorded.entries["motd"][:2],
        UNKNOWN_STAT,
    )


def test_a_missing_index_is_none(recorded):
    assert read_index(recorded.index) is None
    shutil.rmtree(os.path.dirname(recorded.index))
    assert read_index(recorded.index) is None


def test_an_index_of_an_etc_is_read_and_written_in_milliseconds(tmp_path):
    path = str(tmp_path / "index")
    stat = StatKey(10**18, 10**18, 12345, 678, 0, 0)
    entries = {
        f"directory{number % 40}/some/file{number}.conf": (
            FILE_MODE,
            blob_oid(b"%d" % number),
            stat,
        )
        for number in range(500)
    }
    started = time.process_time()
    for _ in range(20):
        write_index(path, entries, blob_oid(b""))
    written = time.process_time()
    for _ in range(20):
        read_index(path)
    assert written - started < 20 * 0.030
    assert time.process_time() - written < 20 * 0.030


def test_a_patched_index_is_what_would_be_written_anew(recorded):
    write_index(recorded.index, recorded.entries, recorded.tree_oid)
    before = recorded.index_without_races()
    changed = dict(before.entries)
    changed["motd"] = FileRecord(changed["motd"].mode, "1" * 40, StatKey(3, 2, 1, 9, 8, 7))
    forgotten = next(name for name in changed if name != "motd")
    changed[forgotten] = changed[forgotten]._replace(stat=UNKNOWN_STAT)
    write_index(recorded.index, changed, "2" * 40, before=before)
    with open(recorded.index, "rb") as patched:
        content = patched.read()
    write_index(recorded.index, changed, "2" * 40)
    with open(recorded.index, "rb") as anew:
        assert anew.read() == content


def test_states_that_were_not_trusted_are_not_trusted_by_a_patch(recorded):
    write_index(recorded.index, recorded.entries, recorded.tree_oid)
    os.utime(recorded.index, (0, 0))
    before = read_index(recorded.index)
    assert {record.stat for record in before.entries.values()} == {UNKNOWN_STAT}
    write_index(recorded.index, before.entries, recorded.tree_oid, before=before)
    assert {record.stat for record in recorded.index_without_races().entries.values()} == {
        UNKNOWN_STAT
    }


def test_other_paths_are_written_anew(recorded):
    write_index(recorded.index, recorded.entries, recorded.tree_oid)
    before = recorded.index_without_races()
    fewer = {name: record for name, record in before.entries.items() if name != "motd"}
    write_index(recorded.index, fewer, "2" * 40, before=before)
    assert recorded.index_without_races().entries == fewer
