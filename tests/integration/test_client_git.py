import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest
from hub_support import make_hub, record

from etcsync.errors import HubError, UsageError
from etcsync.hub.client_git import ALLOWED, client_git
from etcsync.hub.hub import UPSTREAM_REF, branch_ref, open_hub
from etcsync.hub.worktree import ensure_worktree

EVIL = b"\x1b]0;owned\x07\x1b[31mred\n"


@pytest.fixture
def hub(tmp_path):
    with open_hub(make_hub(tmp_path)) as hub:
        first = record(hub, {"motd": b"hello\n"}, ref=UPSTREAM_REF)
        record(hub, {"motd": EVIL}, first, ref=branch_ref("client0"))
        ensure_worktree(hub, "client0", str(tmp_path / "tree"))
        yield hub


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["log", "--format=%s %D"], "a message HEAD -> client0\na message upstream\n"),
        (["diff", "--stat", "upstream", "HEAD"], " motd | 2 +-\n"),
        (["show", "--format=", "--name-only"], "motd\n"),
        (["ls-tree", "--name-only", "HEAD"], "motd\n"),
        (["grep", "-c", "hello", "upstream", "--", "motd"], "upstream:motd:1\n"),
        (["rev-list", "--count", "HEAD"], "2\n"),
        (["blame", "-s", "HEAD", "motd"], "red\n"),
    ],
)
def test_reading_commands_show_the_clients_branch(hub, capfd, arguments, output):
    assert client_git(hub, "client0", arguments) == 0
    assert output in capfd.readouterr().out


def test_gits_exit_status_is_passed_on(hub, capfd):
    assert client_git(hub, "client0", ["diff", "--exit-code", "upstream", "HEAD"]) == 1
    assert client_git(hub, "client0", ["show", "nonsense"]) == 128
    assert "nonsense" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["commit"], ["gc"], ["-c", "alias.log=!sh", "log"], ["push"], ["archive"], ["config"],
        ["log", "--output=/tmp/x"], ["log", "--outpu=/tmp/x"], ["diff", "--output", "/tmp/x"],
        ["log", "--grep", "--", "--output=/tmp/x"], ["grep", "-Osh", "x"], ["grep", "-nOsh", "x"],
        ["grep", "-e", "--", "--open-files-in-pager=sh"], ["log", "--ext-diff"], ["show", "--text"],
        ["show", "--textconv"], ["log", "--show-signature"], ["diff", "--no-index", "/a", "/b"],
        ["blame", "--contents", "/etc/shadow", "motd"], ["cat-file", "--filters", "HEAD:motd"],
    ],
)  # fmt: skip
def test_what_writes_or_runs_something_is_refused(hub, arguments):
    with pytest.raises(UsageError) as caught:
        client_git(hub, "client0", arguments)
    assert caught.value.hint is not None
    if not arguments or arguments[0] not in ALLOWED:
        assert "log" in caught.value.hint


def test_there_is_no_work_tree_to_look_into(hub, capfd):
    assert client_git(hub, "client0", ["diff"]) != 0
    assert client_git(hub, "client0", ["grep", "root"]) != 0
    assert capfd.readouterr().out == ""


def test_a_client_that_is_not_there_is_an_error(hub):
    with pytest.raises(HubError, match="no history of client9"):
        client_git(hub, "client9", ["log"])


SHOW = """
import sys
from etcsync.hub.hub import open_hub
from etcsync.hub.client_git import client_git
with open_hub(sys.argv[1]) as hub:
    sys.exit(client_git(hub, "client0", sys.argv[2:]))
"""


@pytest.mark.parametrize("arguments", [["show"], ["cat-file", "-p", "HEAD:motd"], ["log", "-p"]])
@pytest.mark.timeout(20)
def test_a_terminal_gets_no_control_characters_of_a_client(hub, arguments):
    ours, theirs = pty.openpty()
    # Large enough for the pager to end by itself.
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 200, 0, 0))
    run = subprocess.Popen(
        [sys.executable, "-c", SHOW, hub.path, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"},
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    assert run.wait() == 0
    assert b"red" in seen
    assert b"\x1b]0;" not in seen
    assert b"\x07" not in seen
    assert b"\x1b[31m" not in seen
