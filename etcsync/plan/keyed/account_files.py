"""The six account files: their fields, their keys, and one record merged field by field.

Sources: passwd(5), group(5), shadow(5), gshadow(5), subuid(5), subgid(5); the compat lines that
begin with ``+`` or ``-`` are those of nsswitch.conf(5).
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from etcsync.plan.keyed.conflicts import RecordConflict, field_conflict
from etcsync.plan.keyed.document import Document, Key, read_document
from etcsync.plan.keyed.passwords import Secret, merge_secrets
from etcsync.plan.keyed.three_way import CLASH, Versions, choose, merge_sets

Fields = Mapping[str, bytes]
"""A record's fields by name, and its carriage return, if it has one, as `LINE_END`."""

LINE_END = "line end"

_NAME_SETS = frozenset({"members", "administrators"})
_SECRET = frozenset({"password", "lastchg"})

_ANY = rb"[^:]*"
_NUMBER = rb"[0-9]+"
_DAYS = rb"-?[0-9]*"


class AccountFile(NamedTuple):
    """The format of one account file.

    Attributes:
        name: Its name in /etc.
        fields: The names of its fields, in order; colons stand between them.
        pattern: What a well-formed record matches, without its line end. Any other line is never
            taken apart.
        key_width: How many of the first fields tell records apart.
    """

    name: str
    fields: tuple[str, ...]
    pattern: re.Pattern[bytes]
    key_width: int = 1

    def read(self, content: bytes | None) -> Document:
        """Take a version of the file apart."""
        return read_document(content, self.key_of)

    def key_of(self, line: bytes) -> Key | None:
        """Return a line's key fields, stripped; None for a comment or a line without fields.

        glibc skips white space before a name, and lines whose first other byte is ``#``.
        """
        fields = line.split(b":", self.key_width)
        name = fields[0].strip()
        if name.startswith(b"#") or (len(fields) == 1 and not name.startswith((b"+", b"-"))):
            return None
        return (name,) if self.key_width == 1 else (name, *map(bytes.strip, fields[1:-1]))

    def split(self, text: bytes) -> Fields | None:
        """Return a record's fields, or None where it is not well-formed."""
        body = text.removesuffix(b"\r")
        if not self.pattern.fullmatch(body):
            return None
        return dict(zip(self.fields, body.split(b":"), strict=True)) | {LINE_END: text[len(body) :]}

    def join(self, fields: Fields) -> bytes:
        """Put a record together again; the inverse of `split`."""
        return b":".join(fields[name] for name in self.fields) + fields[LINE_END]

    def settle(
        self, name: str, base: bytes | None, ours: bytes, theirs: bytes
    ) -> bytes | Sequence[RecordConflict]:
        """Merge a record that both sides changed or added; see `etcsync.plan.keyed.records`."""
        versions = [None if text is None else self.split(text) for text in (base, ours, theirs)]
        base_fields, ours_fields, theirs_fields = versions
        if ours_fields is None or theirs_fields is None or (base and base_fields is None):
            return [_line_conflict(self.name, name)]
        merged, disputed = _merge_fields(Versions(base_fields or {}, ours_fields, theirs_fields))
        if not disputed:
            return self.join(merged)
        return [
            field_conflict(
                self.name,
                name,
                field,
                ours_fields[field],
                theirs_fields[field],
                added=base is None,
            )
            for field in disputed
        ]


def is_compat(key: Key) -> bool:
    """Tell whether a key is that of a line which brings in, or shuts out, names from NIS."""
    return key[0].startswith((b"+", b"-"))


def _merge_fields(versions: Versions[Fields]) -> tuple[dict[str, bytes], list[str]]:
    """Return the merged fields, and the names of those that cannot be merged."""
    merged: dict[str, bytes] = {}
    disputed: list[str] = []
    base, ours, theirs = versions
    for field in theirs.keys() - _SECRET:
        value = choose(base.get(field), ours[field], theirs[field])
        if value is not CLASH and value is not None:
            merged[field] = value
        elif field in _NAME_SETS:
            names = ([name for name in v.get(field, b"").split(b",") if name] for v in versions)
            merged[field] = b",".join(merge_sets(*names))
        elif field == LINE_END:
            merged[field] = theirs[field]
        else:
            disputed.append(field)
    if "password" in theirs:
        secret = merge_secrets(_secret(base) if base else None, _secret(ours), _secret(theirs))
        if isinstance(secret, Secret):
            merged |= {"password": secret.password, "lastchg": secret.lastchg}
        else:
            disputed.append(secret)
    return merged, sorted(disputed, key=list(theirs).index)


def _secret(fields: Fields) -> Secret:
    return Secret(fields["password"], fields.get("lastchg", b""))


def _line_conflict(file: str, name: str) -> RecordConflict:
    return RecordConflict(
        file,
        name,
        "",
        "changed",
        "changed",
        f"Client and upstream both changed the line of {name} in {file}, and it is not well-formed"
        " on every side",
    )


def _account_file(name: str, key_width: int = 1, /, **fields: bytes) -> AccountFile:
    return AccountFile(
        name, tuple(fields), re.compile(b":".join(fields.values()), re.DOTALL), key_width
    )


FILES = {
    file.name: file
    for file in (
        _account_file(
            "passwd",
            name=_ANY,
            password=_ANY,
            uid=_NUMBER,
            gid=_NUMBER,
            comment=_ANY,
            home=_ANY,
            shell=_ANY,
        ),
        _account_file("group", name=_ANY, password=_ANY, gid=_NUMBER, members=_ANY),
        _account_file(
            "shadow",
            name=_ANY,
            password=_ANY,
            lastchg=_DAYS,
            minimum=_DAYS,
            maximum=_DAYS,
            warning=_DAYS,
            inactive=_DAYS,
            expire=_DAYS,
            reserved=_DAYS,
        ),
        _account_file("gshadow", name=_ANY, password=_ANY, administrators=_ANY, members=_ANY),
        _account_file("subuid", 2, owner=_ANY, start=_NUMBER, count=_NUMBER),
        _account_file("subgid", 2, owner=_ANY, start=_NUMBER, count=_NUMBER),
    )
}
"""The six formats by file name, in the order in which they are merged and reported."""
