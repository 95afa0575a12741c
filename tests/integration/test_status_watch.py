"""`etcsync status --watch` on a terminal, in a pipe and for programs."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, sample_cluster
from rich.console import Console

from etcsync.cli.status_watch import _screen
from etcsync.errors import HubError
from etcsync.reconcile.model import ClientStatus, ClusterStatus

ETCSYNC = (sys.executable, "-m", "etcsync")


def _hear_interrupts() -> None:
    """Let a program be interrupted, also where these tests run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _as_from_a_shell() -> None:
    _hear_interrupts()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """etcsync in a terminal of its own, with what it wrote there."""

    def __init__(
        self, cluster: Cluster, *arguments: str, columns: int = 100, lines: int = 30
    ) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self.theirs = theirs
        self.written = ""
        self.process = subprocess.Popen(
            [*ETCSYNC, "--config", str(cluster.settings), *arguments],
            env={**CLEAN_ENVIRONMENT, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_as_from_a_shell,  # noqa: PLW1509 - no threads
        )
        os.set_blocking(self.ours, False)

    def read(self) -> str:
        try:
            while chunk := os.read(self.ours, 65536):
                self.written += chunk.decode()
        except BlockingIOError:
            pass
        return self.written

    def wait_for(self, text: str, since: int = 0) -> int:
        """Wait until ``text`` was written; return how much was."""
        eventually(lambda: text in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.read()[since:]))
        return len(self.written)

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def check_ended_cleanly(self) -> None:
        assert self.process.wait(20) == 0
        assert termios.tcgetattr(self.theirs) == self.before
        assert self.read().endswith("\x1b[?25h\x1b[?1049l")
        assert "Traceback" not in self.written

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)


def eventually(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    one = sample_cluster(tmp_path_factory.mktemp("cluster"))
    one.sync()
    return one


@pytest.fixture
def terminal(cluster: Cluster) -> Iterator[Callable[..., Terminal]]:
    opened = []

    def start(*arguments: str, **size: int) -> Terminal:
        opened.append(Terminal(cluster, "status", *arguments, **size))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def test_it_shows_what_changes_and_ends_on_q(terminal, cluster: Cluster) -> None:
    window = terminal("--watch", "0.2")
    seen = window.wait_for("3 synced")
    (cluster.tree(1) / "motd").write_text("mine\n")
    window.wait_for("1 drifted", seen)
    cluster.run("discard", "client1", "motd")
    window.type("q")
    window.check_ended_cleanly()


def test_it_ends_on_ctrl_c(terminal) -> None:
    window = terminal("--watch")
    window.wait_for("3 synced")
    window.type("\x03")
    window.check_ended_cleanly()


def test_other_keys_do_nothing_and_are_not_shown(terminal) -> None:
    window = terminal("--watch", "0.2")
    seen = window.wait_for("3 synced")
    window.type("xyzzy\n")
    window.wait_for("3 synced", seen)
    assert "xyzzy" not in window.written
    window.type("q")
    window.check_ended_cleanly()


def test_what_fails_meanwhile_is_shown_and_it_goes_on(terminal, cluster: Cluster) -> None:
    window = terminal("--watch", "0.2")
    seen = window.wait_for("3 synced")
    text = cluster.settings.read_text()
    cluster.settings.write_text(text + "\nnonsense = 1\n")
    seen = window.wait_for("what follows is old: ", seen)
    cluster.settings.write_text(text)
    window.wait_for("3 synced", seen)
    window.type("q")
    window.check_ended_cleanly()


def test_with_exit_code_the_last_state_counts(terminal, cluster: Cluster) -> None:
    (cluster.tree(1) / "motd").write_text("mine\n")
    window = terminal("--watch", "0.2", "--exit-code")
    window.wait_for("1 drifted")
    window.type("q")
    assert window.process.wait(20) == 1
    cluster.run("discard", "client1", "motd")


def test_a_pipe_is_refused_with_what_to_do(cluster: Cluster) -> None:
    answer = cluster.run("status", "--watch", status=2)
    assert "there is none" in answer.err
    assert "--json" in answer.err


def test_one_that_would_never_rest_is_refused(cluster: Cluster) -> None:
    assert "at least" in cluster.run("status", "--watch", "0", "--json", status=2).err


def test_what_fails_at_once_is_an_error_as_ever(cluster: Cluster) -> None:
    cluster.run("status", "nobody", "--watch", "--json", status=2)


def test_programs_get_a_document_on_each_line(cluster: Cluster) -> None:
    with subprocess.Popen(
        [*ETCSYNC, "--config", str(cluster.settings), "status", "--json", "--watch", "0.2"],
        env=CLEAN_ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=_hear_interrupts,  # noqa: PLW1509 - no threads
    ) as process:  # fmt: skip
        for _ in range(3):
            document = json.loads(process.stdout.readline())
            assert [each["state"] for each in document["clients"]] == ["synced"] * 3
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


def lines_of(state: ClusterStatus, width: int, height: int, failed=None) -> list[str]:
    console = Console(width=width, height=height, color_system=None)
    with console.capture() as capture:
        console.print(_screen(state, failed, 2, width, height))
    return capture.get().splitlines()


def many(number: int) -> ClusterStatus:
    clients = [ClientStatus(f"client{i}", "", behind=i % 500 == 7) for i in range(number)]
    return ClusterStatus("/srv/root/etc", "a" * 40, ["motd\x1b[2J"], (), "pacman\x1b[2J", clients)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
@pytest.mark.parametrize("height", [12, 24])
def test_thousands_of_clients_fit_those_that_need_attention_first(width: int, height: int) -> None:
    lines = lines_of(many(3000), width, height, HubError("gone\x1b[2J" + "x" * 300))
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    assert not any("\x1b" in line for line in lines)
    header = next(i for i, line in enumerate(lines) if line.startswith("CLIENT"))
    assert lines[header + 1].split()[:2] == ["client7", "behind"]


def test_what_does_not_fit_is_counted() -> None:
    text = "\n".join(lines_of(many(3000), 80, 24))
    assert "6 behind  2994 synced" in text
    assert "and 2984 more: 2984 synced" in text


def test_the_command_line_is_not_slowed_down_by_what_others_need() -> None:
    program = (
        "import sys, etcsync.cli.main, etcsync.cli.status, etcsync.cli.status_text; "
        "print(*sys.modules, sep='\\n')"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    ).stdout.split()  # fmt: skip
    slow = {"prometheus_client", "apprise", "rich.live", "http.server", "etcsync.daemon.metrics"}
    assert not slow & set(loaded)
