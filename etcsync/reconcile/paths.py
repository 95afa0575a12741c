"""Paths as an administrator names them."""

from collections.abc import Iterable, Sequence


def named_path(text: str) -> str:
    """Return the path relative to /etc that ``text`` names; ``"."`` for the whole tree."""
    return text.strip("/").removeprefix("./") or "."


def covered(paths: Iterable[str], places: Sequence[str]) -> list[str]:
    """Return those of ``paths`` that lie at or beneath one of ``places``, in their order."""
    return [path for path in paths if any(_covers(place, path) for place in places)]


def _covers(place: str, path: str) -> bool:
    return place in {".", path} or path.startswith(place + "/")
