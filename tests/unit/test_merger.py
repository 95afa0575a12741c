from plan_support import BLOBS, blob

from etcsync.entries import blob_oid
from etcsync.plan.merger import Merger
from etcsync.plan.model import HoldReason
from etcsync.policy.treatment import Strategy

BASE, OURS, THEIRS = b"1\n2\n3\n4\n", b"one\n2\n3\n4\n", b"1\n2\n3\nfour\n"


def test_a_clean_merge_is_a_new_blob():
    merger = Merger(BLOBS.__getitem__)
    merged = merger.merge(Strategy.MERGE, blob(BASE), blob(OURS), blob(THEIRS))
    assert merged.hold is None
    assert merged.oid == blob_oid(b"one\n2\n3\nfour\n")
    assert merger.contents == {merged.oid: b"one\n2\n3\nfour\n"}


def test_a_merge_is_made_once_for_all_who_ask():
    reads = []

    def read(oid: str) -> bytes:
        reads.append(oid)
        return BLOBS[oid]

    merger = Merger(read)
    asked = [
        merger.merge(Strategy.MERGE, blob(BASE), blob(OURS), blob(THEIRS)) for _ in range(1000)
    ]
    assert len(reads) == 3
    assert len(set(asked)) == 1


def test_the_strategies_do_not_share_outcomes():
    merger = Merger(BLOBS.__getitem__)
    ours, theirs = blob(BASE + b"ours\n"), blob(BASE + b"theirs\n")
    merge = merger.merge(Strategy.MERGE, blob(BASE), ours, theirs)
    union = merger.merge(Strategy.UNION, blob(BASE), ours, theirs)
    assert merge.hold is HoldReason.CONTENT
    assert merger.contents[union.oid] == BASE + b"ours\ntheirs\n"


def test_keyed_files_merge_as_text_where_nothing_knows_their_records():
    merger = Merger(BLOBS.__getitem__)
    merged = merger.merge(Strategy.KEYED, blob(BASE), blob(OURS), blob(THEIRS))
    assert merger.contents[merged.oid] == b"one\n2\n3\nfour\n"


def test_binary_contents_are_never_merged():
    merger = Merger(BLOBS.__getitem__)
    for strategy in (Strategy.MERGE, Strategy.UNION):
        for contents in ([b"\0", OURS, THEIRS], [BASE, b"\0", THEIRS], [BASE, OURS, b"\0"]):
            assert merger.merge(strategy, *map(blob, contents)).hold is HoldReason.BINARY


def test_without_a_base_only_a_union_is_possible():
    merger = Merger(BLOBS.__getitem__)
    assert merger.merge(Strategy.MERGE, None, blob(OURS), blob(THEIRS)).hold is HoldReason.ADD_ADD
    union = merger.merge(Strategy.UNION, None, blob(b"a\n"), blob(b"b\n"))
    assert merger.contents[union.oid] == b"a\nb\n"
