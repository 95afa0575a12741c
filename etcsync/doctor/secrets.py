"""Upstream's secrets: whether others than root can read them."""

import os
import stat
from collections.abc import Iterator
from functools import cache

from etcsync.doctor.commit import commit_command
from etcsync.doctor.facts import Facts
from etcsync.doctor.finding import Finding, Severity
from etcsync.policy.policy import Policy
from etcsync.policy.treatment import Strategy


def secrets(facts: Facts) -> Iterator[Finding]:
    """What policy calls secret, keys above all, is nobody else's to read in the root."""
    etc = facts.settings.upstream.etc
    policy = Policy(facts.rules)
    can_be_entered = cache(_can_be_entered)
    for path in facts.upstream_paths:
        treatment = policy.treatment(path)
        # What is ignored reaches no client, and `passwd-` is readable everywhere.
        if not treatment.secret or treatment.strategy is Strategy.IGNORE:
            continue
        place = os.path.join(etc, path)
        if _can_be_read(place) and can_be_entered(os.path.dirname(path), etc):
            yield Finding(
                Severity.SERIOUS,
                f"{path} is a secret, and every user of a machine with this root can read it",
                f"`chmod o-rwx {place}`, then {commit_command(facts)}; the next sync takes it from "
                "the clients that got it so.",
                path=path,
            )


def _can_be_read(place: str) -> bool:
    """Whether a regular file stands there that everybody may read."""
    try:
        mode = os.lstat(place).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & stat.S_IROTH)


def _can_be_entered(folder: str, etc: str) -> bool:
    """Whether everybody may enter ``folder`` and all that lies above it, up to ``etc``."""
    while folder:
        if not os.lstat(os.path.join(etc, folder)).st_mode & stat.S_IXOTH:
            return False
        folder = os.path.dirname(folder)
    return True
