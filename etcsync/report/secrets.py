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
    rb"|^\s*(psk|(?i:wireless_wpa_psk)|PrivateKey|PresharedKey)\s*=\s*\S"
    rb"|^\s*wpa[-_](psk|password)\s*[=\s]\s*\S",
    re.MULTILINE,
)
"""Private keys (PEM, OpenPGP, PuTTY, age), password hashes as in crypt(5), Wi-Fi and WireGuard
keys as wpa_supplicant, NetworkManager, systemd, ifupdown and wicked write them."""


def is_secret(treatment: Treatment, *versions: Entry | None) -> bool:
    """Return whether rule or mode make a path secret; ``versions`` are its states on all sides."""
    return treatment.secret or any(
        entry is not None and entry.kind is Kind.FILE and not entry.mode & READABLE_BY_OTHERS
        for entry in versions
    )


def looks_secret(content: bytes) -> bool:
    """Return whether ``content`` looks like a private key or holds a password hash."""
    return _SECRET_CONTENT.search(content) is not None


_WORD = re.compile(rb"[^\s'\"`<>()\[\]{},;:=]+")
_MARKS = b"'\"`<>()[]{},;:.="
_SHORT = 3
"""Bytes from which on a word counts as one that was taken from a file."""

_PLAIN_WORDS = frozenset(
    b"already alias bad but character cmnd_alias column defined defaults entry error expected "
    b"file found host_alias invalid line missing near not option parse referenced runas_alias "
    b"syntax the unexpected unknown user_alias".split()
)
"""What programs say of a mistake; it tells nothing even where the file has such a word too."""


def without_quotations(said: bytes, content: bytes, name: bytes) -> bytes:
    """Return what a program said of a file, each word that is in the file too replaced by ``…``.

    Args:
        said: The program's words.
        content: The file.
        name: The file's name, which may stay.
    """

    def hidden(word: bytes) -> bool:
        plain = word == name or word.lower() in _PLAIN_WORDS
        return len(word) >= _SHORT and not plain and word in content

    def shown(word: re.Match[bytes]) -> bytes:
        return "…".encode() if hidden(word[0]) else word[0]

    def split(token: re.Match[bytes]) -> bytes:
        core = token[0].strip(_MARKS)
        return token[0].replace(core, "…".encode()) if hidden(core) else _WORD.sub(shown, token[0])

    return re.sub(rb"\S+", split, said)
