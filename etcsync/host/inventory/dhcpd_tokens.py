"""The tokens of an ISC dhcpd.conf: words, quoted strings and signs, with their lines. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r'#[^\n]*|"(?P<quoted>(?:\\.|[^"\\])*)(?P<closed>"?)|(?P<sign>[{};,=()])'
    r'|(?P<word>[^\s"#{};,=()]+)',
    re.DOTALL,
)


class Token(NamedTuple):
    """A word, a quoted string without its quotes, or one of ``{ } ; , = ( )``."""

    text: str
    line: int
    quoted: bool = False
    is_open: bool = False
    """Whether it is a string without a closing quote."""

    def is_sign(self, sign: str) -> bool:
        """Return whether this is the sign ``sign``, and not a string of that text."""
        return self.text == sign and not self.quoted


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of ``text``; comments are none."""
    line, position = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        if match["quoted"] is not None:
            content = re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL)
            yield Token(content, line, quoted=True, is_open=not match["closed"])
        elif word := match["sign"] or match["word"]:
            yield Token(word, line)
