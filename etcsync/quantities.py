"""Durations and sizes as people write them in settings: ``"2h30m"``, ``"8MiB"``."""

import math
import re
from typing import Annotated

from pydantic import BeforeValidator

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
"""Seconds in one unit of a duration."""

BYTES = {"": 1, "B": 1} | {
    f"{prefix}{suffix}": base**power
    for power, prefix in enumerate("KMGT", start=1)
    for suffix, base in (("", 1024), ("iB", 1024), ("B", 1000))
}
"""Bytes in one unit of a size: ``K`` and ``KiB`` are 1024, ``KB`` is 1000, as in coreutils."""

_STEP = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)")


def parse_duration(value: object) -> float:
    """Return the seconds that ``value`` means.

    Args:
        value: A number of seconds, or text such as ``"90"``, ``"5m"``, ``"2h30m"`` or ``"1d"``.

    Raises:
        ValueError: It is no duration, is negative, or is not finite.
    """
    text = "" if isinstance(value, bool) else str(value)
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        seconds = float(text)
    elif re.fullmatch(rf"(?:{_STEP.pattern})+", text, re.ASCII):
        seconds = sum(float(number) * SECONDS[unit] for number, unit in _STEP.findall(text))
    else:
        raise ValueError(f"{value!r} is not a duration; write it like '90s', '5m' or '2h30m'")
    if not math.isfinite(seconds):
        raise ValueError(f"{value!r} is longer than can be waited for")
    return seconds


def parse_size(value: object) -> int:
    """Return the bytes that ``value`` means.

    Args:
        value: A number of bytes, or text such as ``"8MiB"``, ``"10MB"``, ``"512K"``.

    Raises:
        ValueError: It is no size or is negative.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = isinstance(value, str) and re.fullmatch(_SIZE.pattern, value, re.ASCII)
    factor = BYTES.get(match[2]) if match else None
    if not match or factor is None:
        raise ValueError(f"{value!r} is not a size; write it like '8MiB', '10MB' or '512K'")
    number = match[1]
    return int(float(number) * factor) if "." in number else int(number) * factor


Duration = Annotated[float, BeforeValidator(parse_duration)]
"""Seconds, read with `parse_duration`."""

Size = Annotated[int, BeforeValidator(parse_size)]
"""Bytes, read with `parse_size`."""
