"""What the policy says about one path."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Strategy(StrEnum):
    """How changes of a path on both sides come together; see docs/reference/policy.md."""

    MERGE = "merge"
    ATOMIC = "atomic"
    KEYED = "keyed"
    UNION = "union"
    UPSTREAM = "upstream"
    CLIENT = "client"
    REVIEW = "review"
    MIRROR = "mirror"
    IGNORE = "ignore"


class Promote(StrEnum):
    """Whether a client's change of a path may be brought upstream."""

    YES = "yes"
    NAMED = "named"
    """Only when the path is named on the command line."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Treatment:
    """All that the rules decide for one path and one client.

    Attributes:
        strategy: How the two sides' changes come together.
        secret: The content is never printed, reported, or promoted unless named.
        group: Paths with the same group name are applied all or none.
        validate: A command that must accept the result; ``{file}`` stands for its path.
        seed: The content that a client-owned file gets when a tree is created; ``{name}``,
            ``{address}``, ``{mac}`` and ``{uuid}`` are filled in. False: do not create the file.
            None: start with upstream's version.
        promote: Whether a change may go upstream.
        expected: A difference is meant: shown as local, not as drift.
        reason: Why, in the words of the last matching rule that gives one.
    """

    strategy: Strategy = Strategy.MERGE
    secret: bool = False
    group: str | None = None
    validate: tuple[str, ...] | None = None
    seed: str | Literal[False] | None = None
    promote: Promote = Promote.YES
    expected: bool = False
    reason: str = ""
