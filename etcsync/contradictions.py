"""Values of the settings that are fine alone but not together."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from etcsync.toml_text import Location

Finding = tuple[Location, str]
"""Where in the settings, and what is wrong there."""


class Place(NamedTuple):
    """A directory that the settings name."""

    location: Location
    """Where the settings say so."""
    name: str
    """What a person calls it."""
    path: str
    """Absolute and normalised."""


def repetitions(key: str, values: Iterable[tuple[Location, str]]) -> Iterator[Finding]:
    """Yield every value of ``key`` that an earlier client has already; empty ones do not count."""
    first: dict[str, Location] = {}
    for location, value in values:
        if value in first:
            table, index, _ = first[value]
            yield location, f"{key} {value!r} is taken by {table}[{index}] already"
        elif value:
            first[value] = location


def _above(path: str) -> Iterator[str]:
    """Yield every directory above the absolute ``path``, nearest first."""
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        yield path


def overlaps(places: Iterable[Place], *, allowed: tuple[str, str]) -> Iterator[Finding]:
    """Yield every place that is another one or lies in it.

    Args:
        places: Directories that are to be apart.
        allowed: The names of an outer and an inner place that may lie in it.
    """
    by_path: dict[str, Place] = {}
    for place in places:
        if same := by_path.get(place.path):
            yield place.location, f"{place.name} is {same.name}: both are {place.path}"
        else:
            by_path[place.path] = place
    for place in by_path.values():
        for above in _above(place.path):
            outer = by_path.get(above)
            if outer and (outer.name, place.name) != allowed:
                yield place.location, f"{place.name} ({place.path}) lies in {outer.name} ({above})"
