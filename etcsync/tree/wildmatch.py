"""Git's wildcard patterns as functions, in time that a hostile pattern cannot blow up.

The patterns are written by clients. A general regular expression made from such a pattern takes
exponential time on a name made to match it (``*a*a*a*a*b`` and a long row of ``a``). Here each run
between two wildcards is matched at its first possible place and never tried again, which is
enough for these patterns and makes the time proportional to pattern times name. Patterns and names
are bytes, as for git: ``?`` stands for one byte. The rules are those of gitignore(5) and of git's
``wildmatch`` with ``WM_PATHNAME``.
"""

import re
import string
from collections.abc import Callable, Iterator

_STAR, _STARS, _SLASH, _ANY = b"[^/]*", b"**", b"/", b"[^/]"
_CLASSES = {
    b"alnum": string.ascii_letters + string.digits,
    b"alpha": string.ascii_letters,
    b"blank": " \t",
    b"cntrl": "".join(map(chr, (*range(32), 127))),
    b"digit": string.digits,
    b"graph": "".join(map(chr, range(33, 127))),
    b"lower": string.ascii_lowercase,
    b"print": "".join(map(chr, range(32, 127))),
    b"punct": string.punctuation,
    b"space": " \t\n\v\f\r",
    b"upper": string.ascii_uppercase,
    b"xdigit": string.hexdigits,
}


class _MalformedError(ValueError):
    """The pattern can match nothing."""


def matcher(pattern: bytes) -> Callable[[bytes], object]:
    """Return a function that is true for the paths, or names, that ``pattern`` matches wholly.

    A slash at the pattern's end or beginning has no meaning here; the caller has dealt with it.
    """
    if not re.search(rb"[*?\[\\]", pattern):
        return pattern.__eq__
    try:
        return re.compile(_expression(list(_tokens(pattern))), re.DOTALL).fullmatch
    except _MalformedError:
        return lambda _: False


def _tokens(pattern: bytes) -> Iterator[bytes]:
    """Yield slashes, stars, and expressions that match exactly one byte other than a slash."""
    at = 0
    while at < len(pattern):
        character = pattern[at : at + 1]
        if character == b"*":
            end = at + len(pattern[at:]) - len(pattern[at:].lstrip(b"*"))
            alone = (at == 0 or pattern[at - 1 : at] == b"/") and pattern[end : end + 1] in b"/"
            yield _STARS if end - at > 1 and alone else _STAR
            at = end
            continue
        if character == b"[":
            at, expression = _bracket(pattern, at + 1)
            yield expression
            continue
        if character == b"\\":
            at += 1
            character = pattern[at : at + 1]
            if not character:
                raise _MalformedError
        elif character == b"?":
            yield _ANY
            at += 1
            continue
        yield _SLASH if character == b"/" else re.escape(character)
        at += 1


def _bracket(pattern: bytes, at: int) -> tuple[int, bytes]:
    """Return the end of the bracket expression whose inside begins at ``at``, and its expression.

    As in git's wildmatch: ``!`` or ``^`` negates, ``]`` stands for itself in the first place, a
    backslash quotes, and a bracket or class that is not closed or not known matches nothing.
    """
    negated = pattern[at : at + 1] in {b"!", b"^"}
    at += negated
    members: set[int] = set()
    before, first = 0, True
    while first or pattern[at : at + 1] != b"]":
        first = False
        if pattern.startswith(b"[:", at) and (named := _class(pattern, at + 2)) is not None:
            at, characters = named
            members.update(characters)
            before = 0
            continue
        is_range = pattern[at : at + 1] == b"-" and before and pattern[at + 1 : at + 2] not in b"]"
        at, character = _literal(pattern, at + 1 if is_range else at)
        members.update(range(before, character + 1) if is_range else (character,))
        before = 0 if is_range else character
    listed = b"".join(b"\\x%02x" % member for member in sorted(members - {ord("/")}))
    if negated:
        return at + 1, b"[^/%b]" % listed
    return at + 1, b"[%b]" % listed if listed else b"(?!)"


def _literal(pattern: bytes, at: int) -> tuple[int, int]:
    """Return the position behind the possibly quoted byte at ``at``, and the byte."""
    at += pattern[at : at + 1] == b"\\"
    if at >= len(pattern):
        raise _MalformedError
    return at + 1, pattern[at]


def _class(pattern: bytes, at: int) -> tuple[int, bytes] | None:
    """Return the position behind ``name:]`` and the class's members; None: not a class at all."""
    end = pattern.find(b"]", at)
    if end < 0:
        raise _MalformedError
    if end == at or pattern[end - 1 : end] != b":":
        return None
    characters = _CLASSES.get(pattern[at : end - 1])
    if characters is None:
        raise _MalformedError
    return end + 1, characters.encode()


def _expression(tokens: list[bytes]) -> bytes:
    """Return the expression of a whole pattern: components, and ``**`` for any number of them."""
    components = _split(tokens, _SLASH)
    if not all(components):
        raise _MalformedError
    chunks = _split([b"".join(_component(part)) for part in components], _STARS)
    joined = [b"/".join(chunk) for chunk in chunks]
    if len(joined) == 1:
        return joined[0]
    first, *middle, last = joined
    return b"".join(
        (
            first + b"/" if first else b"",
            *(b"(?>(?:[^/]+/)*?%b/)" % chunk for chunk in middle if chunk),
            b"(?:[^/]++/)*" + last if last else b".+",
        )
    )


def _component(tokens: list[bytes]) -> Iterator[bytes]:
    """Yield the expression of one component, each part between stars taken where it first fits."""
    if tokens == [_STARS]:
        yield _STARS
        return
    first, *parts = (b"".join(part) for part in _split(tokens, _STAR))
    yield first
    if parts:
        *middle, last = parts
        yield from (b"(?>[^/]*?%b)" % part for part in middle if part)
        yield b"(?>[^/]*%b(?=/|\\Z))" % last


def _split(tokens: list[bytes], separator: bytes) -> list[list[bytes]]:
    parts: list[list[bytes]] = [[]]
    for token in tokens:
        if token == separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
