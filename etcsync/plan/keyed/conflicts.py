"""What two sides disagree on in a record file, told so that nothing secret is repeated."""

from dataclasses import dataclass
from typing import NamedTuple

TEXT_LIMIT = 200
"""Characters of a value or name that a conflict repeats; what is longer ends in an ellipsis."""


class RecordConflict(NamedTuple):
    """One disagreement.

    Names and values are untrusted text with surrogate escapes; whoever shows them escapes them.

    Attributes:
        file: The account file, such as ``passwd``, or the table's format, such as ``fstab``.
        record: The account, group or key; ``""`` where the file as a whole is meant.
        field: The field, such as ``shell``; ``""`` where the record as a whole is meant.
        ours: The client's value; None where the client has none. For a field ``password``, the
            word ``password`` and nothing of its content.
        theirs: Upstream's value, in the same way.
        sentence: What happened, for an administrator.
    """

    file: str
    record: str
    field: str
    ours: str | None
    theirs: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class KeyedConflict:
    """Why a record file cannot be merged by key; never empty."""

    conflicts: tuple[RecordConflict, ...]


def as_text(raw: bytes) -> str:
    """Return ``raw`` as text with surrogate escapes, cut to `TEXT_LIMIT` characters."""
    text = raw[: TEXT_LIMIT * 4 + 4].decode("utf-8", "surrogateescape")
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def field_conflict(
    file: str, record: str, field: str, ours: bytes | None, theirs: bytes | None, *, added: bool
) -> RecordConflict:
    """Describe a field that both sides set, and not to the same.

    Args:
        file: See `RecordConflict`.
        record: See `RecordConflict`.
        field: See `RecordConflict`.
        ours: The client's value.
        theirs: Upstream's value.
        added: Whether base has no such record, so that both sides added it.
    """
    if field == "password":
        ours_text = theirs_text = "password"
        difference = "different passwords"
    else:
        ours_text, theirs_text = as_text(ours or b""), as_text(theirs or b"")
        difference = f"client {ours_text!r}, upstream {theirs_text!r}"
    sentence = (
        f"Client and upstream both added {record} to {file}, but with another {field}: {difference}"
        if added
        else f"Client and upstream both changed the {field} of {record} in {file}: {difference}"
    )
    return RecordConflict(file, record, field, ours_text, theirs_text, sentence)


def deletion_conflict(file: str, record: str, *, by_upstream: bool) -> RecordConflict:
    """Describe a record (``""``: the file itself) that one side deleted and the other changed."""
    what = f"{record} from {file}" if record else f"the file {file}"
    deleter, changer = ("Upstream", "the client") if by_upstream else ("The client", "upstream")
    return RecordConflict(
        file,
        record,
        "",
        "changed" if by_upstream else None,
        None if by_upstream else "changed",
        f"{deleter} deleted {what}, but {changer} changed it",
    )


def repetition_conflict(file: str, record: str) -> RecordConflict:
    """Describe a key that stands on several lines, which both sides changed."""
    return RecordConflict(
        file,
        record,
        "",
        "changed",
        "changed",
        f"{record} stands on several lines of {file}, and client and upstream both changed them",
    )
