"""What a scan finds in a tree, whatever a client has put there."""

import os
import socket
import stat
import threading
import time

import pytest
from tree_support import Blobs, kinds, recorded, rest, take, warned

from etcsync.entries import Entry, Kind, blob_oid, symlink_entry
from etcsync.errors import TreeError
from etcsync.policy.treatment import Strategy
from etcsync.tree.scanned import Known, Limits


@pytest.fixture
def tree(tmp_path):
    top = tmp_path / "tree"
    (top / "ssh").mkdir(parents=True)
    (top / "ssh" / "sshd_config").write_text("Port 22\n")
    (top / "motd").write_text("hello\n")
    (top / "motd").chmod(0o640)
    (top / "empty").mkdir(0o700)
    (top / "localtime").symlink_to("/usr/share/zoneinfo/UTC")
    return top


def test_files_links_and_directories_are_entries(tree):
    blobs = Blobs()
    found = take(tree, blobs=blobs)
    assert kinds(found.entries) == {
        ".": "directory", "ssh": "directory", "ssh/sshd_config": "file", "motd": "file",
        "empty": "directory", "localtime": "symlink",
    }  # fmt: skip
    assert found.entries["motd"] == Entry(Kind.FILE, blob_oid(b"hello\n"), 0o640, 0, 0)
    assert found.entries["empty"].mode == 0o700
    assert found.entries["localtime"] == symlink_entry(blob_oid(b"/usr/share/zoneinfo/UTC"))
    assert sorted(blobs.values()) == [b"/usr/share/zoneinfo/UTC", b"Port 22\n", b"hello\n"]
    assert not found.warnings
    assert not found.unmanaged


@pytest.mark.root
def test_owners_and_special_mode_bits_are_seen(tree):
    os.chown(tree / "motd", 12, 34)
    (tree / "motd").chmod(0o6755)
    assert take(tree).entries["motd"][2:] == (0o6755, 12, 34)


def test_what_is_in_its_recorded_state_is_not_read_again(tree):
    rest()
    first = take(tree)
    known = recorded(first)
    blobs = Blobs()
    second = take(tree, Known(known.paths, known.records, frozenset()), blobs=blobs)
    assert not blobs
    assert second.entries == first.entries
    assert second.stats == first.stats


@pytest.mark.parametrize("change", ["content", "same-size", "replace", "mode"])
def test_every_change_after_the_record_is_seen(tree, change):
    rest()
    known = recorded(take(tree))
    motd = tree / "motd"
    before = motd.stat()
    if change == "content":
        motd.write_text("goodbye\n")
    elif change == "same-size":
        motd.write_text("HELLO\n")
        os.utime(motd, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "replace":
        (tree / "new").write_text("hullo\n")
        (tree / "new").rename(motd)
    else:
        motd.chmod(0o600)
    entry = take(tree, known).entries["motd"]
    assert entry == Entry(
        Kind.FILE, blob_oid(motd.read_bytes()), stat.S_IMODE(motd.stat().st_mode), 0, 0
    )


def test_a_state_that_is_too_fresh_is_not_relied_on(tree):
    rest()
    (tree / "fresh").write_text("now")
    stats = take(tree).stats
    assert "fresh" not in stats
    assert "motd" in stats
    rest()
    assert "fresh" in take(tree).stats


def test_a_known_blob_is_not_stored_again(tree):
    blobs = Blobs()
    found = take(tree, Known(oids=frozenset({blob_oid(b"hello\n")})), blobs=blobs)
    assert b"hello\n" not in blobs.values()
    assert found.entries["motd"].oid == blob_oid(b"hello\n")


@pytest.mark.parametrize(
    "name",
    [b"a\nb", b"quote'\"", b"\xff\xfe", rb"back\x2dslash", b" ", b"-rf", b"*", b"\x01\x1b[31m"],
)
def test_any_bytes_may_be_a_name(tree, name):
    (tree / os.fsdecode(name)).write_text("odd")
    found = take(tree)
    assert found.entries[name.decode("utf-8", "surrogateescape")].oid == blob_oid(b"odd")


def test_special_files_are_reported_and_never_opened(tree):
    os.mkfifo(tree / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    here = os.open(tree, os.O_RDONLY)
    listener.bind(f"/proc/self/fd/{here}/socket")
    os.close(here)
    found = take(tree)
    listener.close()
    assert warned(found) == {("fifo", "special"), ("socket", "special")}
    assert kinds(found.unmanaged) == {"fifo": "other", "socket": "other"}


@pytest.mark.root
def test_devices_are_reported(tree):
    os.mknod(tree / "block", stat.S_IFBLK | 0o600, os.makedev(7, 0))
    os.mknod(tree / "character", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    assert warned(take(tree)) == {("block", "special"), ("character", "special")}


def test_a_fifo_in_place_of_a_known_file_is_not_a_deletion(tree):
    rest()
    known = recorded(take(tree))
    (tree / "motd").unlink()
    os.mkfifo(tree / "motd")
    found = take(tree, known)
    assert found.unmanaged["motd"].kind is Kind.OTHER


def test_links_are_data_wherever_they_lead(tree):
    for number, target in enumerate(["/", "../..", "/etc/shadow", "self", "x" * 4000, "a\nb"]):
        (tree / f"link{number}").symlink_to(target)
    found = take(tree)
    assert found.entries["link0"].oid == blob_oid(b"/")
    assert found.entries["link4"].oid == blob_oid(b"x" * 4000)
    assert not any(path.startswith("link0/") for path in found.entries)


def test_a_file_over_the_limit_is_reported_and_not_read(tree):
    with (tree / "huge").open("wb") as file:
        file.truncate(10 * 2**30)
    (tree / "edge").write_bytes(b"x" * 100)
    found = take(tree, limits=Limits(file_size=100))
    assert warned(found) == {("huge", "oversized")}
    assert found.unmanaged["huge"].kind is Kind.OTHER
    assert "edge" in found.entries


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (".git", "nested-git"),
        (".GIT", "name"),
        ("git~1", "name"),
        (".g\u200cit", "name"),
        (".git. .", "name"),
        (".git::$INDEX_ALLOCATION", "name"),
        ("x\\.git", "name"),
    ],
)
def test_names_that_mean_git_are_left_out(tree, name, kind):
    (tree / "ssh" / name).mkdir()
    (tree / "ssh" / name / "config").write_text("[core] fsmonitor = evil")
    found = take(tree)
    assert warned(found) == {(f"ssh/{name}", kind)}
    assert "ssh/sshd_config" in found.entries
    assert not any(name in path for path in (*found.entries, *found.unmanaged, *found.hidden))


def test_gitmodules_must_not_be_a_link(tree):
    (tree / ".gitmodules").symlink_to("motd")
    (tree / "ssh" / ".gitmodules").write_text("")
    found = take(tree)
    assert warned(found) == {(".gitmodules", "name")}
    assert "ssh/.gitmodules" in found.entries


def test_the_git_file_at_the_top_is_given(tree):
    assert take(tree).gitfile is None
    assert not take(tree).git_obstructed
    (tree / ".git").write_text("gitdir: /var/lib/etcsync/hub.git\n")
    found = take(tree)
    assert found.gitfile == b"gitdir: /var/lib/etcsync/hub.git\n"
    assert ".git" not in found.entries
    assert not found.warnings


@pytest.mark.parametrize("stand", ["directory", "link", "fifo", "huge"])
def test_anything_else_as_git_file_is_reported(tree, stand):
    git = tree / ".git"
    if stand == "directory":
        git.mkdir()
        (git / "config").touch()
    elif stand == "link":
        git.symlink_to("motd")
    elif stand == "fifo":
        os.mkfifo(git)
    else:
        git.write_bytes(b"x" * 5000)
    found = take(tree)
    assert (found.gitfile, found.git_obstructed) == (None, True)
    assert warned(found) == {(".git", "gitfile")}
    assert ".git/config" not in found.entries


def test_ignored_rules_hide_new_files_and_never_known_ones(tree):
    (tree / ".gitignore").write_text("*.old\ncache/\nmotd\n")
    (tree / "x.old").write_text("old")
    (tree / "known.old").write_text("known")
    (tree / "cache" / "sub").mkdir(parents=True)
    (tree / "cache" / "a").write_text("a")
    (tree / "cache" / "known").write_text("known")
    blobs = Blobs()
    known = Known(frozenset({"motd", "known.old", "cache", "cache/known"}))
    found = take(tree, known, blobs=blobs)
    assert kinds(found.hidden) == {"x.old": "file", "cache/sub": "directory", "cache/a": "file"}
    assert {"motd", "known.old", "cache", "cache/known"} <= found.entries.keys()
    assert b"old" not in blobs.values()
    assert not found.warnings


def test_a_rule_file_that_is_no_regular_file_has_no_rules(tree):
    (tree / "ssh" / ".gitignore").symlink_to("../motd")
    os.mkfifo(tree / ".gitignore")
    found = take(tree)
    assert not found.hidden
    assert "ssh/.gitignore" in found.entries


def test_rules_that_take_too_long_refuse_the_tree(tree):
    (tree / ".gitignore").write_text("".join(f"*{i}*a*b*c\n" for i in range(3000)))
    for number in range(50):
        (tree / f"new{number}").touch()
    with pytest.raises(TreeError, match=r"\.gitignore"):
        take(tree, limits=Limits(seconds=0.01))


def test_what_policy_ignores_is_listed_without_being_read(tree):
    (tree / "secret").write_text("key")
    (tree / "gnupg").mkdir()
    (tree / "gnupg" / "key").write_text("key")
    os.mkfifo(tree / "gnupg" / "agent")
    blobs = Blobs()
    strategies = {"secret": Strategy.IGNORE, "gnupg": Strategy.IGNORE}
    found = take(tree, strategies=strategies, blobs=blobs)
    assert kinds(found.unmanaged) == {
        "secret": "file", "gnupg": "directory", "gnupg/key": "file", "gnupg/agent": "other",
    }  # fmt: skip
    assert b"key" not in blobs.values()
    assert not found.warnings


def test_mirrored_paths_are_told_by_size_and_time(tree):
    (tree / ".gitignore").write_text("ld.so.cache\n")
    (tree / "ld.so.cache").write_bytes(b"cache")
    (tree / "mtab").symlink_to("../proc/self/mounts")
    os.utime(tree / "ld.so.cache", ns=(1, 1234567890))
    strategies = {"ld.so.cache": Strategy.MIRROR, "mtab": Strategy.MIRROR, "motd": Strategy.MIRROR}
    found = take(tree, Known(frozenset({"motd"})), strategies)
    assert found.mirrored.keys() == {"ld.so.cache", "mtab"}
    assert found.mirrored["ld.so.cache"].oid == "mirror:5:1234567890"
    assert found.mirrored["mtab"].oid == "mirror:>../proc/self/mounts"
    assert "motd" in found.entries
    assert "ld.so.cache" in found.hidden


def test_depth_is_bounded_and_costs_no_stack(tree):
    here = os.open(tree, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    found = take(tree)
    deepest = "/".join("d" * 257)
    assert warned(found) == {(deepest, "unreadable")}
    assert found.unmanaged[deepest].kind is Kind.OTHER
    assert "/".join("d" * 256) in found.entries
    everything = take(tree, limits=Limits(depth=10_000))
    assert "/".join("d" * 600) in everything.entries


def test_paths_longer_than_path_max_are_read(tree):
    name = "n" * 250
    here = os.open(tree, os.O_RDONLY)
    for _ in range(20):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    file = os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here)
    os.write(file, b"deep")
    os.close(file)
    os.close(here)
    for stepwise in (None, True):
        found = take(tree, stepwise=stepwise)
        assert found.entries["/".join([name] * 20) + "/file"].oid == blob_oid(b"deep")


def test_a_tree_with_too_many_names_is_refused(tree):
    for number in range(30):
        (tree / f"f{number}").touch()
    with pytest.raises(TreeError, match="more than 20"):
        take(tree, limits=Limits(entries=20))


def test_the_staging_directory_is_no_part_of_the_tree(tree):
    (tree / ".etcsync.tmp").mkdir()
    (tree / ".etcsync.tmp" / "000001").write_text("staged")
    (tree / "ssh" / ".etcsync.tmp").write_text("but here it is a file like others")
    found = take(tree)
    assert ".etcsync.tmp" not in {path.partition("/")[0] for path in found.entries}
    assert "ssh/.etcsync.tmp" in found.entries
    assert not found.warnings


@pytest.mark.root
def test_a_mount_in_the_tree_is_reported_and_not_entered(tree, mounted_tmpfs):
    mounted_tmpfs(tree / "empty")
    (tree / "empty" / "inside").touch()
    for stepwise in (False, True):
        found = take(tree, stepwise=stepwise)
        assert warned(found) == {("empty", "unreadable")}
        assert found.unmanaged["empty"].kind is Kind.OTHER
        assert "empty/inside" not in found.entries


@pytest.mark.root
def test_a_bind_mount_of_the_same_file_system_is_not_entered(tree, bind_mounted, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    bind_mounted(tmp_path / "outside", tree / "empty")
    bind_mounted(tmp_path / "outside" / "secret", tree / "motd")
    blobs = Blobs()
    found = take(tree, blobs=blobs)
    assert warned(found) == {("empty", "unreadable"), ("motd", "unreadable")}
    assert b"secret" not in blobs.values()


def swap_for_links(tree, outside, stop):
    """Exchange a directory and a file with links that lead outside, again and again."""
    (tree.parent / "link").symlink_to(outside)
    (tree.parent / "filelink").symlink_to(outside / "sshd_config")
    while not stop.is_set():
        for one, other in (("ssh", "link"), ("motd", "filelink")):
            os.rename(tree / one, tree.parent / "kept")
            os.rename(tree.parent / other, tree / one)
            os.rename(tree / one, tree.parent / other)
            os.rename(tree.parent / "kept", tree / one)


@pytest.mark.parametrize("stepwise", [None, True])
def test_a_swapped_component_never_leads_outside(tree, tmp_path, stepwise):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "sshd_config").write_text("SECRET")
    stop = threading.Event()
    attacker = threading.Thread(target=swap_for_links, args=(tree, outside, stop))
    attacker.start()
    blobs = Blobs()
    try:
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            take(tree, blobs=blobs, stepwise=stepwise)
    finally:
        stop.set()
        attacker.join()
    assert b"SECRET" not in blobs.values()
    assert b"Port 22\n" in blobs.values()


def test_a_file_that_is_being_rewritten_is_read_whole(tree):
    stop = threading.Event()

    def rewrite():
        number = 0
        while not stop.is_set():
            number += 1
            (tree / ".new").write_text(f"{number}\n" * 5000)
            (tree / ".new").rename(tree / "motd")

    writer = threading.Thread(target=rewrite)
    writer.start()
    blobs = Blobs()
    try:
        known = Known(frozenset({"motd"}))
        for _ in range(100):
            found = take(tree, known, blobs=blobs)
            assert "motd" in found.entries
            lines = blobs.get(found.entries["motd"].oid, b"hello\n").splitlines()
            assert len(set(lines)) == 1
    finally:
        stop.set()
        writer.join()


def test_five_thousand_entries_are_no_matter(tmp_path):
    for number in range(50):
        (tmp_path / f"d{number}").mkdir()
        for file in range(99):
            (tmp_path / f"d{number}" / f"f{file}").write_text(f"{number} {file}")
    rest()
    first = take(tmp_path)
    assert len(first.entries) == 5001
    started = time.process_time()
    second = take(tmp_path, recorded(first))
    assert time.process_time() - started < 1
    assert second.entries == first.entries
