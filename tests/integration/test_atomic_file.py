"""Files that appear at once: what a killed writer leaves, and two writers side by side."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from torture.kills import dying_at

from etcsync.atomic_file import write_file


def killed_at(number: int, path: Path, *, replace: bool) -> bool:
    """Write in a process that dies at its ``number``-th change; return whether it died."""
    child = os.fork()
    if child == 0:
        dying_at(number)()
        write_file(str(path), b"new", replace=replace)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize("replace", [True, False])
def test_killed_anywhere_the_next_writer_leaves_nothing_but_the_file(
    tmp_path: Path, *, replace: bool
) -> None:
    path = tmp_path / "etcsync.toml"
    number = 1
    while killed_at(number, path, replace=replace):
        assert not path.exists() or path.read_bytes() == b"new"
        if not path.exists():
            write_file(str(path), b"after", replace=replace)
        assert os.listdir(tmp_path) == ["etcsync.toml"]
        path.unlink()
        number += 1
    assert number > 2


def test_a_file_that_was_left_over_by_someone_else_is_none_of_the_new_one(tmp_path: Path) -> None:
    path, left_over = tmp_path / "fstab", tmp_path / ".fstab.etcsync-new"
    path.write_text("old")
    path.chmod(0o640)
    left_over.write_text("half")
    left_over.chmod(0o666)
    os.link(left_over, tmp_path / "elsewhere")
    write_file(str(path), b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)
    assert (tmp_path / "elsewhere").read_text() == "half"
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "fstab"]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("fstab", path)])
def test_what_stands_in_the_way_of_the_new_file_is_left_alone(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path, in_the_way = tmp_path / "fstab", tmp_path / ".fstab.etcsync-new"
    path.write_text("old")
    make(in_the_way)
    write_file(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == [in_the_way.name, "fstab"]


def test_many_writers_side_by_side_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    contents = [bytes([number]) * 100_000 for number in range(8)]
    children = []
    for content in contents:
        child = os.fork()
        if child == 0:
            whole = True
            for _ in range(50):
                write_file(str(path), content, durable=False)
                whole = whole and path.read_bytes() in contents
            os._exit(0 if whole else 1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    assert path.read_bytes() in contents
    assert os.listdir(tmp_path) == ["state"]


def test_a_file_that_exists_is_not_replaced_where_that_is_not_wanted(tmp_path: Path) -> None:
    path = tmp_path / "etcsync.toml"
    path.write_text("old")
    with pytest.raises(FileExistsError):
        write_file(str(path), b"new", replace=False)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["etcsync.toml"]
