"""Text that a client chose, made harmless for terminals and pages."""


def printable(text: str, *, keep: str = "") -> str:
    r"""Return ``text`` with everything that could steer a terminal written as an escape.

    Control characters, bidirectional overrides, surrogates (bytes that are not UTF-8), odd spaces
    and unassigned code points become ``\n``, ``\x1b``, ``\u202e`` or, for stray bytes, ``\xff``.
    A backslash stays as it is.

    Args:
        text: Any text.
        keep: Characters to leave alone, such as a tab or the end of a line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep else _printable_character(c) for c in text)


def _printable_character(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
