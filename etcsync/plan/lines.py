"""Which lines two texts share.

Lines that occur once on both sides are taken as the same, then those that follow from them: Bram
Cohen's patience diff. `patiencediff.PatienceSequenceMatcher` does that too, but panics with an
exception that is no ``Exception`` when unique lines nest ten levels deep, and the texts merged here
are written by clients. So only its inner step serves here, and the nesting ends quietly.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import compress, count
from operator import ne
from typing import NamedTuple

from patiencediff import unique_lcs

Block = tuple[int, int, int]
"""A shared stretch: where it begins in either text, and how many lines long it is."""

DEPTH_LIMIT = 12
"""How deep stretches between shared lines are searched for further ones. What is not found makes a
change look larger than it is; without a limit the time could grow with the square of the length."""


class _Gap(NamedTuple):
    """The lines ``a[a_low:a_high]`` and ``b[b_low:b_high]``, between shared stretches."""

    a_low: int
    a_high: int
    b_low: int
    b_high: int
    depth: int


class LineMatcher:
    """Finds shared lines; speaks as much of `difflib.SequenceMatcher` as `merge3.Merge3` needs."""

    def __init__(
        self,
        isjunk: Callable[[bytes], bool] | None = None,  # noqa: ARG002  # the caller's protocol
        a: Sequence[bytes] = (),
        b: Sequence[bytes] = (),
        autojunk: bool = False,  # noqa: ARG002  # the caller's protocol
    ) -> None:
        self._a, self._b = a, b

    def get_matching_blocks(self) -> list[Block]:
        """Return the shared stretches in order; the last one has length 0 and lies at both ends."""
        blocks: list[Block] = []
        for a, b, length in sorted(self._search()):
            a_last, b_last, last_length = blocks[-1] if blocks else (-1, -1, 0)
            if (a_last + last_length, b_last + last_length) == (a, b):
                blocks[-1] = (a_last, b_last, last_length + length)
            else:
                blocks.append((a, b, length))
        return [*blocks, (len(self._a), len(self._b), 0)]

    def _search(self) -> Iterator[Block]:
        """Yield shared stretches in no particular order."""
        gaps = [_Gap(0, len(self._a), 0, len(self._b), 0)]
        while gaps:
            a_low, a_high, b_low, b_high, depth = gaps.pop()
            if head := _shared(self._a[a_low:a_high], self._b[b_low:b_high]):
                yield a_low, b_low, head
                a_low, b_low = a_low + head, b_low + head
            if tail := _shared(self._a[a_low:a_high][::-1], self._b[b_low:b_high][::-1]):
                a_high, b_high = a_high - tail, b_high - tail
                yield a_high, b_high, tail
            if depth == DEPTH_LIMIT or a_low == a_high or b_low == b_high:
                continue
            a_next, b_next = a_low, b_low
            for a, b, length in self._unique(a_low, a_high, b_low, b_high):
                yield a, b, length
                if self._a[a_next:a] == self._b[b_next:b]:  # mostly, and faster than to search it
                    yield a_next, b_next, a - a_next
                else:
                    gaps.append(_Gap(a_next, a, b_next, b, depth + 1))
                a_next, b_next = a + length, b + length
            if (a_next, b_next) != (a_low, b_low):
                gaps.append(_Gap(a_next, a_high, b_next, b_high, depth + 1))

    def _unique(self, a_low: int, a_high: int, b_low: int, b_high: int) -> Iterator[Block]:
        """Yield, in order, the shared stretches of lines that are unique on both sides."""
        a_first, b_first, length = a_low, b_low, 0
        for a_offset, b_offset in unique_lcs(self._a[a_low:a_high], self._b[b_low:b_high]):
            a, b = a_low + a_offset, b_low + b_offset
            if a != a_first + length or b != b_first + length:
                if length:
                    yield a_first, b_first, length
                a_first, b_first, length = a, b, 0
            length += 1
        if length:
            yield a_first, b_first, length


def _shared(a: Sequence[bytes], b: Sequence[bytes]) -> int:
    """Return how many lines, from the first on, are the same in both."""
    differing = compress(count(), map(ne, a, b))
    return next(differing, min(len(a), len(b)))
