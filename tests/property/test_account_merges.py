"""Whatever three sides hold: what comes out of `merge_accounts` keeps the promises.

Two kinds of input: files of lines drawn at random from a small pot, where nothing makes sense and
everything collides, and systems that three administrators edited with what the usual tools do.
"""

from collections import Counter

import hypothesis.strategies as st
from account_systems import Sides, rows, sides
from hypothesis import given, settings

from etcsync.plan.keyed import ACCOUNT_FILES, AccountsConflict, AccountsMerged, merge_accounts

Files = dict[str, bytes | None]

POT = {
    "passwd": [
        b"root:x:0:0:root:/root:/bin/bash",
        b"alice:x:1000:1000:Alice:/home/alice:/bin/bash",
        b"alice:x:1000:1000:Alice:/home/alice:/bin/zsh",
        b"alice:x:1001:1000:A.:/home/alice:/bin/bash\r",
        b" bob:x:1001:1000:Bob:/home/bob:/bin/sh",
        b"bob:x:1001:1001::/home/bob:/bin/sh",
        b"bob::1001:1001::/home/bob:/bin/sh",
        b"toor:x:0:0::/root:/bin/sh",
        b"toor:x:00:0",
        b"+@admins::::::",
        b"+::::::",
        b"-bob",
    ],
    "group": [
        b"root:x:0:",
        b"alice:x:1000:",
        b"alice:x:1000:bob,carol",
        b"bob:x:1001:alice",
        b"bob:x:1001:\r",
        b"docker:x:1000:alice,,alice",
        b"docker:x:998:bob",
        b"docker:x:998:carol,alice,bob",
        b"+:::",
    ],
    "shadow": [
        b"root:$6$root:19000:0:99999:7:::",
        b"root:!$6$root:19000:0:99999:7:::",
        b"alice:!:19000:0:99999:7:::",
        b"alice:$6$one:19001:0:99999:7:::",
        b"alice:$6$two:19002:0:99999:7:::",
        b"alice:!$6$two:19003:0:99999:7:::",
        b"alice:$6$three:19002:0:99999:7:::",
        b"alice:*:0:0:99999:7:::",
        b"alice::19004:0:99999:7:::",
        b"bob:$6$bob:19000",
        b"bob:$6$bob:19000::::::",
        b"bob:$6$other::1:::::",
    ],
    "gshadow": [
        b"root:*::",
        b"alice:!::",
        b"alice:!::bob,carol",
        b"docker:!:alice:bob",
        b"docker:$6$group:bob:alice,carol",
        b"docker:!$6$group:bob,alice:",
    ],
    "subuid": [
        b"alice:100000:65536",
        b"alice:100000:1000",
        b"bob:165536:65536",
        b"bob:100500:10",
        b"1001:165540:10",
    ],
    "subgid": [b"alice:100000:65536", b"bob:165536:65536", b"bob:165536"],
}
SHARED_POT = [b"", b"  ", b"# a comment", b"# another", b"#", b"\x00\xff junk", b":", b"\r"]


def documents(pot: list[bytes]) -> st.SearchStrategy[bytes | None]:
    lines = st.lists(st.sampled_from(pot) | st.sampled_from(SHARED_POT), max_size=6)
    ends = st.sampled_from([b"\n", b"\n", b"\n", b""])
    return st.builds(lambda some, end: b"\n".join(some) + end if some else b"", lines, ends)


def nonsense() -> st.SearchStrategy[Files]:
    return st.fixed_dictionaries(
        {
            name: st.none() | documents(pot) if name.startswith("sub") else documents(pot)
            for name, pot in POT.items()
        }
    )


def one_file() -> st.SearchStrategy[tuple[Files, Files, Files]]:
    """Give three sides that have but one file: nothing stands in the way of its merging."""

    def sides(name: str) -> st.SearchStrategy[tuple[Files, Files, Files]]:
        side = documents(POT[name]).map(lambda content: {name: content})
        return st.tuples(side, side, side)

    return st.sampled_from(ACCOUNT_FILES).flatmap(sides)


def check_stable(base: Files, ours: Files, theirs: Files) -> None:
    """Check identities, repetition after a crash, and both sides' exchange."""
    assert merged_files(base, base, theirs) == complete(theirs)
    assert merged_files(base, ours, base) == complete(ours)
    assert merged_files(base, ours, ours) == complete(ours)
    outcome = merge_accounts(base, ours, theirs)
    exchanged = merge_accounts(base, theirs, ours)
    assert type(outcome) is type(exchanged)
    if isinstance(outcome, AccountsMerged):
        assert merge_accounts(base, dict(outcome.files), theirs) == outcome
        assert isinstance(exchanged, AccountsMerged)
        for name in ACCOUNT_FILES:
            assert records(outcome.files[name]) == records(exchanged.files[name])


def check_complete(base: Files, ours: Files, theirs: Files) -> None:
    """Check that no line appears from nowhere, and none that a side added is lost for nothing."""
    outcome = merge_accounts(base, ours, theirs)
    if not isinstance(outcome, AccountsMerged):
        assert isinstance(outcome, AccountsConflict)
        assert outcome.conflicts
        assert all("$6$" not in str(conflict) for conflict in outcome.conflicts)
        return
    for name in ACCOUNT_FILES:
        old, our, their = (remarks(side.get(name)) for side in (base, ours, theirs))
        new = remarks(outcome.files[name])
        if None not in (ours.get(name), theirs.get(name)):
            assert (our - old) | (their - old) <= new
            assert {line for line in our & their if repeats(base.get(name), line) < 2} <= new
        assert new <= our | their


def some_files() -> st.SearchStrategy[tuple[Files, Files, Files]]:
    """Give three sides whose files are short, so that they often merge."""

    def side() -> st.SearchStrategy[Files]:
        def few(pot: list[bytes]) -> st.SearchStrategy[bytes | None]:
            lines = st.lists(st.sampled_from(pot) | st.sampled_from(SHARED_POT), max_size=2)
            return lines.map(lambda some: b"".join(line + b"\n" for line in (pot[0], *some)))

        root = {name: few(pot) for name, pot in POT.items() if not name.startswith("sub")}
        return st.fixed_dictionaries(root)

    return st.tuples(side(), side(), side())


def passwords() -> st.SearchStrategy[tuple[Files, Files, Files]]:
    """Give three versions of one password, beside a record that has to be merged in any case."""
    others = (b"bob:!:1:0:9:7:::\n", b"bob:!:1:0:8:7:::\n", b"bob:!:1:0:9:6:::\n")
    field = st.sampled_from(
        [b"$6$one", b"$6$two", b"$6$three", b"!$6$one", b"!$6$two", b"!", b"*", b""]
    )
    day = st.sampled_from([b"19000", b"19001", b"19002", b"0", b""])
    alice = st.builds(lambda *of: b"alice:%s:%s:0:99999:7:::\n" % of, field, day)
    return st.tuples(
        *(alice.map(lambda line, other=other: {"shadow": line + other}) for other in others)
    )


@settings(max_examples=1000, deadline=None)
@given(passwords())
def test_a_merged_password_is_no_worse_than_before(sides: tuple[Files, Files, Files]):
    base, ours, theirs = map(complete, sides)
    outcome = merge_accounts(base, ours, theirs)
    if isinstance(outcome, AccountsConflict):
        return
    check_nothing_empty_or_older(base, outcome.files)
    old, our, their, new = (
        table(side["shadow"], 9)[b"alice"][1:3] for side in (base, ours, theirs, outcome.files)
    )
    locks = (b"!", b"*")
    if old[0] not in (our[0], their[0]) and (our[0][:1] in locks or their[0][:1] in locks):
        assert new[0][:1] in locks
    hashes = {field.lstrip(b"!*"): day for field, day in (old, our, their)}
    telling = our[1] != their[1] and min(our[1], their[1]) >= b"19000"
    if len(hashes) == 3 and b"" not in hashes and telling:
        assert new[0].lstrip(b"!*") == max(our[::-1], their[::-1])[1].lstrip(b"!*")


@settings(max_examples=1500, deadline=None)
@given(some_files() | one_file() | st.tuples(nonsense(), nonsense(), nonsense()))
def test_whatever_the_files_hold_a_merge_never_does_harm(sides: tuple[Files, Files, Files]):
    base, ours, theirs = map(complete, sides)
    outcome = merge_accounts(base, ours, theirs)
    taken = all(ours[name] in (base[name], theirs[name]) for name in ACCOUNT_FILES)
    if isinstance(outcome, AccountsConflict) or taken or base == theirs:
        return
    check_numbers(base, ours, theirs, outcome.files)
    check_root(base, outcome.files)
    check_primary_groups(base, outcome.files)
    check_nothing_empty_or_older(base, outcome.files)
    check_compat_lines_last(ours, theirs, outcome.files)


def table(content: bytes | None, length: int) -> dict[bytes, list[bytes]]:
    """Return a file's well-formed records by name, but for names that stand there twice."""
    split = [line.rstrip(b"\r").split(b":") for line in (content or b"").split(b"\n")]
    count = Counter(fields[0].strip() for fields in split)
    return {
        fields[0]: fields
        for fields in split
        if len(fields) == length and count[fields[0]] == 1 and fields[0].isalnum()
    }


LENGTHS = {"passwd": 7, "group": 4, "shadow": 9, "gshadow": 4}


def holders(content: bytes | None) -> dict[int, set[bytes]]:
    """Return who has which number, in lines that are not quite right too."""
    found: dict[int, set[bytes]] = {}
    for line in (content or b"").split(b"\n"):
        fields = line.strip().split(b":")
        if len(fields) > 2 and fields[2].isdigit():
            found.setdefault(int(fields[2]), set()).add(fields[0])
    return found


def check_numbers(base: Files, ours: Files, theirs: Files, merged: Files) -> None:
    """Check that nobody is renumbered, and no number, 0 above all, has a new second holder."""
    for file in ("passwd", "group"):
        given = [holders(side[file]) for side in (ours, theirs)]
        old, shared = holders(base[file]), {}
        for name, row in table(merged[file], LENGTHS[file]).items():
            if row[2].isdigit():
                number = int(row[2])
                assert any(name in side.get(number, ()) for side in given)
                shared.setdefault(number, set()).add(name)
        for number, names in shared.items():
            assert len(names) == 1 or names <= old.get(number, set())


def check_root(base: Files, merged: Files) -> None:
    """Check that root stays in each file that had it."""
    for file, length in LENGTHS.items():
        if b"root" in table(base[file], length) and merged[file] is not None:
            assert b"root" in {line.split(b":")[0].strip() for line in merged[file].split(b"\n")}
    if b"root" in holders(base["passwd"]).get(0, ()):
        assert b"root" in holders(merged["passwd"]).get(0, ())


def check_primary_groups(base: Files, merged: Files) -> None:
    """Check that a group which base had does not vanish from under an account."""
    for row in table(merged["passwd"], LENGTHS["passwd"]).values():
        if row[3].isdigit() and int(row[3]) in holders(base["group"]):
            assert int(row[3]) in holders(merged["group"])


def check_nothing_empty_or_older(base: Files, merged: Files) -> None:
    """Check that no password is emptied, and no hash replaced by one from an earlier day."""
    for file, length in LENGTHS.items():
        before = table(base[file], length)
        for name, new in table(merged[file], length).items():
            old = before.get(name, new)
            assert new[1] or not old[1]
            hashes = [row[1].lstrip(b"!*") for row in (old, new)]
            if file == "shadow" and all(hashes) and hashes[0] != hashes[1]:
                assert int(old[2] or 0) <= int(new[2] or 0) or not int(new[2] or 0)


def check_compat_lines_last(ours: Files, theirs: Files, merged: Files) -> None:
    """Check that names from NIS come after the file's own, where two sides were woven together."""
    for file in ("passwd", "group"):
        if merged[file] in (ours[file], theirs[file]):
            continue
        compat = [
            line.startswith((b"+", b"-"))
            for line in (merged[file] or b"").split(b"\n")
            if b":" in line.strip(b":") or line.startswith((b"+", b"-"))
        ]
        assert compat == sorted(compat)


@settings(max_examples=150, deadline=None)
@given(nonsense(), nonsense(), nonsense())
def test_nonsense_is_merged_stably_or_refused(base: Files, ours: Files, theirs: Files):
    check_stable(base, ours, theirs)
    check_complete(base, ours, theirs)


@settings(max_examples=800, deadline=None)
@given(one_file())
def test_each_file_by_itself_is_merged_stably_or_refused(sides: tuple[Files, Files, Files]):
    check_stable(*sides)
    check_complete(*sides)


def complete(files: Files) -> Files:
    return {name: files.get(name) for name in ACCOUNT_FILES}


def merged_files(base: Files, ours: Files, theirs: Files) -> Files:
    outcome = merge_accounts(base, ours, theirs)
    assert isinstance(outcome, AccountsMerged)
    return dict(outcome.files)


def records(content: bytes | None) -> Counter[tuple[bytes, ...]]:
    """Return a file's records, members in order of name, without line ends."""
    found: Counter[tuple[bytes, ...]] = Counter()
    for line in (content or b"").split(b"\n"):
        fields = line.strip().split(b":")
        if len(fields) > 1 and not line.startswith(b"#"):
            if len(fields) == 4:
                fields[2:] = [
                    b",".join(sorted(set(field.split(b",")) - {b""})) for field in fields[2:]
                ]
            found[tuple(fields)] += 1
    return found


def repeats(content: bytes | None, line: bytes) -> int:
    return (content or b"").split(b"\n").count(line)


def remarks(content: bytes | None) -> set[bytes]:
    """Return the lines that are no records but say something."""
    return {
        line
        for line in (content or b"").split(b"\n")
        if line.strip(b" \r#") and b":" not in line and not line.startswith((b"+", b"-"))
    }


@settings(max_examples=400, deadline=None)
@given(sides())
def test_edited_systems_are_merged_stably_or_refused(given_sides: Sides):
    check_stable(given_sides.base, given_sides.ours, given_sides.theirs)


@settings(max_examples=400, deadline=None)
@given(sides())
def test_merged_systems_are_sound(given_sides: Sides):
    base, ours, theirs = given_sides.base, given_sides.ours, given_sides.theirs
    outcome = merge_accounts(base, ours, theirs)
    if isinstance(outcome, AccountsConflict):
        assert all("$6$" not in str(conflict) for conflict in outcome.conflicts)
        return
    if base in (ours, theirs) or ours == theirs:
        return
    merged = outcome.files
    check_consistent(merged)
    check_ids(base, ours, theirs, merged)
    check_presence(base, ours, theirs, merged)
    check_members(base, ours, theirs, merged)
    check_passwords(base, ours, theirs, merged)
    check_fields(base, ours, theirs, merged)
    check_order(ours, theirs, merged)


def check_fields(base: Files, ours: Files, theirs: Files, merged: Files) -> None:
    """Check that each field is what one side made of it, and never one that both changed."""
    plain = {"passwd": range(1, 7), "group": (1, 2), "shadow": range(3, 9)}
    for file, fields in plain.items():
        for name, new in rows(merged[file]).items():
            old, our, their = (rows(side[file]).get(name) for side in (base, ours, theirs))
            if our is None or their is None:
                assert new in (our, their)
                continue
            for field in fields:
                before = old and old[field]
                changed = {our[field], their[field]} - ({before} if our != their else set())
                assert len(changed) < 2, "both changed it, and it was not held"
                assert new[field] == next(iter(changed), before)


def check_consistent(merged: Files) -> None:
    """Check that the files fit each other; each side's did."""
    accounts, groups = rows(merged["passwd"]), rows(merged["group"])
    assert "root" in accounts
    assert accounts.keys() == rows(merged["shadow"]).keys()
    assert groups.keys() == rows(merged["gshadow"]).keys()
    assert rows(merged["subuid"]).keys() | rows(merged["subgid"]).keys() <= accounts.keys()
    assert {row[3] for row in accounts.values()} <= {row[2] for row in groups.values()}
    for row in (*groups.values(), *rows(merged["gshadow"]).values()):
        assert set(filter(None, row[3].split(","))) <= accounts.keys()


def check_ids(base: Files, ours: Files, theirs: Files, merged: Files) -> None:
    """Check that nobody got a number that no side gave, and that no number is newly shared."""
    for file in ("passwd", "group"):
        new = {(name, row[2]) for name, row in rows(merged[file]).items()}
        old = {(name, row[2]) for name, row in rows(base[file]).items()}
        assert new <= {
            (name, row[2]) for side in (ours, theirs) for name, row in rows(side[file]).items()
        }
        for number in {number for _, number in new}:
            names = {pair for pair in new if pair[1] == number}
            assert len(names) == 1 or names <= old


def check_presence(base: Files, ours: Files, theirs: Files, merged: Files) -> None:
    for file in ACCOUNT_FILES:
        old, our, their, new = (rows(side[file]).keys() for side in (base, ours, theirs, merged))
        assert new == (our & their) | (our - old) | (their - old)


def check_members(base: Files, ours: Files, theirs: Files, merged: Files) -> None:
    for file in ("group", "gshadow"):
        for name, row in rows(merged[file]).items():
            new = set(row[3].split(",")) - {""}
            old, our, their = (
                set(rows(side[file]).get(name, row)[3].split(",")) - {""}
                if name in rows(side[file])
                else None
                for side in (base, ours, theirs)
            )
            if our is None or their is None:
                assert new in (our, their)
            else:
                assert new == (our & their) | (our - (old or set())) | (their - (old or set()))


def check_passwords(base: Files, ours: Files, theirs: Files, merged: Files) -> None:
    for name, new in rows(merged["shadow"]).items():
        old, our, their = (rows(side["shadow"]).get(name) for side in (base, ours, theirs))
        if our and their and our[1] != their[1] and not (old and old[1] in (our[1], their[1])):
            locked = our[1].startswith(("!", "*")) or their[1].startswith(("!", "*"))
            assert new[1].startswith(("!", "*")) == locked
            assert {new[1].lstrip("!*")} <= {our[1].lstrip("!*"), their[1].lstrip("!*")}
        if old and old[1]:
            assert new[1]
            digests = old[1].lstrip("!*"), new[1].lstrip("!*")
            if all(digests) and digests[0] != digests[1] and int(old[2] or 0) and int(new[2] or 0):
                assert int(old[2]) <= int(new[2])


def check_order(ours: Files, theirs: Files, merged: Files) -> None:
    """Check for upstream's order, then the client's, then the compat lines."""
    for file in ("passwd", "group", "shadow", "gshadow"):
        our, their, new = (list(rows(side[file])) for side in (ours, theirs, merged))
        if merged[file] == ours[file]:
            continue
        shared = [name for name in new if name in their]
        assert shared == [name for name in their if name in new]
        assert new[len(shared) :] == [name for name in our if name in new and name not in their]
    lines = (merged["passwd"] or b"").splitlines()
    compat = [line.startswith((b"+", b"-")) for line in lines]
    assert compat == sorted(compat)
