"""Nothing outside a tree is reached through it, with openat2 and without."""

import errno
import os
import stat
from contextlib import contextmanager

import pytest

from etcsync import system_calls
from etcsync.errors import TreeError
from etcsync.tree import beneath
from etcsync.tree.beneath import Place, open_tree


@pytest.fixture(params=[False, True], ids=["openat2", "stepwise"])
def stepwise(request):
    if not request.param and not system_calls.has_openat2():
        pytest.skip("the kernel has no openat2")
    return request.param


@pytest.fixture
def tree(tmp_path):
    """A tree beside a secret that lies outside it."""
    top = tmp_path / "tree"
    (top / "conf" / "deep").mkdir(parents=True)
    (top / "conf" / "file").write_text("inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    return top


@contextmanager
def refused(*numbers):
    """Expect one of these error numbers."""
    with pytest.raises(OSError, match=r"\[Errno") as caught:
        yield
    assert caught.value.errno in numbers


def reading(opened, path):
    with opened.place(path) as place:
        descriptor = opened.open_file(place)
        try:
            return os.read(descriptor, 100)
        finally:
            os.close(descriptor)


def test_a_file_is_read(tree, stepwise):
    with open_tree(str(tree), stepwise=stepwise) as opened:
        assert reading(opened, "conf/file") == b"inside"


@pytest.mark.parametrize("target", ["/", "..", "../outside", "../../../../..", "/proc/self/cwd"])
def test_a_link_to_a_directory_is_not_entered(tree, stepwise, target):
    (tree / "link").symlink_to(target)
    with open_tree(str(tree), stepwise=stepwise) as opened:
        for path in ("link", "link/secret", "conf/../link/etc"):
            with refused(errno.ELOOP, errno.ENOTDIR, errno.EXDEV):
                opened.open_directory(path)


@pytest.mark.parametrize(
    "path",
    ["..", "../secret", "../outside/secret", "conf/../../outside/secret", "/etc/passwd", "."],
)
def test_no_path_names_a_place_outside(tree, stepwise, path):
    with (
        open_tree(str(tree), stepwise=stepwise) as opened,
        refused(errno.EXDEV, errno.EINVAL, errno.ENOENT),
    ):
        reading(opened, path)


def test_a_link_is_not_read_as_a_file(tree, stepwise):
    (tree / "link").symlink_to("../outside/secret")
    with open_tree(str(tree), stepwise=stepwise) as opened, refused(errno.ELOOP):
        reading(opened, "link")


def test_a_fifo_is_refused_without_waiting(tree, stepwise):
    os.mkfifo(tree / "fifo")
    with open_tree(str(tree), stepwise=stepwise) as opened, refused(errno.ELOOP):
        reading(opened, "fifo")


@pytest.mark.root
def test_a_device_is_not_even_opened(tree, stepwise):
    os.mknod(tree / "device", stat.S_IFCHR | 0o600, os.makedev(10, 63))  # no such device
    # Not ENXIO or ENODEV, which opening it would give.
    with open_tree(str(tree), stepwise=stepwise) as opened, refused(errno.ELOOP):
        reading(opened, "device")


@pytest.mark.root
def test_a_mount_is_not_crossed(tree, stepwise, mounted_tmpfs):
    mounted_tmpfs(tree / "conf" / "deep")
    with open_tree(str(tree), stepwise=stepwise) as opened, refused(errno.EXDEV):
        opened.open_directory("conf/deep")


def test_paths_longer_than_the_kernel_takes_are_walked(tree, stepwise):
    name = "n" * 200
    path = "/".join([name] * 40)
    descriptor = os.open(tree, os.O_RDONLY)
    for _ in range(40):
        os.mkdir(name, dir_fd=descriptor)
        below = os.open(name, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    with open_tree(str(tree), stepwise=stepwise) as opened, opened.directory(path) as reached:
        assert os.path.sameopenfile(reached, descriptor)
        with opened.place(path + "/new") as place:
            os.close(beneath.make_file(place))
    assert os.listdir(descriptor) == ["new"]
    os.close(descriptor)


def test_no_descriptor_is_left_open(tree, stepwise):
    before = os.listdir("/proc/self/fd")
    with open_tree(str(tree), stepwise=stepwise) as opened:
        reading(opened, "conf/file")
        for path in ("conf/none/x", "conf/file/x", "none"):
            with refused(errno.ENOENT, errno.ENOTDIR):
                opened.open_directory(path)
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("stand", ["nothing", "file", "link"])
def test_the_top_must_be_a_directory(tmp_path, stand):
    top = tmp_path / "top"
    if stand == "file":
        top.touch()
    elif stand == "link":
        (tmp_path / "real").mkdir()
        top.symlink_to("real")
    for path in (str(top), f"{top}/"):
        with pytest.raises(TreeError) as caught, open_tree(path):
            pass
        assert str(top) in caught.value.message
        assert caught.value.hint


def test_exchange_and_move_take_one_step_or_none(tree):
    with open_tree(str(tree)) as opened, opened.place("conf/file") as file:
        other = Place(opened.descriptor, b"other")
        with pytest.raises(FileNotFoundError):
            beneath.exchange(file, other)
        (tree / "other").write_text("other")
        with pytest.raises(FileExistsError):
            beneath.move(file, other)
        beneath.exchange(file, other)
    assert (tree / "conf" / "file").read_text() == "other"
    assert (tree / "other").read_text() == "inside"


def test_a_new_file_appears_when_it_is_complete(tree):
    with open_tree(str(tree)) as opened:
        new = Place(opened.descriptor, b"new")
        with beneath.new_file(new, opened.descriptor) as descriptor:
            beneath.write_all(descriptor, b"whole")
            assert not (tree / "new").exists()
        with pytest.raises(FileExistsError), beneath.new_file(new, opened.descriptor):
            pass
    assert (tree / "new").read_text() == "whole"
    assert stat.S_IMODE((tree / "new").stat().st_mode) == 0o600


def test_a_new_file_whose_making_fails_never_was(tree):
    with open_tree(str(tree)) as opened:
        new = Place(opened.descriptor, b"new")
        with pytest.raises(ZeroDivisionError), beneath.new_file(new, opened.descriptor):
            raise ZeroDivisionError
    assert not (tree / "new").exists()


def test_where_files_must_have_names_a_new_file_is_made_in_its_place(tree):
    nowhere = os.open("/proc", os.O_RDONLY)
    try:
        with open_tree(str(tree)) as opened:
            new = Place(opened.descriptor, b"new")
            with beneath.new_file(new, nowhere) as descriptor:
                beneath.write_all(descriptor, b"whole")
                assert (tree / "new").exists()
    finally:
        os.close(nowhere)
    assert (tree / "new").read_text() == "whole"
