"""What .gitignore rules mean, and that no pattern is too hard for them."""

import time

import pytest

from etcsync.tree.ignore import RULE_LIMIT, SIZE_LIMIT, Hides, Level, is_hidden, parse_rules


def hidden(path: str, *contents: bytes, directory: bool = False) -> bool:
    """Judge ``path`` by rules at the top, then at each directory above it."""
    depths = [0, *(at + 1 for at, letter in enumerate(path) if letter == "/")]
    levels = [
        Level(depth, parse_rules(text)) for depth, text in zip(depths, contents, strict=False)
    ]
    return is_hidden(path, tuple(reversed(levels)), directory=directory)


@pytest.mark.parametrize(("rules", "path"), [
    (b"mtab", "mtab"),
    (b"mtab", "deep/down/mtab"),
    (b"udev/hwdb.bin", "udev/hwdb.bin"),
    (b"*.dpkg-*", "foo.dpkg-old"),
    (b"\\#*\\#", "#motd#"),
    (b".*.sw?", "ssh/.config.swp"),
    (b"service/*/log/supervise/*", "service/x/log/supervise/pid"),
    (b"a/**/b", "a/b"),
    (b"a/**/b", "a/x/y/b"),
    (b"*\n!b", "a"),
    (b"a\\ ", "a "),
    (b"[[:digit:]]*", "7up"),
    (b"\xef\xbb\xbffoo\r\nbar", "foo"),
])  # fmt: skip
def test_hides(rules, path):
    assert hidden(path, rules)


@pytest.mark.parametrize(("rules", "path"), [
    (b"udev/hwdb.bin", "x/udev/hwdb.bin"),
    (b"cache/", "cache"),
    (b"*\n!b", "b"),
    (b"/mtab", "deep/mtab"),
    (b"a/*", "a/b/c"),
    (b"# mtab", "mtab"),
    (b"[a", "[a"),
    (b"a\\", "a\\"),
    (b"?", "\udcc3\udca9"),
    (b"", ""),
])  # fmt: skip
def test_does_not_hide(rules, path):
    assert not hidden(path, rules)


def test_a_directory_pattern_hides_directories():
    assert hidden("cache", b"cache/", directory=True)


def test_the_nearer_file_wins():
    assert not hidden("conf/a.log", b"*.log", b"!a.log")
    assert hidden("conf/b.log", b"*.log", b"!a.log")


def test_a_pattern_made_to_take_for_ever_does_not():
    started = time.monotonic()
    for rules in (b"*a" * 60 + b"*b", b"**/a*a/" * 60 + b"b", b"**/" * 200 + b"b"):
        assert not hidden("/".join(["a" * 250] * 16), rules)
    assert time.monotonic() - started < 2


def test_a_file_over_the_limit_has_no_rules():
    assert parse_rules(b"x\n" * SIZE_LIMIT).lines == ()
    assert len(parse_rules(b"x\n" * RULE_LIMIT * 2).lines) == RULE_LIMIT


def test_what_is_remembered_of_a_path_holds_for_the_same_rules_alone():
    hides = Hides()
    old, new = (
        hides.rules(oid * 40, lambda text=text: text)
        for oid, text in (("1", b"*.old\n"), ("2", b"*.new\n"))
    )
    assert hides.is_hidden("d/a.old", (Level(0, old),), directory=False)
    assert not hides.is_hidden("d/a.old", (Level(2, new),), directory=False)

    assert hides.known_verdict("d/a.old", (Level(0, old),), directory=False) is True
    assert hides.known_verdict("d/a.old", (Level(2, new),), directory=False) is False
    for levels in ((Level(0, new),), (Level(2, old),), (Level(2, new), Level(0, old))):
        assert hides.known_verdict("d/a.old", levels, directory=False) is None
    assert hides.known_verdict("d/a.old", (Level(0, old),), directory=True) is None
    assert hides.known_verdict("a.old", (Level(0, old),), directory=False) is None


def test_equal_contents_are_read_once_and_compiled_once():
    hides = Hides()
    reads = []

    def read() -> bytes:
        reads.append(1)
        return b"*.old\n"

    assert hides.rules("1" * 40, read) is hides.rules("1" * 40, read)
    assert len(reads) == 1
