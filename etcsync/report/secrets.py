"""What must never be shown: secrets by rule, by mode and by content."""

import re

from etcsync.entries import Entry, Kind
from etcsync.policy.treatment import Treatment

READABLE_BY_OTHERS = 0o004

_SECRET_CONTENT = re.compile(
    rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----"
    rb"|^PuTTY-User-Key-File"
    rb"|^AGE-SECRET-KEY-1"
    rb"|(^|[:=\s\"'])\$(1|2[abxy]?|5|6|7|y|gy|sha1|argon2[a-z]*|scrypt)\$[./A-Za-z0-9$,=+-]{8,}"
    rb"|^\s*(psk|wpa-psk|PrivateKey|PresharedKey)\s*=\s*\S",
    re.MULTILINE,
)
"""Private keys (PEM, OpenPGP, PuTTY, age), password hashes as in crypt(5), Wi-Fi and WireGuard
keys."""


def is_secret(treatment: Treatment, *versions: Entry | None) -> bool:
    """Return whether rule or mode make a path secret; ``versions`` are its states on all sides."""
    return treatment.secret or any(
        entry is not None and entry.kind is Kind.FILE and not entry.mode & READABLE_BY_OTHERS
        for entry in versions
    )


def looks_secret(content: bytes) -> bool:
    """Return whether ``content`` looks like a private key or holds a password hash."""
    return _SECRET_CONTENT.search(content) is not None
