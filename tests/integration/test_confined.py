"""A program that looks at a content can see it, say what it thinks, and do nothing else."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from cluster import fingerprint
from small_root import add_script, build_small_root

from etcsync.host.confined import run_confined
from etcsync.host.rootfs import Outcome

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = build_small_root(tmp_path_factory.mktemp("root"))
    add_script(built, "usr/sbin/checker", 'grep -q good "$1"')
    return built


@pytest.fixture(autouse=True)
def nothing_changes_and_nothing_stays(root: Path):
    before = fingerprint(root)
    descriptors = os.listdir("/proc/self/fd")
    yield
    assert fingerprint(root) == before
    assert str(root) not in Path("/proc/mounts").read_text()
    assert len(os.listdir("/proc/self/fd")) == len(descriptors)
    assert children() == ""


def children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


def ask(root: Path, script: str, content: bytes = b"", limit: float = 10, name: str = "conf"):
    return run_confined(
        str(root),
        ["/bin/sh", "-c", script, "sh", "{file}"],
        name=name,
        content=content,
        limit=limit,
    )


def is_running(word: str) -> bool:
    """Whether any process of this machine has ``word`` among its arguments."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in place.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def ends(*words: str) -> None:
    """Wait for the end of processes that have been killed already."""
    until = time.monotonic() + 2
    while any(map(is_running, words)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(map(is_running, words))


def test_it_reads_the_content_and_its_words_name_the_file_alone(root):
    outcome = ask(root, 'cat "$1"; echo "$1:3: wrong" >&2; exit 7', b"line\n")
    assert outcome == Outcome(7, b"line\nconf:3: wrong\n")


def test_the_copy_is_readable_for_root_alone(root):
    said = ask(root, 'ls -lnd "$1"; ls -lnd "${1%/*}"').output.decode().splitlines()
    assert [line.split()[:4] for line in said] == [
        ["-rw-------", "1", "0", "0"], ["drwx------", "2", "0", "0"],
    ]  # fmt: skip


def test_odd_names_become_harmless_and_endings_stay(root):
    for name, seen in (
        ("a.service", "a.service"), ("-rf", "_rf"), (".", "_"), ("a;b$(c)\n.conf", "a_b__c__.conf"),
        ("\udcff\x1b[31m", "___31m"), ("x" * 255, "x" * 200),
    ):  # fmt: skip
        assert ask(root, 'echo "$1"', name=name) == Outcome(0, f"{seen}\n".encode())


def test_there_is_no_terminal_and_no_environment_of_ours(root, monkeypatch):
    monkeypatch.setenv("FROM_OUTSIDE", "x")
    said = ask(root, "set; tty; exec 3</dev/tty").output.decode()
    assert "FROM_OUTSIDE" not in said
    assert "not a tty" in said
    assert "/dev/tty" in said


def test_a_program_that_is_not_there_and_one_that_cannot_be_executed(root, tmp_path):
    missing = run_confined(str(root), ["nonsense"], name="x", content=b"", limit=5)
    assert missing == Outcome(127, b"nonsense: No such file or directory\n")
    plain = run_confined(str(root), ["/run/etcsync/x"], name="x", content=b"", limit=5)
    assert plain.status == 126
    assert ask(root, "nonsense").status == 127


def test_a_signal_is_told_as_shells_do(root):
    assert ask(root, "kill -SEGV $$").status == 128 + signal.SIGSEGV
    assert ask(root, "yes | head -n 1").output == b"y\n", "SIGPIPE is as usual"


def test_the_root_and_all_else_is_read_only(root):
    said = ask(
        root,
        "for place in / /etc /bin /proc; do touch $place/new 2>/dev/null && echo $place; done;"
        "echo x 2>/dev/null >/bin/sh && echo shell; rm -f /bin/cat 2>/dev/null && echo cat;"
        "chmod 777 /etc 2>/dev/null && echo mode; mount -o remount,rw / 2>/dev/null && echo mount;"
        "echo temporary >/tmp/x && cat /tmp/x; cd ../../../../../..; ls -d /*",
    )
    assert out_lines(said) == [
        "temporary", *sorted(f"/{path.name}" for path in root.iterdir()),
    ]  # fmt: skip


def test_of_root_s_rights_one_is_left(root):
    asking = threading.Thread(target=ask, args=(root, "exec sleep 0.51"))
    asking.start()
    state = ""
    while asking.is_alive() and not state:
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (place / "cmdline").read_bytes() == b"sleep\x000.51\0":
                    state = (place / "status").read_text()
    asking.join()
    fields = dict(line.split(":\t", 1) for line in state.splitlines())
    net_admin = f"{1 << 12:016x}"
    assert fields["CapPrm"] == fields["CapEff"] == fields["CapBnd"] == net_admin
    assert fields["CapInh"] == fields["CapAmb"] == f"{0:016x}"
    assert fields["NoNewPrivs"] == "1"
    assert fields["Groups"].strip() == ""


def test_rights_in_a_namespace_of_its_own_do_not_lift_that(root):
    script = "mount -o remount,bind,rw / ; touch /etc/new; mount --bind /tmp /etc && touch /etc/new"
    assert ask(root, f"unshare --user --mount sh -c '{script}'").status is not None


def test_the_machine_s_devices_and_processes_are_out_of_reach(root):
    said = ask(
        root,
        "ls /dev /proc; mknod /tmp/disk b 254 0 2>/dev/null && echo made; echo $$;"
        f"kill -0 {os.getpid()} 2>/dev/null && echo seen; echo gone >/dev/null; id -u; id -G",
    )
    assert out_lines(said) == [
        "/dev:", "full", "null", "random", "urandom", "zero", "", "/proc:", "2", "0", "0",
    ]  # fmt: skip


def test_there_is_no_network(root):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"bash -c 'echo out >/dev/tcp/127.0.0.1/{port}'"
        outcome = ask(root, script)
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    assert b"unreachable" in outcome.output


def test_one_that_hangs_is_killed_with_all_that_it_started(root):
    started = time.monotonic()
    script = (
        "trap '' TERM INT; echo begun; sleep 47110 & setsid sleep 47111 & exec setsid sleep 47112"
    )
    assert ask(root, script, limit=0.6) == Outcome(None, b"begun\n")
    assert time.monotonic() - started < 3
    ends("47110", "47111", "47112")


def test_a_daemon_that_it_leaves_behind_ends_with_it(root):
    started = time.monotonic()
    outcome = ask(
        root, "(setsid sleep 47120 &) ; (setsid sleep 47121 >/dev/null 2>&1 &); echo done"
    )
    assert outcome == Outcome(0, b"done\n")
    assert time.monotonic() - started < 3
    ends("47120", "47121")


def test_endless_words_are_cut_and_end_at_the_limit(root):
    outcome = ask(root, "exec yes", limit=0.7)
    assert outcome.status is None
    assert len(outcome.output) == 65_536


def test_it_cannot_fill_memory_through_its_files(root):
    script = (
        "head -c 100000000 /dev/zero >/tmp/full; echo; ls -s /tmp/full | grep -c '[0-9]\\{6\\}'"
    )
    outcome = ask(root, script)
    assert outcome.output.endswith(b"\n0\n"), "less than 100,000 blocks"


def test_it_cannot_fill_memory_itself(root):
    outcome = ask(root, "exec tail /dev/zero")
    assert outcome.status == 1
    assert b"memory exhausted" in outcome.output


def test_content_of_any_kind_and_size_arrives(root):
    content = bytes(range(256)) * 40_000
    assert ask(root, 'cat "$1"', content).output == content[:65_536]
    assert ask(root, '[ -s "$1" ] || echo empty').output == b"empty\n"


def test_where_no_cell_can_be_made_the_reason_is_told(tmp_path):
    status, output = ask(tmp_path / "missing", "true")
    assert status == -signal.SIGKILL
    assert output == b"mount: No such file or directory\n"
    status, output = ask(tmp_path, "true")
    assert status == -signal.SIGKILL
    assert b"/run" in output


def test_links_in_the_root_lead_nowhere_else(root, tmp_path):
    other = build_small_root(tmp_path / "other")
    (other / "run").rmdir()
    (other / "run").symlink_to("/tmp")
    (tmp_path / "outside").write_text("outside\n")
    (other / "etc/link").symlink_to(tmp_path / "outside")
    outcome = ask(other, 'cat "$1"; cat /etc/link', b"content\n")
    assert outcome.output.startswith(b"content\n")
    assert b"outside\n" not in outcome.output.splitlines(keepends=True)


def test_when_etcsync_is_killed_everything_in_the_cell_ends(root):
    program = (
        "import sys; from etcsync.host.confined import run_confined; "
        "run_confined(sys.argv[1], ['/bin/sh', '-c', 'setsid sleep 47130'], "
        "name='x', content=b'', limit=60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", program, str(root)], env=environment)
    until = time.monotonic() + 10
    while not is_running("47130") and time.monotonic() < until:
        time.sleep(0.01)
    assert is_running("47130")
    process.kill()
    process.wait()
    ends("47130")


def test_a_hundred_leave_nothing_and_take_milliseconds(root):
    started = time.monotonic()
    for _ in range(100):
        assert ask(root, ":").status == 0
    assert time.monotonic() - started < 30


def test_a_script_of_the_root_is_found_by_its_name(root):
    for content, status in ((b"good\n", 0), (b"bad\n", 1)):
        command = ["checker", "{file}"]
        outcome = run_confined(str(root), command, name="x", content=content, limit=5)
        assert outcome == Outcome(status, b"")


def out_lines(outcome: Outcome) -> list[str]:
    return outcome.output.decode().splitlines()
