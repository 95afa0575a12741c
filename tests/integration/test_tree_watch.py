"""Watching a tree whose client does not want to be watched, or wants others not to be."""

import os
import threading
import time
from pathlib import Path

import pytest

from etcsync.daemon.echoes import NAMELESS
from etcsync.daemon.inotify import Inotify
from etcsync.daemon.spots import SpotsWatch
from etcsync.daemon.tree_watch import TooManyError, TreeWatch
from etcsync.errors import TreeError
from etcsync.tree import beneath
from etcsync.tree.beneath import Place, open_tree


@pytest.fixture
def inotify():
    instance = Inotify()
    yield instance
    instance.close()
    assert not instance.alive


def watches():
    """Return how many directories this process has the kernel watch."""
    told = Path("/proc/self/fdinfo").glob("*")
    return sum(line.startswith("inotify ") for each in told for line in _lines(each))


def _lines(path):
    try:
        return path.read_text().splitlines()
    except OSError:  # the descriptor with which the directory was read
        return []


class Ear:
    """Keeps what is heard."""

    def __init__(self, inotify, tree, most=1000):
        self.paths = []
        self.watch = TreeWatch(str(tree), inotify, self.paths.append, lambda: None, most=most)

    def hears(self, path, within=5.0):
        until = time.monotonic() + within
        while path not in self.paths and time.monotonic() < until:
            time.sleep(0.01)
        return path in self.paths


@pytest.fixture
def tree(tmp_path):
    place = tmp_path / "tree"
    (place / "a" / "b").mkdir(parents=True)
    return place


def test_events_have_the_paths_of_the_tree(inotify, tree):
    ear = Ear(inotify, tree)
    ear.watch.refresh()
    assert watches() == 3
    (tree / "a" / "b" / "file").touch()
    (tree / "top").touch()
    assert ear.hears("a/b/file")
    assert ear.hears("top")


def test_a_new_directory_makes_the_watch_stale_and_is_watched_after_a_refresh(inotify, tree):
    ear = Ear(inotify, tree)
    ear.watch.refresh()
    assert not ear.watch.stale
    (tree / "new").mkdir()
    assert ear.hears("new")
    assert ear.watch.stale
    ear.watch.refresh()
    (tree / "new" / "file").touch()
    assert ear.hears("new/file")


def test_a_renamed_directory_is_heard_under_its_new_name(inotify, tree):
    ear = Ear(inotify, tree)
    ear.watch.refresh()
    (tree / "a").rename(tree / "z")
    assert ear.hears("z")
    ear.watch.refresh()
    (tree / "z" / "b" / "file").touch()
    assert ear.hears("z/b/file")
    assert watches() == 3


def test_a_directory_that_takes_over_an_inode_is_watched(inotify, tree):
    ear = Ear(inotify, tree)
    for number in range(20):
        ear.watch.refresh()
        (tree / "a" / "b").rmdir()
        (tree / "a" / "b").mkdir()
        until = time.monotonic() + 5
        while not ear.watch.stale and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.02)
        ear.watch.refresh()
        (tree / "a" / "b" / f"{number}").touch()
        assert ear.hears(f"a/b/{number}")
        (tree / "a" / "b" / f"{number}").unlink()


def test_nothing_outside_is_watched_however_directories_and_links_are_swapped(inotify, tree):
    outside = tree.parent / "outside"
    (outside / "secret").mkdir(parents=True)
    ear = Ear(inotify, tree)
    ending = threading.Event()

    def swap():
        place, aside = tree / "a", tree.parent / "aside"
        while not ending.is_set():
            place.rename(aside)
            place.symlink_to(outside)
            place.unlink()
            aside.rename(place)

    swapper = threading.Thread(target=swap)
    swapper.start()
    for _ in range(300):
        ear.watch.refresh()
        (outside / "secret" / "told").touch()
        (outside / "told").touch()
    ending.set()
    swapper.join()
    ear.watch.refresh()
    (tree / "end").touch()
    assert ear.hears("end")
    assert not [path for path in ear.paths if path and "told" in path]


def test_a_tree_with_too_many_directories_is_not_watched_at_all(inotify, tree):
    ear = Ear(inotify, tree, most=2)
    with pytest.raises(TooManyError):
        ear.watch.refresh()
    assert watches() == 0
    (tree / "top").touch()
    assert not ear.hears("top", 0.3)


def test_names_of_any_bytes_are_heard(inotify, tree):
    ear = Ear(inotify, tree)
    os.mkdir(os.fsencode(tree) + b"/\xff\n")
    ear.watch.refresh()
    Path(os.fsdecode(os.fsencode(tree) + b"/\xff\n/\xfe")).touch()
    assert ear.hears("\udcff\n/\udcfe")


def test_a_tree_that_is_missing_stays_stale(inotify, tmp_path):
    ear = Ear(inotify, tmp_path / "none")
    with pytest.raises(TreeError):
        ear.watch.refresh()
    assert ear.watch.stale


def test_a_file_is_heard_when_it_is_replaced_and_told_once(inotify, tmp_path):
    place = tmp_path / "HEAD"
    place.write_text("1")
    calls = []
    spots = SpotsWatch(str(tmp_path), {"HEAD": lambda: calls.append(1)})
    spots.refresh(inotify)
    (tmp_path / "other").touch()
    (tmp_path / "HEAD.lock").write_text("2")
    (tmp_path / "HEAD.lock").rename(place)
    until = time.monotonic() + 5
    while not calls and time.monotonic() < until:
        time.sleep(0.01)
    assert not spots.check()
    assert len(calls) == 1


def test_a_file_in_a_directory_that_comes_later_is_seen_by_the_look(inotify, tmp_path):
    directory = tmp_path / "later"
    calls = []
    spots = SpotsWatch(str(directory), {"file": lambda: calls.append(1)})
    spots.refresh(inotify)
    assert not spots.check()
    directory.mkdir()
    (directory / "file").touch()
    assert spots.check(), "the directory is to be watched now"
    assert calls == [1]


def test_a_new_version_is_heard_by_its_inode_alone(inotify, tree, tmp_path):
    """Until it has a name, and that is not in the tree; or else each write would bring a pass."""
    ear = Ear(inotify, tree)
    ear.watch.refresh()
    (tmp_path / "bench").mkdir()
    with open_tree(str(tree)) as opened, open_tree(str(tmp_path / "bench")) as bench:
        slot = Place(bench.descriptor, b"000001")
        with beneath.new_file(slot, opened.descriptor) as descriptor:
            beneath.write_all(descriptor, b"new")
            os.fchown(descriptor, os.geteuid(), os.getegid())
            os.fchmod(descriptor, 0o640)
    (tree / "last").touch()
    assert ear.hears("last")
    assert all(NAMELESS.fullmatch(path) for path in ear.paths if path != "last")
