"""A plan's changes come into a tree whole, with their metadata, each path on its own."""

import errno
import os
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest
from apply_support import Workbench, directory
from tree_support import Blobs, kinds, mirror_source, recorded, rest, take

from etcsync.entries import Entry, FileRecord, Kind
from etcsync.errors import TreeError
from etcsync.policy.treatment import Strategy
from etcsync.tree.apply import Change
from etcsync.tree.beneath import open_tree
from etcsync.tree.scanned import Known


@pytest.fixture
def work(tmp_path):
    bench = Workbench(tmp_path)
    (bench.tree / "motd").write_text("hello\n")
    (bench.tree / "ssh").mkdir()
    (bench.tree / "ssh" / "sshd_config").write_text("Port 22\n")
    (bench.tree / "empty").mkdir()
    (bench.tree / "localtime").symlink_to("/usr/share/zoneinfo/UTC")
    return bench


def test_all_kinds_of_changes_together(work):
    wanted = {
        "motd": work.file(b"goodbye\n", 0o640),
        "new": work.file(b"", 0o600),
        "conf.d": directory(0o750),
        "conf.d/deep": directory(),
        "conf.d/deep/file": work.file(b"deep"),
        "conf.d/link": work.link(b"../motd"),
        "localtime": work.link(b"/usr/share/zoneinfo/Europe/Berlin"),
        "ssh/sshd_config": None,
        "ssh": None,
        "empty": directory(0o700),
    }
    outcome = work.apply(wanted)
    assert outcome.done == wanted.keys()
    assert outcome.raced == outcome.kept == frozenset()
    assert outcome.failed == {}
    found = take(work.tree).entries
    assert {path: found.get(path) for path in wanted} == wanted
    assert work.bench() == []


@pytest.mark.parametrize("before", ["file", "directory", "symlink"])
@pytest.mark.parametrize("after", ["file", "directory", "symlink"])
def test_any_kind_turns_into_any_other(work, before, after):
    entries = {
        "file": work.file(b"x", 0o640),
        "directory": directory(0o750),
        "symlink": work.link(b"target"),
    }
    work.apply({"path": entries[before]})
    children = {"path/child": work.file(b"child")} if after == "directory" else {}
    outcome = work.apply({"path": entries[after], **children})
    assert outcome.done == {*children, *(["path"] if before != after else [])}
    assert work.now("path") == entries[after]


def test_a_directory_with_children_turns_into_a_file(work):
    outcome = work.apply({"ssh/sshd_config": None, "ssh": work.file(b"now a file")})
    assert outcome.done == {"ssh", "ssh/sshd_config"}
    assert (work.tree / "ssh").read_bytes() == b"now a file"


def test_a_file_turns_into_a_directory_with_children(work):
    outcome = work.apply({"motd": directory(), "motd/a": work.file(b"a")})
    assert outcome.done == {"motd", "motd/a"}
    assert (work.tree / "motd" / "a").read_bytes() == b"a"


@pytest.mark.root
def test_owners_and_special_bits_are_exact_whatever_the_umask(work):
    wanted = {
        "motd": work.file(b"a", 0o4755, 12, 34),
        "new": work.file(b"b", 0o2640, 0, 42),
        "d": directory(0o1777, 5, 6),
        "secret": work.file(b"", 0),
    }
    umask = os.umask(0o777)
    try:
        assert work.apply(wanted).done == wanted.keys()
    finally:
        os.umask(umask)
    found = take(work.tree).entries
    assert {path: found[path] for path in wanted} == wanted


@pytest.mark.root
def test_metadata_alone_is_changed_in_place(work):
    inode = (work.tree / "motd").stat().st_ino
    entry = work.now("motd")._replace(mode=0o4600, uid=1, gid=2)
    top = work.now(".")._replace(mode=0o700)
    assert work.apply({"motd": entry, ".": top}).done == {"motd", "."}
    assert work.now("motd") == entry
    assert work.now(".") == top
    assert (work.tree / "motd").stat().st_ino == inode


@pytest.mark.root
def test_metadata_is_never_more_permissive_in_between(work):
    closed, opened = work.file(b"x", 0o640, 0, 42), work.file(b"x", 0o604, 0, 0)
    work.apply({"shadow": closed})
    seen = set()
    stop = threading.Event()

    def look():
        while not stop.is_set():
            status = (work.tree / "shadow").stat()
            seen.add((stat.S_IMODE(status.st_mode), status.st_gid))

    watcher = threading.Thread(target=look)
    watcher.start()
    for entry in [opened, closed] * 40:
        assert work.apply({"shadow": entry}).done
    stop.set()
    watcher.join()
    assert seen <= {(0o640, 42), (0o604, 0), (0o600, 42), (0o600, 0)}


def test_a_file_with_other_names_is_replaced_by_a_copy(work):
    os.link(work.tree / "motd", work.tree.parent / "other")
    before = (work.tree.parent / "other").stat()
    entry = work.now("motd")._replace(mode=0o600)
    assert work.apply({"motd": entry}).done == {"motd"}
    assert work.now("motd") == entry
    assert (work.tree.parent / "other").stat().st_mode == before.st_mode
    assert (work.tree / "motd").stat().st_nlink == 1


def test_nothing_to_do_touches_nothing(work):
    before = os.stat(work.tree.parent).st_mtime_ns
    outcome = work.apply({"motd": work.now("motd")})
    assert not outcome.done
    assert os.stat(work.tree.parent).st_mtime_ns == before
    assert not Path(work.staging.directory).exists()


def test_the_next_scan_reads_nothing(work):
    rest()
    known = recorded(take(work.tree))
    wanted = {
        "motd": work.file(b"new\n"),
        "link": work.link(b"x"),
        "ssh/sshd_config": work.file(b""),
    }
    mode = {"empty": directory(0o700)}
    outcome = work.apply({**wanted, **mode})
    assert outcome.stats.keys() == wanted.keys()
    records = dict(known.records) | {
        path: FileRecord(0o100644, wanted[path].oid, key) for path, key in outcome.stats.items()
    }
    blobs = Blobs()
    found = take(work.tree, Known(known.paths, records), blobs=blobs)
    assert not blobs
    assert {path: found.entries[path] for path in wanted} == wanted


def test_states_that_are_too_fresh_are_not_given(work):
    staged = work.stage({"motd": work.file(b"new\n")})
    staged.swap()
    assert staged.finish().stats == {}


@pytest.mark.parametrize(
    "edit", ["write", "replace", "delete", "fifo", "directory", "link", "mode"]
)
@pytest.mark.parametrize("aim", ["write", "delete"])
def test_an_edit_between_plan_and_swap_stays_and_is_reported(work, edit, aim):
    staged = work.stage({"motd": work.file(b"planned\n") if aim == "write" else None})
    motd = work.tree / "motd"
    if edit == "write":
        motd.write_text("edited\n")
    elif edit == "mode":
        motd.chmod(0o600)
    else:
        motd.unlink()
    if edit == "replace":
        motd.write_text("edited\n")
    elif edit == "fifo":
        os.mkfifo(motd)
    elif edit == "directory":
        motd.mkdir()
        (motd / "inside").write_text("inside")
    elif edit == "link":
        motd.symlink_to("/etc/shadow")
    before = work.now("motd")
    staged.swap()
    outcome = staged.finish()
    assert work.now("motd") == before
    assert work.bench() == []
    assert not outcome.stranded
    gone = edit == "delete" and aim == "delete"
    assert outcome.done == ({"motd"} if gone else set())
    assert outcome.raced == (set() if gone else {"motd"})
    if edit == "directory":
        assert (motd / "inside").read_text() == "inside"


def test_a_name_taken_meanwhile_is_not_overwritten(work):
    staged = work.stage({"new": work.file(b"planned"), "d": directory(), "d/x": work.file(b"x")})
    (work.tree / "new").write_text("the client's")
    (work.tree / "d").write_text("the client's")
    staged.swap()
    outcome = staged.finish()
    assert outcome.raced == {"new", "d", "d/x"}
    assert (work.tree / "new").read_text() == "the client's"
    assert (work.tree / "d").read_text() == "the client's"


def test_what_cannot_be_recorded_is_never_overwritten(work):
    os.mkfifo(work.tree / "fifo")
    outcome = work.apply([Change("fifo", work.now("fifo"), work.file(b"x"))])
    assert outcome.raced == {"fifo"}
    assert stat.S_ISFIFO((work.tree / "fifo").lstat().st_mode)


@pytest.mark.parametrize("aim", ["write", "delete"])
def test_a_late_write_through_an_open_descriptor_comes_back(work, aim):
    staged = work.stage({"motd": work.file(b"planned\n") if aim == "write" else None})
    with (work.tree / "motd").open("a") as writer:
        staged.swap()
        assert (work.tree / "motd").exists() == (aim == "write")
        writer.write("late\n")
        writer.flush()
        outcome = staged.finish()
        writer.write("later\n")
    assert outcome.raced == {"motd"}
    assert not outcome.done
    assert (work.tree / "motd").read_text() == "hello\nlate\nlater\n"
    assert work.bench() == []


def test_a_late_write_whose_name_is_taken_is_given_to_be_recorded(work):
    staged = work.stage({"motd": None})
    with (work.tree / "motd").open("a") as writer:
        staged.swap()
        writer.write("late\n")
    (work.tree / "motd").write_text("a new one")
    outcome = staged.finish()
    assert [(kept.path, kept.content) for kept in outcome.stranded] == [("motd", b"hello\nlate\n")]
    assert (work.tree / "motd").read_text() == "a new one"
    assert work.bench()
    staged.discard()
    assert not work.bench()


def test_an_edit_of_the_new_version_that_is_put_back_is_given_to_be_recorded(work):
    staged = work.stage({"motd": work.file(b"planned\n")})
    with (work.tree / "motd").open("a") as writer:
        staged.swap()
        with (work.tree / "motd").open("a") as other:
            other.write("appended to the new one\n")
        writer.write("late\n")
    outcome = staged.finish()
    assert (work.tree / "motd").read_text() == "hello\nlate\n"
    (stranded,) = outcome.stranded
    assert stranded.content == b"planned\nappended to the new one\n"
    assert outcome.raced == {"motd"}


def test_a_late_write_to_a_file_that_became_a_directory_is_given_to_be_recorded(work):
    staged = work.stage({"motd": directory(), "motd/a": work.file(b"a")})
    with (work.tree / "motd").open("a") as writer:
        staged.swap()
        writer.write("late\n")
    outcome = staged.finish()
    assert outcome.done == {"motd", "motd/a"}
    assert [kept.content for kept in outcome.stranded] == [b"hello\nlate\n"]


@pytest.mark.parametrize("after", ["nothing", "file"])
def test_a_directory_that_is_not_empty_is_kept(work, after):
    (work.tree / "ssh" / "hidden").write_text("not in the plan")
    aim = None if after == "nothing" else work.file(b"x")
    outcome = work.apply({"ssh/sshd_config": None, "ssh": aim})
    assert outcome.kept == {"ssh"}
    assert outcome.done == {"ssh/sshd_config"}
    assert (work.tree / "ssh" / "hidden").read_text() == "not in the plan"


def test_what_is_gone_already_counts_as_deleted(work):
    changes = work.changes({"ssh": None, "ssh/sshd_config": None})
    subprocess.run(["rm", "-r", str(work.tree / "ssh")], check=True)
    assert work.apply(changes).done == {"ssh", "ssh/sshd_config"}


@pytest.mark.root
def test_one_failing_path_fails_alone(work):
    subprocess.run(["chattr", "+i", str(work.tree / "motd")], check=True)
    try:
        wanted = {
            "motd": work.file(b"x"),
            "new": work.file(b"y"),
            "bad\0name"[:3]: work.link(b"a\0b"),
        }
        outcome = work.apply(wanted)
    finally:
        subprocess.run(["chattr", "-i", str(work.tree / "motd")], check=True)
    assert outcome.done == {"new"}
    assert outcome.failed["motd"].errno == errno.EPERM
    assert outcome.failed["bad"].errno == errno.EINVAL
    assert (work.tree / "motd").read_text() == "hello\n"
    assert work.bench() == []


def test_names_that_are_too_long_fail_alone(work):
    wanted = {"n" * 300: work.file(b"x"), "new": work.file(b"y"), "l": work.link(b"t" * 5000)}
    outcome = work.apply(wanted)
    assert outcome.done == {"new"}
    assert {error.errno for error in outcome.failed.values()} == {errno.ENAMETOOLONG}


def test_what_lies_under_a_failed_directory_fails_with_it(work):
    wanted = {"n" * 300: directory(), "n" * 300 + "/a": work.file(b"x"), "ok": work.file(b"y")}
    outcome = work.apply(wanted)
    assert outcome.failed.keys() == {"n" * 300, "n" * 300 + "/a"}


def test_odd_names_and_long_paths(work):
    deep = "/".join(["n" * 250] * 18)
    wanted = {deep[: 251 * number + 250]: directory() for number in range(18)}
    wanted |= {f"{deep}/f": work.file(b"deep"), "a\nb'\"\udcff": work.file(b"odd")}
    assert work.apply(wanted).done == wanted.keys()
    assert work.now(f"{deep}/f") == wanted[f"{deep}/f"]
    assert work.apply(dict.fromkeys(wanted)).done == wanted.keys()


@pytest.mark.parametrize("path", ["../evil", "/evil", "a/../../evil", "ssh/..", ""])
def test_a_path_that_leads_out_is_refused(work, path):
    outcome = work.apply([Change(path, None, work.file(b"evil"))])
    assert not outcome.done
    assert not (work.tree.parent / "evil").exists()


def test_extended_attributes_are_kept(work):
    os.setxattr(work.tree / "motd", "user.note", b"mine")
    attributes = {"user.new": b"given"}
    changes = [
        Change("motd", work.now("motd"), work.file(b"x")),
        Change("new", None, work.file(b"y"), attributes),
    ]
    assert work.apply(changes).done == {"motd", "new"}
    assert os.getxattr(work.tree / "motd", "user.note") == b"mine"
    assert os.getxattr(work.tree / "new", "user.new") == b"given"


ACL = bytes.fromhex(
    "0200000001000600ffffffff02000600e803000004000400ffffffff10000600ffffffff20000000ffffffff"
)
"""u::rw, u:1000:rw, g::r, m::rw, o::- as in linux/posix_acl_xattr.h."""


@pytest.mark.root
def test_an_acl_is_kept_and_the_mode_is_exact(work):
    os.setxattr(work.tree / "motd", "system.posix_acl_access", ACL)
    assert work.apply({"motd": work.file(b"x", 0o640, 0, 42)}).done == {"motd"}
    assert work.now("motd").mode == 0o640
    kept = os.getxattr(work.tree / "motd", "system.posix_acl_access")
    assert bytes.fromhex("02000600e8030000") in kept
    assert work.apply({"motd": work.file(b"y", 0o600)}).done == {"motd"}
    assert work.now("motd").mode == 0o600


@pytest.mark.root
@pytest.mark.parametrize("where", ["beside", "of the tree"])
def test_a_default_acl_reaches_no_new_file(work, where):
    holder = work.tree.parent if where == "beside" else work.tree
    os.setxattr(holder, "system.posix_acl_default", ACL)
    assert work.apply({"new": work.file(b"x", 0o644)}).done == {"new"}
    assert "system.posix_acl_access" not in os.listxattr(work.tree / "new")


def mirror(work, etc):
    """Copy what is mirrored from a root's /etc."""
    strategies = {"cache": Strategy.MIRROR, "mtab": Strategy.MIRROR}
    source = mirror_source(etc, strategies)
    found = take(work.tree, strategies=strategies)
    return [Change(path, found.mirrored.get(path), entry) for path, entry in source.items()]


@pytest.fixture
def etc(tmp_path):
    top = tmp_path / "root-etc"
    (top / "cache").mkdir(parents=True)
    (top / "cache" / "hwdb.bin").write_bytes(os.urandom(12 * 2**20 + 17))
    (top / "cache" / "hwdb.bin").chmod(0o444)
    os.utime(top / "cache" / "hwdb.bin", ns=(1, 1_600_000_000_123_456_789))
    (top / "mtab").symlink_to("../proc/self/mounts")
    return top


def test_mirrored_paths_are_copied_with_their_time_and_then_compare_equal(work, etc):
    with open_tree(str(etc)) as source:
        outcome = work.apply(mirror(work, etc), source=source)
        assert outcome.done == {"cache", "cache/hwdb.bin", "mtab"}
        copy = work.tree / "cache" / "hwdb.bin"
        assert copy.read_bytes() == (etc / "cache" / "hwdb.bin").read_bytes()
        assert copy.stat().st_mtime_ns == 1_600_000_000_123_456_789
        assert all(change.before == change.after for change in mirror(work, etc))
        copy.chmod(0o644)
        copy.write_text("spoilt")
        assert work.apply(mirror(work, etc), source=source).done == {"cache/hwdb.bin"}
        assert all(change.before == change.after for change in mirror(work, etc))


def test_a_source_that_changes_meanwhile_is_planned_again(work, etc):
    changes = mirror(work, etc)
    os.utime(etc / "cache" / "hwdb.bin")
    with open_tree(str(etc)) as source:
        outcome = work.apply(changes, source=source)
    assert outcome.raced == {"cache/hwdb.bin"}


def test_a_source_that_is_a_link_is_not_followed(work, etc):
    changes = mirror(work, etc)
    (etc / "cache" / "hwdb.bin").unlink()
    (etc / "cache" / "hwdb.bin").symlink_to("/etc/passwd")
    with open_tree(str(etc)) as source:
        outcome = work.apply(changes, source=source)
    assert outcome.failed.keys() == {"cache/hwdb.bin"}


@pytest.mark.root
def test_a_tree_that_is_a_file_system_of_its_own(work, mounted_tmpfs):
    mounted_tmpfs(work.tree)
    wanted = {"motd": work.file(b"x"), "d": directory(), "d/a": work.file(b"a")}
    staged = work.stage(wanted)
    assert stat.S_IMODE((work.tree / ".etcsync.tmp").stat().st_mode) == 0o700
    assert kinds(take(work.tree).entries) == {".": "directory"}
    staged.swap()
    assert staged.finish().done == wanted.keys()
    assert not (work.tree / ".etcsync.tmp").exists()


@pytest.mark.root
def test_a_tree_that_is_bind_mounted_from_the_same_file_system(work, bind_mounted, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    bind_mounted(tmp_path / "elsewhere", work.tree)
    assert work.apply({"motd": work.file(b"x")}).done == {"motd"}
    assert (tmp_path / "elsewhere" / "motd").read_bytes() == b"x"


@pytest.mark.root
@pytest.mark.parametrize("stand", ["link", "file", "fifo"])
def test_something_else_in_place_of_the_bench_holds_this_client_alone(work, mounted_tmpfs, stand):
    mounted_tmpfs(work.tree)
    outside = work.tree.parent / "outside"
    outside.mkdir()
    bench = work.tree / ".etcsync.tmp"
    if stand == "link":
        bench.symlink_to(outside)
    elif stand == "file":
        bench.touch()
    else:
        os.mkfifo(bench)
    with pytest.raises(TreeError):
        work.apply({"motd": work.file(b"x")})
    assert list(outside.iterdir()) == []


@pytest.mark.root
def test_a_full_disk_fails_the_client_and_changes_nothing(work, mounted_tmpfs):
    mounted_tmpfs(work.tree, "64k")
    assert work.apply({"motd": work.file(b"old")}).done
    before = take(work.tree).entries
    changes = [
        Change("motd", before["motd"], work.file(b"new")),
        Change("big", None, work.file(os.urandom(200_000))),
    ]
    with pytest.raises(TreeError, match="No space left") as caught:
        work.apply(changes)
    assert caught.value.hint
    assert take(work.tree).entries == before
    assert os.listdir(work.tree) == ["motd"]
    assert work.apply(changes[:1]).done == {"motd"}


def test_the_staging_directory_is_open_to_its_owner_alone(work):
    Path(work.staging.directory).mkdir(mode=0o755)
    staged = work.stage({"motd": work.file(b"secret", 0o600)})
    bench = Path(work.staging.directory)
    assert stat.S_IMODE(bench.stat().st_mode) == 0o700
    assert stat.S_IMODE((bench / "client0").stat().st_mode) == 0o700
    staged.swap()
    staged.finish()


def test_the_bench_stays_when_it_is_empty_until_it_is_removed(work):
    bench = Path(work.staging.directory) / "client0"
    work.apply({"motd": work.file(b"one\n")})
    made = bench.stat().st_ino
    work.apply({"motd": work.file(b"two\n"), "new": directory()})
    assert (bench.stat().st_ino, work.bench()) == (made, [])
    work.stage({"motd": work.file(b"three\n")})
    work.staging.remove("client0")
    assert "journal.new" in work.bench()
    work.recover()
    with open_tree(str(work.tree), writable=True) as tree:
        work.staging.discard("client0", tree, inside=False)
    work.staging.remove("client0")
    assert not bench.exists()


def test_a_staging_directory_that_is_a_link_is_refused(work, tmp_path):
    (tmp_path / "target").mkdir()
    Path(work.staging.directory).symlink_to("target")
    with pytest.raises(TreeError):
        work.apply({"motd": work.file(b"x")})


def test_a_reader_sees_only_whole_versions(work):
    versions = [str(number % 10).encode() * 20_000 for number in range(200)]
    work.apply({"passwd": work.file(versions[0])})
    seen, broken = set(), []
    stop = threading.Event()

    def read():
        while not stop.is_set():
            try:
                content = (work.tree / "passwd").read_bytes()
            except OSError as error:
                broken.append(error)
                return
            if len(content) != 20_000 or len(set(content)) != 1:
                broken.append(content)
                return
            seen.add(content[0])

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    entry = work.now("passwd")
    for content in versions[1:]:
        after = work.file(content)
        staged = work.stage([Change("passwd", entry, after)])
        staged.swap()
        assert staged.finish().done == {"passwd"}
        entry = after
    stop.set()
    for reader in readers:
        reader.join()
    assert not broken
    assert len(seen) > 1


@pytest.mark.parametrize("lines_at_once", [1, 20])
def test_no_line_of_a_client_that_appends_meanwhile_is_lost(work, lines_at_once):
    """Every line is in the tree, in a capture of it, or in what was given to be recorded."""
    log = work.tree / "log"
    log.write_bytes(b"")
    written: list[bytes] = []
    stop = threading.Event()

    def append():
        while not stop.is_set():
            with log.open("ab", buffering=0) as file:
                for _ in range(lines_at_once):
                    line = b"line %d" % len(written)
                    file.write(line + b"\n")
                    written.append(line)
                    time.sleep(0.0005)

    writer = threading.Thread(target=append)
    writer.start()
    history: set[bytes] = set()
    raced = 0
    try:
        for turn in range(25):
            blobs = Blobs()
            entry = take(work.tree, blobs=blobs).entries["log"]
            captured = blobs[entry.oid]
            history.update(captured.splitlines())
            aim = work.file(captured + b"upstream %d\n" % turn)
            staged = work.stage([Change("log", entry, aim)])
            staged.swap()
            time.sleep(0.1)  # longer than the client keeps the file open
            outcome = staged.finish()
            raced += len(outcome.raced)
            for leftover in outcome.stranded:
                history.update(leftover.content.splitlines())
            if outcome.stranded:
                staged.discard()
    finally:
        stop.set()
        writer.join()
    history.update(log.read_bytes().splitlines())
    lost = set(written) - history
    assert lost == set()
    assert raced


def test_components_swapped_for_links_lead_nowhere(work, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "sshd_config").write_text("SAFE")
    (tmp_path / "link").symlink_to(outside)
    stop = threading.Event()

    def attack():
        while not stop.is_set():
            os.rename(work.tree / "ssh", tmp_path / "kept")
            os.rename(tmp_path / "link", work.tree / "ssh")
            os.rename(work.tree / "ssh", tmp_path / "link")
            os.rename(tmp_path / "kept", work.tree / "ssh")

    attacker = threading.Thread(target=attack)
    attacker.start()
    outcomes = []
    try:
        until = time.monotonic() + 2
        while time.monotonic() < until:
            found = take(work.tree, blobs=work.blobs).entries.get("ssh/sshd_config")
            wanted = [
                Change("ssh/sshd_config", found, work.file(os.urandom(8))),
                Change("ssh/new", None, work.file(b"x")),
                Change("ssh/other", None, directory()),
            ]
            staged = work.stage(wanted)
            staged.swap()
            outcomes.append(staged.finish())
            if outcomes[-1].stranded:
                staged.discard()
    finally:
        stop.set()
        attacker.join()
    assert os.listdir(outside) == ["sshd_config"]
    assert (outside / "sshd_config").read_text() == "SAFE"
    assert any(outcome.done for outcome in outcomes)


def test_no_descriptor_is_left_open(work):
    before = os.listdir("/proc/self/fd")
    for number in range(5):
        work.apply({"motd": work.file(b"%d" % number), "a": work.link(b"%d" % number)})
    assert os.listdir("/proc/self/fd") == before


def test_entries_compare_without_owners_where_they_cannot_be_set(work):
    entry = Entry(Kind.FILE, work.blobs.store(b"x"), 0o640, 0, 0)
    assert work.apply({"motd": entry}).done == {"motd"}
    assert work.now("motd") == entry
