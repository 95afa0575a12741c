"""The rules of .gitignore files hide what git itself hides."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from etcsync.entries import decode_path
from etcsync.tree.ignore import Level, is_hidden, parse_rules

NAMES = ["a", "b", "ab", "abc", "a.b", ".a", "b a", "a]", "\\a", "!a", "#a", "é", "a-b"]
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "HOME": "/nonexistent",
}


def git(directory: Path, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=directory, env=ENVIRONMENT, check=True, capture_output=True
    ).stdout


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """A directory with files and directories of all names, three levels deep."""
    top = tmp_path_factory.mktemp("layout")
    git(top, "init", "-q")
    directories = [top]
    for _ in range(2):
        below = [directory / f"{name}d" for directory in directories for name in NAMES[:4]]
        for directory in below:
            directory.mkdir()
        for directory in directories:
            for name in NAMES:
                (directory / name).touch()
        directories = below
    for directory in directories:
        for name in NAMES[:5]:
            (directory / name).touch()
    return top


def hidden_files(directory: str, levels: tuple[Level, ...] = (), path: str = "") -> set[bytes]:
    """All files below that the rules hide, found from the top down as a scan does."""
    found = set()
    ignore = os.path.join(directory, ".gitignore")
    if os.path.exists(ignore):
        content = Path(ignore).read_bytes()
        levels = (Level(len(os.fsencode(path)), parse_rules(content)), *levels)
    for entry in os.scandir(directory):
        if entry.name == ".git":
            continue
        below = f"{path}{entry.name}"
        if is_hidden(below, levels, directory=entry.is_dir()):
            if entry.is_dir():
                found |= {
                    os.fsencode(os.path.relpath(os.path.join(above, name), directory_top))
                    for directory_top in [directory[: len(directory) - len(path.rstrip("/"))]]
                    for above, _, names in os.walk(entry.path)
                    for name in names
                }
            else:
                found.add(os.fsencode(below))
        elif entry.is_dir():
            found |= hidden_files(entry.path, levels, f"{below}/")
    return found


atoms = st.sampled_from([
    "a", "b", "c", "d", "ab", "abd", ".", "-", "é", "*", "*", "?", "/", "/", "/**/", "**/", "/**",
    "[ab]", "[!a]", "[^b-d]", "[]a]", "[a", "[[:alpha:]]", "[[:foo:]]", "[a-]", "[\\]]", "[b-a]",
    "\\a", "\\*", "\\\\", "\\", " ", "\\ ", "#", "!",
])  # fmt: skip
lines = st.tuples(
    st.sampled_from(["", "", "", "!", "/", "!/", "#", "\\#", "\\!"]),
    st.lists(atoms, max_size=6).map("".join),
    st.sampled_from(["", "", "/", " ", "\r", "  ", "\t"]),
).map("".join)
contents = st.lists(lines, max_size=8).map("\n".join)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(top=contents, below=st.one_of(st.just(""), contents))
@example(top="*\n!*/\n!*.b", below="")
@example(top="/*\n!/ad\n/ad/*\n!/ad/ad", below="!a")
@example(top="ad/", below="!a")
def test_the_same_files_are_hidden_as_by_git(layout, top, below):
    (layout / ".gitignore").write_text(top)
    (layout / "ad" / ".gitignore").write_text(below)
    listed = git(layout, "ls-files", "-z", "-o", "-i", "--exclude-standard").split(b"\0")
    ours = hidden_files(f"{layout}/")
    assert {decode_path(path) for path in ours} == {decode_path(path) for path in listed if path}
