"""Unified diffs: the hunks that `diff -u` prints, and nothing that hostile text could blow up."""

import difflib
import time

from etcsync.report.unified import unified_lines


def reference(old: str, new: str) -> list[str]:
    return list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm=""))[2:]


def test_hunks_are_those_of_diff_u() -> None:
    old = "".join(f"line {n}\n" for n in range(40))
    new = old.replace("line 3\n", "line three\n").replace("line 30\n", "").replace("39", "39\nx")
    assert unified_lines(old, new) == reference(old, new)


def test_a_file_that_appears_or_vanishes_is_one_hunk() -> None:
    assert unified_lines("", "a\nb\n") == ["@@ -0,0 +1,2 @@", "+a", "+b"]
    assert unified_lines("a\n", "") == ["@@ -1 +0,0 @@", "-a"]


def test_equal_texts_have_no_hunks() -> None:
    assert unified_lines("a\n", "a\n") == []


def test_a_missing_last_newline_is_a_difference() -> None:
    assert unified_lines("a\n", "a") == ["@@ -1 +1 @@", "-a", "+a  (no newline at the end)"]


def test_lines_that_nest_deeply_or_repeat_do_no_harm() -> None:
    lines = [f"{n}\n" for n in range(4096)]
    nested = "".join(lines)
    shuffled = "".join(sorted(lines, key=lambda line: f"{int(line):012b}"[::-1]))
    started = time.perf_counter()
    unified_lines(nested, shuffled)
    unified_lines("same\n" * 100_000, "same\nother\n" * 50_000)
    assert time.perf_counter() - started < 10


def test_stray_bytes_are_lines_like_others() -> None:
    assert unified_lines("\udcff\n", "\udcfe\n") == ["@@ -1 +1 @@", "-\udcff", "+\udcfe"]
