"""Working in a real root: programs run inside it, and its /etc comes under its own etckeeper."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from repositories import git

from etcsync.errors import UpstreamError
from etcsync.host.rootfs import account_files, os_release, run_in_root
from etcsync.hub.upstream import head_commit, uncommitted
from etcsync.hub.upstream_commit import commit_all, init_repository, uses_etckeeper

pytestmark = [pytest.mark.root, pytest.mark.system]


def own_etc() -> dict[str, tuple[str, int, int]]:
    """Return what tells whether the machine's own /etc was committed or rewritten."""
    places = [Path("/etc/.etckeeper"), Path("/etc/.git/HEAD"), Path("/etc/.git/index"),
              *Path("/etc/.git/refs").rglob("*")]  # fmt: skip
    return {
        os.fspath(place): (
            hashlib.sha256(place.read_bytes()).hexdigest(),
            place.stat().st_mtime_ns,
            place.stat().st_ino,
        )
        for place in places
        if place.is_file()
    }


@pytest.fixture(autouse=True)
def own_etc_stays_as_it_is() -> Iterator[None]:
    before = own_etc()
    yield
    assert own_etc() == before


@pytest.fixture
def root(debian_root: Path) -> Path:
    """The root as debootstrap leaves it before etckeeper was ever used."""
    for name in (".git", ".etckeeper", ".gitignore"):
        path = debian_root / "etc" / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return debian_root


def init(root: Path) -> str | None:
    return init_repository(str(root), str(root / "etc"))


# --- running programs


def test_programs_see_the_root_and_nothing_else(debian_root, monkeypatch):
    (debian_root / "etc/hello").write_text("from inside\n")
    monkeypatch.setenv("FROM_OUTSIDE", "x")
    outcome = run_in_root(
        str(debian_root),
        ["sh", "-c", "cat /etc/hello; pwd; umask; env; tty <&1; echo; cat"],
        stdin=b"given\n",
        environment={"EXTRA": "1"},
    )
    text = outcome.output.decode()
    assert outcome.status == 0
    assert text.startswith("from inside\n/\n0022\n")
    names = {line.partition("=")[0] for line in text.splitlines() if "=" in line}
    assert names - {"_", "OLDPWD"} == {"EXTRA", "HOME", "LANG", "PATH", "PWD"}
    assert "not a tty" in text
    assert text.endswith("given\n")


def test_descriptors_are_closed_but_the_named_ones(debian_root, tmp_path):
    with (tmp_path / "a").open("wb") as closed, (tmp_path / "b").open("wb") as kept:
        os.set_inheritable(closed.fileno(), True)
        script = 'for my $n (@ARGV) { print open(my $f, ">&=", $n) ? "open\\n" : "closed\\n" }'
        command = ["perl", "-e", script, str(closed.fileno()), str(kept.fileno())]
        outcome = run_in_root(str(debian_root), command, keep_open=(kept.fileno(),))
    assert outcome.output == b"closed\nopen\n"


def test_exit_status_and_both_streams_come_back(debian_root):
    outcome = run_in_root(str(debian_root), ["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert outcome == (7, b"out\nerr\n")


def test_a_missing_program_is_told_by_its_status(debian_root):
    outcome = run_in_root(str(debian_root), ["no-such-program"])
    assert outcome.status == 127
    assert b"no-such-program" in outcome.output


def test_a_hanging_program_is_killed_with_its_children(debian_root):
    started = time.monotonic()
    outcome = run_in_root(
        str(debian_root), ["sh", "-c", "echo begun; sleep 4321 & wait"], limit=0.5
    )
    assert outcome == (None, b"begun\n")
    assert time.monotonic() - started < 3
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [command for command in commands if b"\x004321\x00" in command]


def test_a_child_left_behind_is_not_waited_for(debian_root):
    started = time.monotonic()
    outcome = run_in_root(str(debian_root), ["sh", "-c", "echo done; setsid sleep 3 &"], limit=30)
    assert outcome == (0, b"done\n")
    assert time.monotonic() - started < 2


def test_endless_output_is_bounded(debian_root):
    outcome = run_in_root(str(debian_root), ["sh", "-c", "yes | head -c 5000000"])
    assert outcome.status == 0
    assert len(outcome.output) == 65_536


def test_a_root_without_dev_null_gets_one_for_the_time(debian_root):
    shutil.rmtree(debian_root / "dev")
    (debian_root / "dev").mkdir()
    outcome = run_in_root(str(debian_root), ["sh", "-c", "echo lost >/dev/null; echo kept"])
    assert outcome == (0, b"kept\n")
    assert os.listdir(debian_root / "dev") == []
    assert f"{debian_root}/" not in Path("/proc/mounts").read_text()


def test_a_thousand_runs_would_leave_no_process_or_descriptor(debian_root):
    before = os.listdir("/proc/self/fd")
    for _ in range(100):
        run_in_root(str(debian_root), ["true"])
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert Path(f"/proc/self/task/{os.getpid()}/children").read_text() == ""


def test_release_and_accounts_are_those_of_the_root(debian_root):
    assert "ID=debian" in os_release(str(debian_root)).splitlines()
    passwd, group = account_files(str(debian_root))
    assert passwd == (debian_root / "etc/passwd").read_bytes()
    assert group == (debian_root / "etc/group").read_bytes()
    assert b"sshd:" in passwd


def test_an_absolute_link_does_not_lead_to_the_servers_files(debian_root):
    (debian_root / "etc/passwd").unlink()
    (debian_root / "etc/passwd").symlink_to("/etc/passwd-moved")
    (debian_root / "etc/passwd-moved").write_text("root:x:0:0::/root:/bin/sh\n")
    assert account_files(str(debian_root))[0] == b"root:x:0:0::/root:/bin/sh\n"
    (debian_root / "etc/passwd-moved").unlink()
    assert account_files(str(debian_root))[0] == b""


# --- etckeeper in the root


def test_etckeeper_is_recognised(root):
    assert uses_etckeeper(str(root), str(root / "etc"))
    settings = root / "etc/etckeeper/etckeeper.conf"
    settings.write_text('#VCS="git"\nVCS="hg"\n')
    assert not uses_etckeeper(str(root), str(root / "etc"))
    with pytest.raises(UpstreamError, match="set up for hg"):
        init(root)
    assert not (root / "etc/.git").exists()


def test_init_puts_etc_under_the_roots_etckeeper(root):
    assert init(root) == f"put {root}/etc under etckeeper"
    etc = root / "etc"
    assert stat.S_IMODE((etc / ".git").stat().st_mode) == 0o700
    assert uncommitted(str(etc)) == ()
    assert "etckeeper pre-commit -d /etc" in (etc / ".git/hooks/pre-commit").read_text()
    recorded = git(etc, "show", "HEAD:.etckeeper")
    assert "maybe chmod 0640 'shadow'" in recorded.replace("'./", "'")
    assert "maybe chgrp 'shadow' 'shadow'" in recorded.replace("'./", "'")
    assert git(etc, "log", "--format=%an %cn %s") == "etcsync etcsync Initial commit"
    assert init(root) is None


def test_init_changes_no_mode_whatever_an_old_etckeeper_file_says(root):
    (root / "etc/.etckeeper").write_text("chmod 0777 shadow\ntouch /etc/ran\n")
    (root / "etc/.etckeeper").chmod(0o755)
    init(root)
    assert stat.S_IMODE((root / "etc/shadow").stat().st_mode) == 0o640
    assert not (root / "etc/ran").exists()


def test_init_works_in_a_root_without_devices_and_full_names(root):
    shutil.rmtree(root / "dev")
    (root / "dev").mkdir()
    passwd = root / "etc/passwd"
    passwd.write_text(passwd.read_text().replace("root:x:0:0:root:", "root:x:0:0::"))
    init(root)
    assert uncommitted(str(root / "etc")) == ()
    assert os.listdir(root / "dev") == []


def test_init_completes_what_the_roots_etckeeper_began(root):
    run_in_root(str(root), ["etckeeper", "init"])
    assert "completing" in (init(root) or "")
    assert uncommitted(str(root / "etc")) == ()


def test_init_killed_at_any_moment_is_completed_by_the_next(root):
    program = (
        "import sys; from etcsync.hub.upstream_commit import init_repository\n"
        "print(flush=True); init_repository(sys.argv[1], sys.argv[2])"
    )
    for delay in (0.01, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(root), str(root / "etc")],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.kill()
        process.communicate()
        init(root)
        assert uncommitted(str(root / "etc")) == ()
        assert git(root / "etc", "rev-list", "--count", "HEAD") == "1"
        assert not (root / "etc/.git/etcsync-init").exists()
        shutil.rmtree(root / "etc/.git")


def test_a_root_of_another_architecture_is_explained(root):
    for shell in ("usr/bin/dash", "usr/bin/bash"):
        (root / shell).write_bytes(b"\x7fELF\2\1\1" + bytes(9) + b"\2\0\xf3\0" + bytes(44))
    with pytest.raises(UpstreamError, match=r"failed in .*xec format error") as caught:
        init(root)
    assert "qemu-user-static" in caught.value.hint


def test_a_root_without_git_is_explained(root):
    (root / "usr/bin/git").unlink()
    with pytest.raises(UpstreamError, match="needs git"):
        init(root)


def test_commit_all_goes_through_etckeeper_and_records_metadata(root):
    init(root)
    etc = root / "etc"
    (etc / "secret").write_text("x")
    (etc / "secret").chmod(0o400)
    os.chown(etc / "secret", 0, 42)
    commit_id = commit_all(str(root), str(etc), "-m Two\n\nlines 'quoted' $HOME\n")
    assert commit_id == head_commit(str(etc))
    assert git(etc, "log", "-1", "--format=%B") == "-m Two\n\nlines 'quoted' $HOME"
    recorded = git(etc, "show", "HEAD:.etckeeper").replace("'./", "'")
    assert "maybe chmod 0400 'secret'" in recorded
    assert "maybe chgrp 'shadow' 'secret'" in recorded
    assert commit_all(str(root), str(etc), "Nothing") is None


def test_a_failing_etckeeper_is_explained(root):
    init(root)
    (root / "etc/motd").write_text("edited\n")
    hook = root / "etc/etckeeper/pre-commit.d/00refuse"
    hook.write_text("#!/bin/sh\necho refused by policy >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(UpstreamError, match="refused by policy") as caught:
        commit_all(str(root), str(root / "etc"), "No")
    assert f"chroot {root} etckeeper" in caught.value.hint
