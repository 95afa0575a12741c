"""The metadata file of a tree is its own, however many trees have been seen before."""

from etcsync.entries import ROOT, Entry, Kind, blob_oid
from etcsync.reconcile.texts import Texts
from etcsync.tree.metadata_file import NOTHING_BESIDE, Beside, generate

PASSWD = {blob_oid(text): text for text in (b"a:x:7:7::/:/bin/sh\n", b"b:x:7:7::/:/bin/sh\n")}
TREE = {
    ROOT: Entry(Kind.DIRECTORY, "", 0o755, 0, 0),
    "passwd": Entry(Kind.FILE, next(iter(PASSWD)), 0o644, 0, 0),
    "motd": Entry(Kind.FILE, "1" * 40, 0o644, 7, 0),
    "empty": Entry(Kind.DIRECTORY, "", 0o700, 0, 0),
}


def changed(path: str, **fields: object) -> dict[str, Entry]:
    return {**TREE, path: TREE[path]._replace(**fields)}


def test_trees_that_differ_in_contents_alone_share_one_text() -> None:
    texts = Texts(PASSWD.__getitem__)
    first = texts.of_tree(TREE, NOTHING_BESIDE)
    assert texts.of_tree(changed("motd", oid="2" * 40), NOTHING_BESIDE) is first
    assert texts.of_tree(dict(reversed(TREE.items())), Beside()) is first


def test_whatever_a_text_tells_of_sets_it_apart() -> None:
    texts = Texts(PASSWD.__getitem__)
    first = texts.of_tree(TREE, NOTHING_BESIDE)
    others = [
        (changed("motd", mode=0o600), NOTHING_BESIDE),
        (changed("motd", uid=0), NOTHING_BESIDE),
        (changed("motd", gid=7), NOTHING_BESIDE),
        (changed("motd", kind=Kind.SYMLINK), NOTHING_BESIDE),
        (changed("passwd", oid=list(PASSWD)[1]), NOTHING_BESIDE),
        ({**TREE, "new": TREE["motd"]}, NOTHING_BESIDE),
        (TREE, Beside(occupied=frozenset({"empty"}))),
        (TREE, Beside(unmanaged={"empty/x": TREE["motd"]})),
    ]
    made = {texts.of_tree(entries, beside) for entries, beside in others}
    assert len(made | {first}) == len(others) + 1
    assert texts.of_tree(TREE, NOTHING_BESIDE) == first


def test_what_is_remembered_is_what_would_be_written() -> None:
    texts = Texts(PASSWD.__getitem__)
    for mode in range(0o600, 0o700):
        tree = changed("motd", mode=mode, uid=0)
        for _ in range(2):
            assert texts.of_tree(tree, NOTHING_BESIDE) == generate(tree)
