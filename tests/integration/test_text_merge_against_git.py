"""Text merges compared with what git makes of the same texts."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from etcsync.hub.git import ENVIRONMENT
from etcsync.plan.text import merge_text, merge_union

Texts = tuple[bytes, bytes, bytes]


def git_merge(directory: Path, texts: Texts, *options: str) -> bytes | None:
    """Return what ``git merge-file`` makes of base, ours and theirs; None for a conflict."""
    base, ours, theirs = (directory / name for name in ("base", "ours", "theirs"))
    for path, text in zip((base, ours, theirs), texts, strict=True):
        path.write_bytes(text)
    done = subprocess.run(
        ["git", "merge-file", "-p", *options, ours, base, theirs],
        capture_output=True,
        check=False,
        cwd=directory,
        env={**ENVIRONMENT, "PATH": os.environ["PATH"]},
    )
    assert done.returncode < 128, done.stderr
    return done.stdout if done.returncode == 0 else None


def edited(choose: random.Random, lines: list[bytes], words: list[bytes]) -> list[bytes]:
    """Return ``lines`` after one to three insertions, deletions or replacements."""
    result = list(lines)
    for _ in range(choose.randint(1, 3)):
        at = choose.randint(0, len(result))
        new = choose.choices(words, k=choose.randint(0, 3))
        result[at : at + choose.randint(0 if new else 1, 3)] = new
    return result


def cases(seed: int, count: int, vocabulary: int) -> list[Texts]:
    """Return texts whose lines repeat the more, the smaller the vocabulary is."""
    choose = random.Random(seed)
    words = [b"option%d = value\n" % number for number in range(vocabulary)]
    result = []
    for _ in range(count):
        base = choose.choices(words, k=choose.randint(0, 25))
        ours, theirs = edited(choose, base, words), edited(choose, base, words)
        result.append((b"".join(base), b"".join(ours), b"".join(theirs)))
    return result


@pytest.mark.parametrize(
    ("vocabulary", "needlessly_held"),
    [
        pytest.param(10_000, 0.01, id="lines hardly repeat"),
        pytest.param(100, 0.08, id="some lines repeat"),
    ],
)
def test_a_clean_merge_is_git_s_and_where_git_conflicts_there_is_none(
    tmp_path: Path, vocabulary: int, needlessly_held: float
):
    clean = held = 0
    for texts in cases(seed=1, count=300, vocabulary=vocabulary):
        expected, merged = git_merge(tmp_path, texts), merge_text(*texts)
        if merged is not None:
            assert merged == expected
            clean += 1
        elif expected is not None:
            held += 1
    assert clean > 100
    assert held <= needlessly_held * (clean + held)


def test_where_lines_repeat_without_end_hardly_any_merge_is_believed(tmp_path: Path):
    differing = 0
    for texts in cases(seed=2, count=300, vocabulary=4):
        merged = merge_text(*texts)
        differing += merged is not None and merged != git_merge(tmp_path, texts)
    assert differing <= 2


def test_the_exception_a_moved_line_that_both_sides_can_be_said_to_have_deleted(tmp_path: Path):
    # Seen from the line 2, both deleted the 4 after it, and theirs put three lines before it. Seen
    # from the line 4, as git sees it, theirs kept it and moved the 2, which ours left alone.
    texts = (b"2\n4\n", b"2\n", b"4\n1\n3\n2\n")
    assert git_merge(tmp_path, texts) is None
    assert merge_text(*texts) == b"4\n1\n3\n2\n"


def test_a_union_of_added_lines_is_git_s(tmp_path: Path):
    base = b"/bin/sh\n/bin/bash\n"
    texts = (base, base + b"/bin/zsh\n", base + b"/bin/fish\n/bin/dash\n")
    assert merge_union(*texts) == git_merge(tmp_path, texts, "--union")
