"""Paths of one group come into a tree all or none, whatever happens on the way."""

import os
from pathlib import Path

import pytest
from apply_support import LIMIT, Workbench, directory
from tree_support import AS_ROOT, take

from etcsync.entries import Entry
from etcsync.tree.apply import Change
from etcsync.tree.beneath import open_tree
from etcsync.tree.staged import Staged
from etcsync.tree.swapping import Swapper
from etcsync.tree.undoing import take_back_half_groups

ACCOUNTS = ("passwd", "group", "shadow")


@pytest.fixture
def work(tmp_path: Path) -> Workbench:
    bench = Workbench(tmp_path)
    for name in (*ACCOUNTS, "motd", "gone", "adjusted"):
        (bench.tree / name).write_text(f"{name} 1\n")
    return bench


def wanted(work: Workbench) -> dict[str, Entry | None]:
    """Return changes of every way."""
    return {
        **{name: work.file(f"{name} 2\n".encode()) for name in ACCOUNTS},
        "gone": None,
        "new": work.file(b"new\n", 0o600),
        "conf.d": directory(),
        "conf.d/part": work.file(b"part\n"),
        "link": work.link(b"passwd"),
        "adjusted": work.file(b"adjusted 1\n", 0o640),
    }


def grouped(work: Workbench) -> list[Change]:
    group = [change._replace(group="together") for change in work.changes(wanted(work))]
    return [*group, *work.changes({"motd": work.file(b"motd 2\n")})]


def entries(work: Workbench) -> dict[str, Entry]:
    return take(work.tree, blobs=work.blobs).entries


def make_first(staged: Staged, work: Workbench, number: int) -> None:
    """Do what a run does that is killed after so many of its changes."""
    with (
        open_tree(str(work.tree)) as tree,
        work.staging.bench("client0", tree, inside=False) as bench,
    ):
        swapper = Swapper(tree, bench, LIMIT, AS_ROOT)
        for item in staged.items[:number]:
            swapper.make(item)


def take_back(work: Workbench) -> None:
    with open_tree(str(work.tree)) as tree:
        take_back_half_groups(work.staging, "client0", tree, limit=LIMIT, ownership=AS_ROOT)


def test_all_of_a_group_comes_into_place(work):
    outcome = work.apply(grouped(work))
    assert outcome.done == wanted(work).keys() | {"motd"}
    found = entries(work)
    assert {path: found.get(path) for path in wanted(work)} == wanted(work)


@pytest.mark.parametrize("raced", [*ACCOUNTS, "gone", "new", "link", "adjusted", "conf.d/part"])
def test_where_the_client_was_faster_at_one_path_none_of_the_group_stays(work, raced):
    before = entries(work)
    staged = work.stage(grouped(work))
    if raced == "adjusted":
        (work.tree / raced).chmod(0o600)
    elif raced == "conf.d/part":
        (work.tree / "conf.d").mkdir()
        (work.tree / raced).write_text("the client's\n")
    else:
        (work.tree / raced).write_text("the client's\n")
    staged.swap()
    outcome = staged.finish()
    assert outcome.done == {"motd"}
    assert outcome.raced == wanted(work).keys()
    assert (work.tree / "motd").read_text() == "motd 2\n"
    after = entries(work)
    touched = {raced, ".", "motd", *(["conf.d"] if "/" in raced else [])}
    assert {p: e for p, e in after.items() if p not in touched} == {
        p: e for p, e in before.items() if p not in touched
    }
    if raced != "adjusted":
        assert (work.tree / raced).read_text() == "the client's\n"
    assert work.bench() == []


def test_a_path_that_cannot_be_staged_keeps_its_group_back(work):
    os.mkfifo(work.tree / "pipe")
    special = Change("pipe", work.now("pipe"), work.file(b"x"), group="together")
    outcome = work.apply([*grouped(work), special])
    assert outcome.done == {"motd"}
    assert outcome.raced == wanted(work).keys() | {"pipe"}
    assert (work.tree / "passwd").read_text() == "passwd 1\n"


def test_a_write_after_the_swap_takes_the_group_back_too(work):
    staged = work.stage(grouped(work))
    with (work.tree / "shadow").open("a") as late:
        staged.swap()
        late.write("late\n")
        late.flush()
        outcome = staged.finish()
    assert outcome.done == {"motd"}
    assert (work.tree / "shadow").read_text() == "shadow 1\nlate\n"
    assert (work.tree / "passwd").read_text() == "passwd 1\n"
    assert not (work.tree / "new").exists()


def test_killed_at_any_point_the_tree_then_has_all_of_the_group_or_none(work):
    before = entries(work)
    number = len(work.stage(grouped(work)).items)
    work.recover()
    for killed_after in range(number + 1):
        staged = work.stage(grouped(work))
        make_first(staged, work, killed_after)
        made = [item.slot.path for item in staged.items[:killed_after]]
        take_back(work)
        take_back(work)
        found = entries(work)
        whole = set(wanted(work)) <= set(made)
        for path, entry in wanted(work).items():
            assert found.get(path) == (entry if whole else before.get(path)), (killed_after, path)
        assert (found["motd"] != before["motd"]) == ("motd" in made)
        assert work.recover() == []
        assert work.bench() == []
        if whole:
            break
        (work.tree / "motd").write_text("motd 1\n")
    assert whole


def test_what_the_client_wrote_since_stays(work):
    staged = work.stage(grouped(work))
    paths = [item.slot.path for item in staged.items]
    make_first(staged, work, paths.index("shadow"))
    with (work.tree / "passwd").open("a") as file:
        file.write("the client's\n")
    take_back(work)
    assert (work.tree / "passwd").read_text() == "passwd 2\nthe client's\n"
    assert (work.tree / "group").read_text() == "group 1\n"
    assert not (work.tree / "new").exists()
    assert work.recover() == []
    assert work.bench() == []
