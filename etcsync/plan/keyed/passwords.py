"""Three-way merge of a password field together with the day it was last changed.

Sources: shadow(5), passwd(1) and usermod(8): a field that begins with ``!`` is locked, what follows
is the hash from before; a lone ``*``, ``!`` or ``!!`` is a lock without a hash.
"""

import re
from typing import Literal, NamedTuple

from etcsync.plan.keyed.three_way import CLASH, choose

Disputed = Literal["password", "lastchg"]
"""The field that cannot be merged."""


class Secret(NamedTuple):
    """A password field and the day of its last change.

    Attributes:
        password: The field as it stands: empty, a hash, a lock, or a lock before a hash.
        lastchg: Days since 1970-01-01 as digits. ``0`` demands a new password and tells no day;
            empty where the file does not keep it.
    """

    password: bytes
    lastchg: bytes = b""

    @property
    def lock(self) -> bytes:
        """What makes the password unusable; empty if nothing does."""
        return self.password[: len(self.password) - len(self.digest)]

    @property
    def digest(self) -> bytes:
        """The password behind the lock; empty if there is none."""
        return self.password.lstrip(b"!*")


def day(lastchg: bytes) -> int | None:
    """Return the day that ``lastchg`` tells, or None where it tells none."""
    return int(lastchg) if re.fullmatch(rb"0{0,9}[1-9][0-9]{0,9}", lastchg) else None


def merge_secrets(base: Secret | None, ours: Secret, theirs: Secret) -> Secret | Disputed:
    """Merge two versions of a password.

    What one side changed is taken. Where both changed it, a lock on either side stays, before the
    hash that was set later; without a later one there is a dispute, unless one side alone is
    locked: then that side's stays.

    Args:
        base: None where both sides added the record.
        ours: The client's.
        theirs: Upstream's.

    Returns:
        The merged secret, or which field is in dispute.
    """
    password = choose(base and base.password, ours.password, theirs.password)
    if password is CLASH:
        return _merge_changed(base, ours, theirs)
    lastchg = choose(base and base.lastchg, ours.lastchg, theirs.lastchg)
    if lastchg is CLASH and ours.password == theirs.password:
        later = _later(ours, theirs)
        lastchg = later and later.lastchg
    if lastchg is CLASH or lastchg is None or password is None:
        return "lastchg"
    return Secret(password, lastchg)


def _merge_changed(base: Secret | None, ours: Secret, theirs: Secret) -> Secret | Disputed:
    digest = choose(base and base.digest, ours.digest, theirs.digest)
    lock = _merge_locks(base, ours, theirs)
    if digest is CLASH:
        winner = _winner(ours, theirs)
        return Secret(lock + winner.digest, winner.lastchg) if winner else "password"
    lastchg = choose(base and base.lastchg, ours.lastchg, theirs.lastchg)
    if lastchg is CLASH:
        if ours.digest == theirs.digest:
            winner = _later(ours, theirs)
        else:
            winner = ours if digest == ours.digest else theirs
        lastchg = winner and winner.lastchg
    if lastchg is None or digest is None:
        return "lastchg"
    return Secret(lock + digest, lastchg)


def _winner(ours: Secret, theirs: Secret) -> Secret | None:
    """Return whose hash stays, of two that both sides changed."""
    for side, other in ((ours, theirs), (theirs, ours)):
        if not side.digest:
            return other if side.lock else None
    later = _later(ours, theirs)
    if later is None and bool(ours.lock) != bool(theirs.lock):
        return ours if ours.lock else theirs
    return later


def _later(ours: Secret, theirs: Secret) -> Secret | None:
    ours_day, theirs_day = day(ours.lastchg), day(theirs.lastchg)
    if ours_day is None or theirs_day is None or ours_day == theirs_day:
        return None
    return ours if ours_day > theirs_day else theirs


def _merge_locks(base: Secret | None, ours: Secret, theirs: Secret) -> bytes:
    if not ours.lock or not theirs.lock:
        return ours.lock or theirs.lock
    lock = choose(base and base.lock, ours.lock, theirs.lock)
    if isinstance(lock, bytes):
        return lock
    return max(ours.lock, theirs.lock, key=lambda candidate: (len(candidate), candidate))
