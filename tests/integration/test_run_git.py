"""One git command, run to its end, whatever happens on the way."""

import os
import signal
import threading
import time

import pytest
from cluster import git

from etcsync.errors import HubError
from etcsync.hub.git import GitTimeoutError, git_command, run_git
from etcsync.threads import starting_threads


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q", "work")
    return str(tmp_path / "work/.git")


def test_it_returns_what_git_prints_byte_for_byte(repository):
    with git_command(repository) as command:
        blob = run_git(command, "hash-object", "-w", "--stdin", stdin=b"\xff\n\n").decode().strip()
        assert run_git(command, "cat-file", "blob", blob) == b"\xff\n\n"


def test_what_git_complains_of_is_told(repository):
    with git_command(repository) as command, pytest.raises(HubError, match="git log failed: fatal"):
        run_git(command, "log", "nothing")


def test_an_exit_status_may_mean_that_there_is_nothing_to_say(repository):
    with git_command(repository) as command:
        assert run_git(command, "config", "--get", "no.such", nothing=1) == b""
        with pytest.raises(HubError, match="config failed: 1"):
            run_git(command, "config", "--get", "no.such")


def test_a_git_at_its_time_limit_does_nothing_afterwards(repository, tmp_path):
    late = tmp_path / "late"
    nap = f"alias.nap=!sleep 1; touch '{late}'"
    with git_command(repository) as command:
        with pytest.raises(GitTimeoutError):
            run_git(command, "-c", nap, "nap", limit=0.2)
        time.sleep(1.5)
        assert not late.exists()
        run_git(command, "-c", nap, "nap")
        assert late.exists()


def test_a_git_that_is_interrupted_does_nothing_afterwards(repository, tmp_path):
    late = tmp_path / "late"
    interrupt = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupt.start()
    try:
        with git_command(repository) as command, pytest.raises(KeyboardInterrupt):
            run_git(command, "-c", f"alias.nap=!sleep 1; touch '{late}'", "nap")
    finally:
        signal.signal(signal.SIGINT, before)
    time.sleep(1.5)
    assert not late.exists()


def test_a_thread_that_cannot_be_started_is_an_error_of_the_system():
    with pytest.raises(OSError, match="no thread can be started"), starting_threads():
        raise RuntimeError("can't start new thread")
    with pytest.raises(RuntimeError, match="another"), starting_threads():
        raise RuntimeError("another")
