"""Seeing that a package manager is at work in the root, without disturbing it."""

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from etcsync.host.transactions import lock_since, transaction_in_progress


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/etc").mkdir(parents=True)
    return tmp_path / "root"


def busy(root: Path) -> str | None:
    return transaction_in_progress(str(root), str(root / "etc"))


def make_file(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def holding(path: Path, kind: int) -> subprocess.Popen[bytes]:
    """Start a process that locks a file with fcntl until its standard input ends."""
    program = (
        "import fcntl, sys\n"
        "file = open(sys.argv[1], 'r+b')\n"
        "fcntl.lockf(file, int(sys.argv[2]))\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path), str(kind)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"locked\n"
    return process


def test_a_root_at_rest_is_not_busy(root):
    make_file(root / "var/lib/dpkg/lock-frontend")
    make_file(root / "var/lib/rpm/.rpm.lock")
    assert busy(root) is None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("var/lib/dpkg/lock-frontend", "apt or dpkg"),
        ("var/lib/dpkg/lock", "dpkg"),
        ("var/lib/rpm/.rpm.lock", "rpm"),
        ("usr/lib/sysimage/rpm/.rpm.lock", "rpm"),
    ],
)
def test_a_held_lock_is_seen_and_never_waited_for(root, path, name):
    lock = make_file(root / path)
    with holding(lock, fcntl.LOCK_EX) as process:
        started = time.monotonic()
        assert busy(root) == f"{name} holds {lock}"
        assert time.monotonic() - started < 1
        process.communicate(b"")
    assert busy(root) is None


def test_a_query_that_shares_rpms_lock_is_no_transaction(root):
    lock = make_file(root / "var/lib/rpm/.rpm.lock")
    with holding(lock, fcntl.LOCK_SH) as process:
        assert busy(root) is None
        process.communicate(b"")


def test_looking_at_a_lock_never_disturbs_who_takes_it(root):
    lock = make_file(root / "var/lib/dpkg/lock-frontend")
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            busy(root)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        program = (
            "import fcntl, sys\n"
            "file = open(sys.argv[1], 'r+b')\n"
            "for _ in range(20000):\n"
            "    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
            "    fcntl.lockf(file, fcntl.LOCK_UN)\n"
        )
        subprocess.run([sys.executable, "-c", program, str(lock)], check=True)
    finally:
        stop.set()
        looker.join()


def test_pacmans_lock_is_named(root):
    lock = make_file(root / "var/lib/pacman/db.lck")
    assert f"pacman holds {lock}" in (busy(root) or "")


def test_gits_lock_is_named(root):
    lock = make_file(root / "etc/.git/index.lock")
    assert f"git holds {lock}" in (busy(root) or "")


def test_a_living_zypper_is_seen_and_a_left_over_file_is_not(root):
    process_file = make_file(root / "run/zypp.pid", f"{os.getpid()}\n")
    assert f"process {os.getpid()}" in (busy(root) or "")
    os.utime(process_file, (1, 1))
    assert busy(root) is None
    process_file.write_text("4194305\n")
    assert busy(root) is None
    process_file.write_text("no number" * 1000)
    assert busy(root) is None


def test_the_oldest_lock_that_lasts_as_long_as_its_file_tells_its_age(root):
    etc = str(root / "etc")
    assert lock_since(str(root), etc) is None
    for path, moment in (("var/lib/pacman/db.lck", 2000), ("etc/.git/index.lock", 1000)):
        os.utime(make_file(root / path), (moment, moment))
    assert lock_since(str(root), etc) == 1000
    (root / "etc/.git/index.lock").unlink()
    assert lock_since(str(root), etc) == 2000


def test_links_of_the_root_are_followed_inside_the_root(root, tmp_path):
    make_file(root / "srv/pacman/db.lck")
    (root / "var/lib").mkdir(parents=True)
    (root / "var/lib/pacman").symlink_to("/srv/pacman")
    assert str(root / "srv/pacman/db.lck") in (busy(root) or "")
    (root / "var/lib/pacman").unlink()
    make_file(tmp_path / "outside/db.lck")
    (root / "var/lib/pacman").symlink_to(f"../../../../../../{tmp_path}/outside")
    assert busy(root) is None


def test_a_fifo_in_place_of_a_lock_does_not_hang(root):
    (root / "var/lib/dpkg").mkdir(parents=True)
    os.mkfifo(root / "var/lib/dpkg/lock")
    assert busy(root) is None
