from datetime import UTC, datetime, timedelta

import pytest

from etcsync.hub.objects import GitEntry, Identity, parse_commit, parse_tree

OID = "a" * 40
RAW = bytes.fromhex(OID)


def commit(author: str = "A U Thor <a@example.org> 1700000000 +0130") -> bytes:
    return f"tree {OID}\nauthor {author}\ncommitter {author}\n\nsubject\n\nbody\n".encode()


def test_a_commit_is_read_with_its_zone():
    found = parse_commit("b" * 40, commit())
    assert found.tree == OID
    assert found.parents == ()
    assert found.message == "subject\n\nbody\n"
    assert found.author == Identity("A U Thor", "a@example.org")
    assert found.time == datetime.fromtimestamp(1700000000, UTC)
    assert found.time.utcoffset() == timedelta(hours=1, minutes=30)


def test_a_signature_and_unknown_headers_are_passed_over():
    raw = commit().replace(b"\n\n", b"\ngpgsig -----BEGIN\n tree \n -----END\nx-other y\n\n", 1)
    assert parse_commit("b" * 40, raw).tree == OID


@pytest.mark.parametrize(
    "author",
    [
        "",
        "nobody",
        "<> 0 +0000",
        "A <a@b> 99999999999999999999 +0000",
        "A <a@b> 1 +9999",
        "A <a@b>",
    ],
)
def test_a_broken_identity_does_not_keep_a_commit_from_being_read(author):
    assert parse_commit("b" * 40, commit(author)).tree == OID


def test_a_message_keeps_bytes_that_are_not_text():
    raw = commit() + b"\xff"
    assert parse_commit("b" * 40, raw).message.endswith("\n\udcff")


def test_a_commit_without_a_tree_is_refused():
    with pytest.raises(ValueError, match="no tree"):
        parse_commit("b" * 40, b"parent x\n\n")


def test_a_tree_is_read_with_canonical_modes():
    raw = b"".join(
        b"%s %s\0" % (mode, name) + RAW
        for mode, name in [
            (b"100664", b"old"), (b"100755", b"run"), (b"120000", b"link"), (b"40000", b"dir"),
            (b"160000", b"nested"), (b"100644", b"\xff \n"),
        ]
    )  # fmt: skip
    assert dict(parse_tree(raw)) == {
        "old": GitEntry(0o100644, OID),
        "run": GitEntry(0o100755, OID),
        "link": GitEntry(0o120000, OID),
        "dir": GitEntry(0o040000, OID),
        "nested": GitEntry(0o160000, OID),
        "\udcff \n": GitEntry(0o100644, OID),
    }


@pytest.mark.parametrize("raw", [b"x", b"100644 a\0short", b"zz a\0" + RAW, b" a\0" + RAW])
def test_what_is_no_tree_is_refused(raw):
    with pytest.raises(ValueError, match="entry"):
        list(parse_tree(raw))
