"""What is closed when the block that uses it ends."""

from typing import Self


class Closing:
    """A base for what holds something open: ``with`` gives the object itself, and closes it."""

    def _close(self) -> None:
        """Let go of all that is open."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()
