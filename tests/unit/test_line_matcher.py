from etcsync.plan.lines import DEPTH_LIMIT, LineMatcher


def shared(a: str, b: str) -> list[tuple[int, int, int]]:
    """Return the shared stretches of two texts whose lines are single letters."""
    lines = [[letter.encode() for letter in text] for text in (a, b)]
    return LineMatcher(None, *lines).get_matching_blocks()


def test_lines_before_and_after_a_change_are_shared():
    assert shared("abcd", "abXcd") == [(0, 0, 2), (2, 3, 2), (4, 5, 0)]


def test_lines_that_occur_once_anchor_the_others():
    assert shared("xAyBz", "pAqBr") == [(1, 1, 1), (3, 3, 1), (5, 5, 0)]


def test_repeated_lines_are_shared_next_to_anchors():
    assert shared("x--A--y", "p--A--q") == [(1, 1, 5), (7, 7, 0)]


def test_nothing_is_shared_with_nothing():
    assert shared("", "abc") == [(0, 3, 0)]
    assert shared("", "") == [(0, 0, 0)]


def test_texts_that_nest_deeper_than_is_searched_come_to_an_end():
    def nested(depth: int) -> list[bytes]:
        inner = nested(depth - 1) if depth else []
        return [*inner, b"%d\n" % depth, *inner]

    text = nested(DEPTH_LIMIT + 3)
    changed = [b"new\n" if place % 7 == 0 else line for place, line in enumerate(text)]
    blocks = LineMatcher(None, text, changed).get_matching_blocks()
    assert blocks[-1] == (len(text), len(changed), 0)
    assert all(text[a : a + n] == changed[b : b + n] for a, b, n in blocks)
