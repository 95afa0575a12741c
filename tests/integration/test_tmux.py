"""The session over all clients, on a real tmux, with harmless programs in the place of ssh."""

import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster

from etcsync.cli.tmux import destination
from etcsync.config import Client
from etcsync.host.tmux import session_calls

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

CLIENTS = {"client0": "192.168.78.50", "client1": "", "client2": "fd00::2", "client3": "10.0.0.0/8"}


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    cluster = Cluster(tmp_path)
    tables = (f'[[clients]]\nname = "{n}"\naddress = "{a}"\n' for n, a in CLIENTS.items())
    cluster.write_settings("".join(tables))
    return cluster


@pytest.fixture
def socket(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> Iterator[dict[str, str]]:
    """Give tmux servers that are found in a place of this test's alone."""
    place = tmp_path_factory.mktemp("t")  # a socket's path is short
    monkeypatch.setitem(CLEAN_ENVIRONMENT, "TMUX_TMPDIR", str(place))
    monkeypatch.setitem(CLEAN_ENVIRONMENT, "HOME", str(place))
    yield CLEAN_ENVIRONMENT
    subprocess.run(["tmux", "kill-server"], env=CLEAN_ENVIRONMENT, capture_output=True, check=False)


@pytest.fixture
def program(tmp_path: Path) -> str:
    """Return a program that writes down the words it is called with, one to a line, and stays."""
    script = tmp_path / "connect it"
    script.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >> "$0.called"\nexec cat\n')
    script.chmod(0o755)
    return shlex.quote(str(script))


def tmux(*arguments: str) -> str:
    done = subprocess.run(
        ["tmux", *arguments], env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return done.stdout


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def panes(session: str = "etcsync") -> list[str]:
    listed = tmux("list-panes", "-s", "-t", session, "-F", "#{window_name} #{@etcsync-client}")
    return listed.splitlines()


def test_each_client_gets_a_pane_with_its_name(cluster, socket, program):
    said = cluster.run("tmux", "--ssh", program).out
    assert "tmux attach-session -t etcsync" in said
    assert panes() == [f"clients {name}" for name in CLIENTS]
    assert tmux("display", "-p", "-t", "etcsync:clients", "#{@etcsync-client}") == "client0\n"


def test_many_clients_get_more_windows(cluster, socket, program):
    cluster.run(
        "tmux", "--ssh", program, "--panes", "3", "client3", "client0", "client1", "client2"
    )
    assert panes() == [
        "clients client3", "clients client0", "clients client1", "clients-2 client2",
    ]  # fmt: skip


def test_as_many_panes_as_are_allowed_fit_into_a_window(cluster, socket):
    names = [f"client{number}" for number in range(40)]
    cluster.write_settings("".join(f'[[clients]]\nname = "{name}"\n' for name in names))
    cluster.run("tmux", "--ssh", "sleep 99 #", "--panes", "40")
    assert len(panes()) == 40


def test_words_reach_the_program_as_they_are(cluster, socket, program, tmp_path):
    odd = ["a b", "$(touch pwned)", "#{pid}", "'\"", ";", "end;", "\\;", "-t", "~"]
    cluster.run("tmux", "client0", "--ssh", f"{program} {shlex.join(odd)}")
    called = tmp_path / "connect it.called"
    eventually(lambda: called.exists() and called.read_text().count("\n") == len(odd) + 1)
    assert called.read_text().splitlines() == [*odd, "192.168.78.50"]
    assert not list(tmp_path.rglob("pwned"))


def test_what_a_console_said_before_it_ended_stays(cluster, socket):
    cluster.run("tmux", "--ssh", "sh -c 'sleep 0.5; echo no route to $0; exit 1'")
    eventually(lambda: tmux("list-panes", "-s", "-t", "etcsync", "-F", "#{pane_dead}") == "1\n" * 4)
    assert "no route to 192.168.78.50" in tmux("capture-pane", "-p", "-t", "etcsync:clients.0")


def test_what_is_typed_goes_to_all_panes_while_they_are_joined(cluster, socket, program):
    cluster.run("tmux", "--ssh", program)
    with shown(["tmux", "attach-session", "-t", "etcsync"]) as terminal:
        eventually(lambda: "etcsync" in tmux("list-clients"))
        os.write(terminal, b"\x02\x18")  # C-b, tmux's own prefix, and C-x
        eventually(lambda: tmux("display", "-p", "-t", "etcsync", "#{pane_synchronized}") == "1\n")
        title = tmux("display", "-p", "-t", "etcsync", "#{T:window-status-current-format}")
        assert title.startswith("#[bg=red]")
        os.write(terminal, b"together\n")
        for pane in range(4):
            eventually(lambda pane=pane: "together" in screen(pane))
        os.write(terminal, b"\x02\x18")
        eventually(lambda: tmux("display", "-p", "-t", "etcsync", "#{pane_synchronized}") == "0\n")
        os.write(terminal, b"alone\n")
        eventually(lambda: "alone" in screen(0))
    assert "alone" not in screen(1)


def screen(pane: int) -> str:
    return tmux("capture-pane", "-p", "-t", f"etcsync:clients.{pane}")


def test_the_users_other_sessions_stay_as_they_are(cluster, socket, program):
    tmux("new-session", "-d", "-s", "mine", "-n", "editor")
    tmux("bind-key", "C-x", "display-message", "the user's own")

    def mine() -> list[str]:
        options = (tmux("show-options", *which) for which in (["-g"], ["-gw"], ["-s"]))
        own = (tmux("show-options", *which, "-t", "mine") for which in ([], ["-w"]))
        return [*options, *own, tmux("list-panes", "-s", "-t", "mine"), tmux("list-keys")]

    before = mine()
    cluster.run("tmux", "--ssh", program)
    assert mine() == before
    tmux("unbind-key", "C-x")
    tmux("kill-session", "-t", "etcsync")
    cluster.run("tmux", "--ssh", program)
    assert "synchronize-panes" in tmux("list-keys", "-T", "prefix", "C-x")
    tmux("run-shell", "-t", "mine:editor", "true")
    assert tmux("display", "-p", "-t", "mine:editor", "#{@etcsync}") == "\n"


def test_a_session_that_is_there_is_shown_as_it_is(cluster, socket, program):
    cluster.run("tmux", "client0", "--ssh", program)
    assert "there already" in cluster.run("tmux", "--ssh", program).out
    assert panes() == ["clients client0"]
    cluster.run("tmux", "client1", "--ssh", program, "--session", "other")
    assert panes("other") == ["clients client1"]


def test_a_dry_run_prints_what_a_shell_can_run_to_the_same_effect(cluster, socket, program):
    printed = cluster.run(
        "tmux", "--ssh", f"{program} 'a;' \"it's\"", "--dry-run", "--panes", "3"
    ).out
    with pytest.raises(subprocess.CalledProcessError):
        tmux("has-session", "-t", "etcsync")
    *commands, show = printed.strip().splitlines()
    assert show == "tmux attach-session -t etcsync"
    subprocess.run(["sh", "-ec", "\n".join(commands)], env=CLEAN_ENVIRONMENT, check=True)
    by_hand = panes(), tmux("list-panes", "-s", "-F", "#{pane_start_command}", "-t", "etcsync")
    tmux("kill-session", "-t", "etcsync")
    cluster.run("tmux", "--ssh", f"{program} 'a;' \"it's\"", "--panes", "3")
    assert by_hand == (
        panes(), tmux("list-panes", "-s", "-F", "#{pane_start_command}", "-t", "etcsync"),
    )  # fmt: skip


def test_a_dry_run_needs_no_tmux(cluster, monkeypatch):
    monkeypatch.setitem(CLEAN_ENVIRONMENT, "TMUX_TMPDIR", "/nonexistent")
    document = cluster.run("tmux", "--dry-run", "--json").json
    assert document["created"] is False
    assert document["commands"][-1] == ["attach-session", "-t", "etcsync"]


def test_what_tmux_refuses_leaves_no_half_session(cluster, socket, program):
    tmux("new-session", "-d", "-s", "mine")
    tmux("set-option", "-s", "command-alias[100]", "new-window=nonsense")
    refused = cluster.run("tmux", "--panes", "1", "--ssh", program, status=3)
    assert "nonsense" in refused.err
    assert tmux("list-sessions", "-F", "#{session_name}") == "mine\n"


def test_wrong_words_are_refused(cluster, socket):
    for option, value in (("--session", "a:b"), ("--key", "C-x; kill-server"), ("--ssh", "'")):
        cluster.run("tmux", option, value, status=2)
    for wrong in (["--ssh", ""], ["nobody"]):
        cluster.run("tmux", *wrong, status=2)


def test_ssh_connects_to_the_address_where_it_is_one_hosts():
    clients = [Client(name=name, address=address) for name, address in CLIENTS.items()]
    assert [destination(client) for client in clients] == [
        "192.168.78.50", "client1", "fd00::2", "client3",
    ]  # fmt: skip


def own_command(cluster: Cluster, program: str) -> list[str]:
    start = [sys.executable, "-m", "etcsync", "--config", str(cluster.settings)]
    return [*start, "tmux", "--ssh", program]


def test_from_a_terminal_it_attaches(cluster, socket, program):
    with shown(own_command(cluster, program)):
        eventually(lambda: shown_sessions() == ["etcsync"])


def test_from_within_tmux_it_switches_the_terminal_there(cluster, socket, program):
    command = shlex.join(own_command(cluster, program))
    with shown(["tmux", "new-session", "-s", "mine", f"{command}; exec cat"]):
        eventually(lambda: shown_sessions() == ["etcsync"])
        assert tmux("list-sessions", "-F", "#{session_name}").split() == ["etcsync", "mine"]


def shown_sessions() -> list[str]:
    """Return the sessions that terminals show."""
    listed = subprocess.run(
        ["tmux", "list-clients", "-F", "#{client_session}"],
        env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return listed.stdout.split()


class shown:  # noqa: N801 - reads as the phrase that it stands for
    """A program in a terminal of its own, as long as the block lasts."""

    def __init__(self, command: list[str]) -> None:
        self.command = command

    def __enter__(self) -> int:
        self.process, terminal = pty.fork()
        if self.process == 0:
            os.execvpe(self.command[0], self.command, {**CLEAN_ENVIRONMENT, "TERM": "xterm"})
        return terminal

    def __exit__(self, *_: object) -> None:
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)


def test_the_plan_of_a_session_needs_nothing_but_its_arguments():
    consoles = {"a": ("ssh", "a"), "b": ("ssh", "b")}
    calls = list(session_calls("s", consoles, panes=1, key="C-x"))
    begin = [call[0] for call in calls]
    assert begin[0][:5] == ("new-session", "-d", "-s", "s", "-x")
    assert begin[1] == ("new-window", "-d", "-t", "s:", "-n", "clients-2", "--", "ssh", "b")
    assert len(calls) == 3
