"""What rules come to once they change is what a scan finds once they are in place."""

import os
import random
from pathlib import Path

import pytest
from tree_support import Blobs, take

from etcsync.entries import Kind
from etcsync.policy.treatment import Strategy
from etcsync.tree.beside import sorted_anew
from etcsync.tree.ignore import FILE_NAME, Hides
from etcsync.tree.metadata_file import generate
from etcsync.tree.scanned import Known

STRATEGIES = {"ignored": Strategy.IGNORE, "a1": Strategy.IGNORE, "mirrored": Strategy.MIRROR}
RULES = ["*.old", "a1", "/c.d*/", "!b.old3", "*1", "ignored", "mirrored", "own/", "!own/", "dir*/"]


def grow(tree: Path, chance: random.Random) -> None:
    directories = [tree]
    for number in range(60):
        above = chance.choice(directories)
        names = ["a1", "b.old3", "c.d", "own", "ignored", "mirrored", f"dir{number}", "plain"]
        path = above / chance.choice(names)
        if path.exists() or path.is_symlink():
            continue
        made = chance.random()
        if made < 0.4:
            path.mkdir()
            directories.append(path)
        elif made < 0.5:
            path.symlink_to("nowhere")
        elif made < 0.55:
            os.mkfifo(path)
        else:
            path.touch()
    write_rules(tree, chance)


def write_rules(tree: Path, chance: random.Random) -> None:
    """Write rules where policy has them recorded."""
    directories = [
        path
        for path in sorted(tree.rglob("*"))
        if path.is_dir() and not path.is_symlink() and STRATEGIES.keys().isdisjoint(path.parts)
    ]
    for place in (tree, *chance.choices([tree, *directories], k=2)):
        place.joinpath(FILE_NAME).write_text("\n".join(chance.sample(RULES, 3)))


@pytest.mark.parametrize("seed", range(40))
def test_new_rules_come_to_the_metadata_that_the_next_scan_finds(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    grow(tmp_path, chance)
    everything = sorted(take(tmp_path).entries)
    blobs = Blobs()
    known = Known(frozenset(chance.sample(everything, len(everything) // 3)))
    before = take(tmp_path, known, STRATEGIES, blobs=blobs)

    write_rules(tmp_path, chance)
    rules = frozenset(str(p.relative_to(tmp_path)) for p in tmp_path.rglob(FILE_NAME))
    files = {p for p, entry in before.entries.items() if entry.kind is not Kind.DIRECTORY}
    paths = known.paths | files | rules
    after = take(tmp_path, Known(paths), STRATEGIES, blobs=blobs)

    entries = {**before.entries, **{path: after.entries[path] for path in rules}}
    found = sorted_anew(entries, before.beside, paths.__contains__, Hides(), blobs.__getitem__)
    assert generate(entries, beside=found) == generate(after.entries, beside=after.beside)
