"""The marked block in an fstab: it comes and goes, and nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etcsync.host.fstab import (
    BEGIN,
    END,
    FstabError,
    FstabLine,
    has_block,
    has_line,
    mounts,
    with_block,
    without_block,
)

LINE = FstabLine("192.168.78.1:/srv/clientboot", "/boot", "nfs", "rw")
OTHER = FstabLine("/srv/root/boot", "/srv/clientboot", "none", "bind")
OTHER_WORDS = b"/srv/root/boot /srv/clientboot none bind"
BLOCK = BEGIN + b"\n192.168.78.1:/srv/clientboot /boot nfs rw 0 0\n" + END

FOREIGN = st.lists(
    st.sampled_from([b"", b"# a comment", b"\xff\xfe", b"tmpfs /tmp tmpfs", b"\tproc /proc proc\r"])
    | st.binary(max_size=20).filter(
        lambda line: b"\n" not in line and line.strip() not in {BEGIN, END}
    )
).map(b"\n".join)
"""What an fstab may hold besides: anything."""


@given(FOREIGN)
def test_put_in_and_taken_out_leaves_every_byte(content: bytes) -> None:
    marked = with_block(content, LINE)
    assert BLOCK in marked
    assert marked.startswith(content.rstrip(b"\n"))
    assert without_block(marked) == content


@given(FOREIGN, FOREIGN)
def test_a_block_is_put_right_in_its_place(before: bytes, after: bytes) -> None:
    content = b"\n".join([before, BLOCK, after])
    assert with_block(content, LINE) == content
    other = BLOCK.replace(b"192.168.78.1:/srv/clientboot /boot nfs rw", OTHER_WORDS)
    assert with_block(content, OTHER) == b"\n".join([before, other, after])
    assert without_block(content) == b"\n".join([before, after])


def test_the_guides_line_is_taken_over_where_it_stands() -> None:
    guide = b"a /a x\n192.168.78.1:/srv/clientboot\t/boot\tnfs\trw\t0\t0\nb /b x\n"
    assert has_line(guide, LINE)
    assert with_block(guide, LINE) == b"a /a x\n" + BLOCK + b"\nb /b x\n"


def test_a_line_that_leaves_zeros_out_says_the_same() -> None:
    assert has_line(b"/srv/root/boot  /srv/clientboot none    bind\n", OTHER)
    assert not has_line(b"/srv/root/boot  /srv/clientboot none  bind,ro\n", OTHER)
    assert not has_line(b"#/srv/root/boot /srv/clientboot none bind 0 0\n", OTHER)


def test_a_line_with_other_options_mounts_the_same() -> None:
    assert mounts(b"192.168.78.1:/srv/clientboot /boot nfs4 rw,nofail\n", LINE)
    assert not mounts(b"192.168.78.1:/srv/clientboot /mnt nfs rw\n", LINE)


def test_words_with_blanks_are_escaped() -> None:
    assert (
        FstabLine("/a b", "/c\td#\\", "none", "bind").text
        == r"/a\040b /c\011d\043\134 none bind 0 0"
    )


@pytest.mark.parametrize(
    "content",
    [
        BEGIN + b"\nx /x y\n",
        b"x /x y\n" + END + b"\n",
        END + b"\n" + BEGIN + b"\n",
        BLOCK + b"\n" + BLOCK + b"\n",
    ],
)
def test_marks_that_are_no_pair_are_not_guessed_at(content: bytes) -> None:
    assert has_block(content)
    with pytest.raises(FstabError):
        with_block(content, LINE)
    with pytest.raises(FstabError):
        without_block(content)
