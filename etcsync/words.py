"""Ways of putting numbers and times into words, for messages, documents and history alike."""

from datetime import UTC, datetime


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it must be."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def time_text(time: datetime) -> str:
    """Return a time as RFC 3339 UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
