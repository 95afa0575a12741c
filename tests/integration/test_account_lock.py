"""The account files of a tree are not written while a client's useradd does."""

import fcntl
import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from etcsync.errors import TreeError
from etcsync.tree.account_lock import AccountsBusyError, account_lock
from etcsync.tree.beneath import open_tree


def hold(path, ready, seconds):
    with open(path, "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        ready.set()
        time.sleep(seconds)


def is_free(path):
    """Whether another process gets the lock at once."""
    program = (
        "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    command = [sys.executable, "-c", program, str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def holder(tmp_path):
    """Have another process hold the lock for some seconds."""
    context = multiprocessing.get_context("fork")
    processes = []

    def start(seconds):
        ready = context.Event()
        process = context.Process(target=hold, args=(tmp_path / ".pwd.lock", ready, seconds))
        process.start()
        processes.append(process)
        assert ready.wait(10)

    yield start
    for process in processes:
        process.kill()
        process.join()


def test_a_holder_is_waited_for(tmp_path, holder):
    holder(0.3)
    with open_tree(str(tmp_path)) as tree, account_lock(tree, 10):
        pass


def test_but_not_for_ever(tmp_path, holder):
    holder(30)
    with (
        open_tree(str(tmp_path)) as tree,
        pytest.raises(AccountsBusyError, match=r"holds \.pwd\.lock"),
        account_lock(tree, 0.2),
    ):
        pass


def test_without_a_lock_file_nothing_is_made_unless_asked(tmp_path):
    with open_tree(str(tmp_path)) as tree, account_lock(tree, 0):
        pass
    assert os.listdir(tmp_path) == []


def test_a_lock_file_that_is_made_is_the_owners_alone_and_held(tmp_path):
    for _ in range(2):
        with open_tree(str(tmp_path)) as tree, account_lock(tree, 0, create=True):
            assert (tmp_path / ".pwd.lock").stat().st_mode & 0o7777 == 0o600
            assert not is_free(tmp_path / ".pwd.lock")
    assert is_free(tmp_path / ".pwd.lock")


@pytest.mark.parametrize("stand", ["fifo", "link"])
def test_something_else_under_its_name_is_not_opened(tmp_path, stand):
    lock = tmp_path / ".pwd.lock"
    os.mkfifo(lock) if stand == "fifo" else lock.symlink_to("/etc/passwd")
    with open_tree(str(tmp_path)) as tree, pytest.raises(TreeError), account_lock(tree, 0):
        pass
