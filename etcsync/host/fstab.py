"""One line in an fstab(5) that belongs to etcsync, between two lines that mark it. Pure.

Everything outside the marks stays as it is, byte for byte. A file is bytes here: it may come from a
client.
"""

import re
from typing import NamedTuple

BEGIN = b"# BEGIN etcsync /boot"
END = b"# END etcsync /boot"

_ESCAPED = re.compile(r"[\s\\#]")


class FstabError(ValueError):
    """The marks do not stand as etcsync sets them, so that it cannot tell what is its own."""


class FstabLine(NamedTuple):
    """What is mounted, where, and how; the words are not escaped."""

    source: str
    point: str
    kind: str
    options: str

    @property
    def text(self) -> str:
        """The line as it stands in the file, without its end."""
        words = (_escaped(word) for word in (self.source, self.point, self.kind, self.options))
        return f"{' '.join(words)} 0 0"


def has_block(content: bytes) -> bool:
    """Whether there is a marked block, or a mark of one."""
    return any(line.strip() in {BEGIN, END} for line in content.split(b"\n"))


def has_line(content: bytes, line: FstabLine) -> bool:
    """Whether the line is there, marked or not, or one that means the same."""
    return any(_fields(each) == _fields(line.text.encode()) for each in content.split(b"\n"))


def mounts(content: bytes, line: FstabLine) -> bool:
    """Whether a line mounts the same at the same place, in whatever way."""
    wanted = _fields(line.text.encode())[:2]
    return any(_fields(each)[:2] == wanted for each in content.split(b"\n"))


def with_block(content: bytes, line: FstabLine) -> bytes:
    """Return ``content`` with the line in a marked block.

    A block that is there is put right in its place. An equal line without marks gets them;
    otherwise the block comes last.

    Raises:
        FstabError: A mark lacks its counterpart.
    """
    lines = content.split(b"\n")
    block = [BEGIN, line.text.encode("utf-8", "surrogateescape"), END]
    found = _block(lines)
    wanted = _fields(block[1])
    if found is None:
        equal = [at for at, each in enumerate(lines) if _fields(each) == wanted]
        found = (equal[0], equal[0] + 1) if equal else None
    if found is not None:
        return b"\n".join([*lines[: found[0]], *block, *lines[found[1] :]])
    if not content:
        return b"\n".join([*block, b""])
    if lines[-1] == b"":
        return b"\n".join([*lines[:-1], *block, b""])
    # So that the file can be put back as it was, a last line without an end stays the mark of one.
    return b"\n".join([*lines, *block])


def without_block(content: bytes) -> bytes:
    """Return ``content`` without the marked block.

    Raises:
        FstabError: A mark lacks its counterpart.
    """
    lines = content.split(b"\n")
    found = _block(lines)
    if found is None:
        return content
    return b"\n".join(lines[: found[0]] + lines[found[1] :])


def _block(lines: list[bytes]) -> tuple[int, int] | None:
    """Return where the block begins, and where what follows it does."""
    marks = [(at, line.strip()) for at, line in enumerate(lines) if line.strip() in {BEGIN, END}]
    if not marks:
        return None
    if [mark for _, mark in marks] != [BEGIN, END]:
        raise FstabError(
            f"the marks '{BEGIN.decode()}' and '{END.decode()}' do not stand as a single pair"
        )
    return marks[0][0], marks[1][0] + 1


def _fields(line: bytes) -> list[bytes]:
    """Return the words of a line, with what may be left out; none of a comment."""
    words = line.split()
    if not words or words[0].startswith(b"#"):
        return []
    return [*words, b"0", b"0"][: max(6, len(words))]


def _escaped(word: str) -> str:
    return _ESCAPED.sub(lambda found: f"\\{ord(found[0]):03o}", word)
