"""Clients in every situation, at random, for tests of what holds for all of them."""

from typing import Any

import hypothesis.strategies as st
from account_systems import Edit, add_group, add_user, delete_user, join, make_sides, set_shell
from plan_support import DEFAULT, FIFO, directory, file, link

from etcsync.entries import ROOT, Entry, Kind, ancestors
from etcsync.plan.keyed import ACCOUNT_FILES
from etcsync.plan.model import Sides
from etcsync.policy.treatment import Strategy, Treatment

PATHS = ("a", "b", "d", "d/x", "d/y", "d/e", "d/e/z")
"""Where the three sides have entries."""

ALL_PATHS = (*PATHS, *ACCOUNT_FILES)

UNCAPTURED = ("d/hidden", "d/e/ignored", "h")
TEXT = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n"
FILES = (
    file(TEXT),
    file(TEXT.replace(b"1", b"one")),
    file(TEXT.replace(b"9", b"nine")),
    file(TEXT + b"ten\n"),
    file(b"\0" + TEXT),
    file(TEXT, 0o600),
    file(TEXT, 0o4755),
    file(TEXT, 0o640, 0, 42),
    file(TEXT.replace(b"1", b"one"), 0o664, 7, 42),
)
DIRECTORIES = (directory(), directory(0o700), directory(0o750, 0, 42))
LINKS = (link(b"x"), link(b"y"))


def account_edits() -> tuple[tuple[list[Edit], list[Edit]], ...]:
    """Return what a client and upstream did to their accounts: nothing, fitting, colliding."""
    new = Edit(add_user, ("dave", 1003, 300000, "19001"))
    other = Edit(add_user, ("erin", 1004, 400000, "19002"))
    colliding = Edit(add_user, ("frank", 1003, 500000, "19002"))
    shell, shell_again = (Edit(set_shell, ("bob", shell)) for shell in ("/bin/zsh", "/bin/fish"))
    group = [Edit(add_group, ("video", 990)), Edit(join, ("carol", "video"))]
    return (
        ([], [new]),
        ([new], []),
        ([new], [other]),
        ([new, *group], [shell]),
        ([Edit(delete_user, ("carol",))], [other]),
        ([new], [new, shell]),
        ([new], [colliding]),
        ([shell], [shell_again, other]),
        ([Edit(delete_user, ("carol",))], group),
    )


def accounts(content: dict[str, bytes | None]) -> dict[str, Entry]:
    return {name: file(text) for name, text in content.items() if text is not None}


ACCOUNTS = tuple(
    tuple(map(accounts, make_sides([], ours, theirs))) for ours, theirs in account_edits()
)


def valid(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Return ``entries`` with what is needed, and without what is impossible, in a tree."""
    result = {ROOT: entries.get(ROOT, directory())}
    for path in sorted(entries):
        above = {a: result.get(a, directory()) for a in ancestors(path)}
        if all(entry.kind is Kind.DIRECTORY for entry in above.values()):
            result |= {**above, path: entries[path]}
    return result


@st.composite
def treatments(draw: st.DrawFn) -> Treatment:
    return Treatment(
        strategy=draw(st.sampled_from([Strategy.MERGE, *Strategy])),
        group=draw(st.sampled_from([None, None, "accounts"])),
        expected=draw(st.sampled_from([False, False, True])),
        seed=draw(st.sampled_from([None, None, False])),
    )


@st.composite
def situations(draw: st.DrawFn, accounts_in: int = 4) -> tuple[Sides, dict[str, Treatment]]:
    """Return the sides of a client and its policy, at random; accounts in one of so many."""
    rules = {path: draw(treatments()) for path in draw(st.sets(st.sampled_from([ROOT, *PATHS])))}
    rules["d/e/ignored"] = Treatment(Strategy.IGNORE)
    leaves = st.sampled_from([*FILES[:4] * 4, *FILES, *LINKS, DIRECTORIES[0], None, None, None])
    inner = st.sampled_from([DIRECTORIES[0], *DIRECTORIES, *FILES[:2], LINKS[0], None])

    def changed(old: dict[str, Entry]) -> dict[str, Entry]:
        changes = {
            path: draw(inner if path in {"d", "d/e"} else leaves)
            for path in PATHS
            if draw(st.integers(1, 10)) <= 4
        }
        if draw(st.integers(1, 10)) == 1:
            changes[ROOT] = draw(st.sampled_from(DIRECTORIES))
        return valid({p: e for p, e in {**old, **changes}.items() if e})

    usual = {path: DIRECTORIES[0] if path in {"d", "d/e"} else FILES[0] for path in PATHS}
    base = changed(usual)
    ours, theirs = changed(base), changed(base)
    if draw(st.integers(1, accounts_in)) == 1:
        accounts = draw(st.sampled_from(ACCOUNTS))
        base, ours, theirs = (
            old | new for old, new in zip((base, ours, theirs), accounts, strict=True)
        )
        group = draw(st.sampled_from(["accounts", None]))
        rules |= dict.fromkeys(ACCOUNT_FILES, Treatment(Strategy.KEYED, group=group))
        for side in (ours, theirs):
            path = draw(st.sampled_from([*ACCOUNT_FILES, *[None] * 20]))
            if path is not None:
                side[path] = draw(st.sampled_from([FILES[5], FILES[7], LINKS[0], FILES[0]]))
    creating = draw(st.integers(1, 10)) == 1
    if creating:
        base, ours = {}, {ROOT: directory(0o700)}
    special = {path: FIFO for path in (*UNCAPTURED, *PATHS) if draw(st.integers(1, 12)) == 1}
    mirror = {
        path: draw(st.sampled_from([*FILES, *LINKS]))
        for path in PATHS
        if strategy_of(path, rules) is Strategy.MIRROR and path not in theirs
    }
    sides = Sides(
        base=base,
        theirs=theirs,
        creating=creating,
        seeds={"b": file(b"seed\n")} if draw(st.booleans()) else {},
        mirror=mirror,
        **scanned(valid({**special, **ours}), {*base, *theirs}, rules),
    )
    return sides, rules


def scanned(
    present: dict[str, Entry], tracked: set[str], rules: dict[str, Treatment]
) -> dict[str, Any]:
    """Return what is in a client's tree, sorted as a scan of it sorts it."""
    ours, unmanaged, mirrored = {}, {}, {}
    for path, entry in present.items():
        if entry is FIFO or strategy_of(path, rules) is Strategy.IGNORE:
            unmanaged[path] = entry
        elif strategy_of(path, rules) is Strategy.MIRROR and path not in tracked:
            mirrored[path] = entry
        else:
            ours[path] = entry
    hidden = frozenset({"d/hidden"} & unmanaged.keys())
    unmanaged = {path: entry for path, entry in unmanaged.items() if path not in hidden}
    return {"ours": ours, "unmanaged": unmanaged, "mirrored": mirrored, "hidden": hidden}


def strategy_of(path: str, rules: dict[str, Treatment]) -> Strategy:
    return rules.get(path, DEFAULT).strategy
