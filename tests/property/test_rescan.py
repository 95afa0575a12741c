"""A look that begins with what an earlier one found finds what a look at everything finds."""

import os
import shutil
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tree_support import AS_ROOT, Blobs, policy, recorded, rest

from etcsync.policy.treatment import Strategy
from etcsync.tree.beneath import open_tree
from etcsync.tree.ignore import Hides
from etcsync.tree.imprint import UNSETTLED, differences, imprint_after
from etcsync.tree.reading import stat_key
from etcsync.tree.scan import scan
from etcsync.tree.scanned import Known, Remembered

DIRECTORIES = [".", "a", "a/b", "a/b/c", "d", "hidden.d", "own"]
NAMES = ["f", "g", "x.tmp", "hidden.d", "a", "b", ".gitignore", "own"]
STRATEGIES = {"own": Strategy.IGNORE, "a/g": Strategy.MIRROR, "d": Strategy.MIRROR}
MOST = 10_000


def look(tree, known, blobs, earlier=None):
    remembered = None
    with open_tree(str(tree)) as opened:
        if earlier is not None:
            found = differences(opened, earlier.imprints, set(), MOST)
            remembered = Remembered(earlier, found, blobs.__getitem__)
        return scan(
            opened,
            known,
            policy(STRATEGIES),
            Hides(),
            blobs.store,
            ownership=AS_ROOT,
            remembered=remembered,
        )


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def write(path, text):
    remove(path)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def append(path):
    with open(path, "a", encoding="ascii") as file:
        file.write("more\n")


def make(maker, path):
    remove(path)
    maker(path)


def move_away(path):
    target = os.path.join(os.path.dirname(path), "moved-away")
    remove(target)
    os.rename(path, target)


CHANGES = {
    "file": lambda path: write(path, f"{path[-4:]}\n"),
    "rules": lambda path: write(path, "*.tmp\nhidden.d/\n"),
    "directory": lambda path: make(os.mkdir, path),
    "link": lambda path: make(lambda it: os.symlink("elsewhere", it), path),
    "fifo": lambda path: make(os.mkfifo, path),
    "gone": remove,
    "chmod": lambda path: os.path.exists(path) and os.chmod(path, 0o750),
    "append": lambda path: os.path.isfile(path) and append(path),
    "moved": lambda path: os.path.lexists(path) and move_away(path),
}


def change(tree, kind, directory, name):
    path = os.path.join(tree, directory, name)
    if os.path.isdir(os.path.dirname(path)):
        CHANGES[kind](path)


edits = st.lists(
    st.tuples(
        st.sampled_from(sorted(CHANGES)), st.sampled_from(DIRECTORIES), st.sampled_from(NAMES)
    ),
    max_size=6,
)


def in_short(found):
    return replace(
        found, stats={}, imprints={}, listings={}, warnings=tuple(sorted(found.warnings))
    )


@pytest.fixture
def tree(tmp_path):
    return tmp_path / "tree"


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(before=edits, after=edits)
def test_a_look_at_what_differs_finds_what_a_look_at_everything_does(tree, before, after):
    shutil.rmtree(tree, ignore_errors=True)
    for directory in DIRECTORIES[1:]:
        os.makedirs(tree / directory)
        (tree / directory / "f").write_text(f"{directory}\n")
    (tree / ".gitignore").write_text("*.tmp\n/hidden.d\n")
    for edit in before:
        change(tree, *edit)
    rest()
    blobs = Blobs()
    known = recorded(look(tree, Known(), blobs))
    earlier = look(tree, known, blobs)
    for edit in after:
        change(tree, *edit)
    everything = look(tree, known, Blobs())
    if earlier.warnings or earlier.beside.occupied or ".gitignore" in str(earlier.unmanaged):
        return  # such a tree is never remembered

    found = look(tree, known, blobs, earlier)

    assert in_short(found) == in_short(everything)


def test_what_rests_is_not_looked_at_again(tree):
    (tree / "a").mkdir(parents=True)
    (tree / "a" / "f").write_text("1\n")
    rest()
    found = look(tree, Known(), Blobs())
    with open_tree(str(tree)) as opened:
        assert differences(opened, found.imprints, set(), MOST).directories == set()
        (tree / "a" / "f").write_text("2\n")
        assert differences(opened, found.imprints, set(), MOST).directories == {"a"}


def test_what_has_just_changed_has_no_imprint(tree):
    tree.mkdir()
    (tree / "f").write_text("1\n")
    assert look(tree, Known(), Blobs()).imprints == {".": UNSETTLED}


def test_a_tree_with_too_many_names_cannot_be_compared(tree):
    tree.mkdir()
    for number in range(5):
        (tree / str(number)).write_text("")
    with open_tree(str(tree)) as opened:
        assert differences(opened, {}, set(), 4) is None


def test_the_imprint_after_a_write_is_the_one_that_the_next_look_finds(tree):
    tree.mkdir()
    for name in ("a", "b", "c"):
        (tree / name).write_text(f"{name}\n")
    rest()
    found = look(tree, Known(to_be_written=frozenset({"."})), Blobs())
    (tree / "b").write_text("new\n")
    (tree / "c").unlink()
    (tree / "d").write_text("d\n")
    rest()
    states = {name: (tree / name).lstat() for name in ("b", "d")}
    written = {name: (status.st_mode, stat_key(status)) for name, status in states.items()}

    after = imprint_after(found.listings["."], {**written, "c": None})

    assert after == look(tree, Known(), Blobs()).imprints["."]


def test_what_others_change_while_something_is_written_shows(tree):
    tree.mkdir()
    for name in ("a", "b"):
        (tree / name).write_text(f"{name}\n")
    rest()
    found = look(tree, Known(to_be_written=frozenset({"."})), Blobs())
    (tree / "a").write_text("an edit\n")
    (tree / "b").write_text("put in place\n")
    status = (tree / "b").lstat()
    after = imprint_after(found.listings["."], {"b": (status.st_mode, stat_key(status))})
    time.sleep(0.04)

    with open_tree(str(tree)) as opened:
        assert differences(opened, {".": after}, set(), MOST).directories == {"."}


def test_a_directory_that_the_earlier_look_missed_is_found(tree):
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "f").write_text("1\n")
    rest()
    blobs = Blobs()
    everything = look(tree, Known(), blobs)
    without = {path: e for path, e in everything.entries.items() if not path.startswith("a/b")}
    imprints = {path: imprint for path, imprint in everything.imprints.items() if path != "a/b"}
    earlier = replace(everything, entries=without, imprints=imprints)

    assert in_short(look(tree, Known(), blobs, earlier)) == in_short(everything)
