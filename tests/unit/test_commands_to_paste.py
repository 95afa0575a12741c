"""Commands that a report offers can be pasted into a shell, whatever a client calls its files."""

import subprocess

import pytest

from etcsync.entries import encode_path
from etcsync.report.commands import drift_commands, shell_path
from etcsync.report.escape import printable

NAMES = [
    "motd",
    "with space",
    "it's",
    "$(touch x)`y`;z",
    "new\nline",
    "\x1b[31m",
    "\u202eevil",
    "\udcff0",
    "back\\slash\n'quote'",
    "grüße",
    "-option",
    "--option\n",
    '"double"',
]


@pytest.mark.parametrize("path", NAMES, ids=ascii)
def test_bash_takes_a_path_as_the_one_word_that_it_is(path: str) -> None:
    word = shell_path(path)
    assert printable(word) == word
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {word}"], capture_output=True, check=True)
    words = done.stdout.split(b"\0")[:-1]
    assert words[-1] == encode_path(path)
    if path.startswith("-"):
        assert "-- " in word


def test_a_path_that_is_too_long_to_show_gets_no_commands_that_cut_it() -> None:
    assert drift_commands("client0", "x" * 1000) == []
