"""What commits say can be read back, whatever clients call their files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etcsync.reconcile.messages import (
    CAUSE_TRAILER,
    UPSTREAM_TRAILER,
    BaseRecord,
    base_message,
    capture_message,
    notes_of,
    parse_base_message,
    rescue_message,
    result_message,
    trailer,
)
from etcsync.reconcile.model import Cause, HeldPath

anything = st.text(st.characters(exclude_categories=()), max_size=20)


@given(st.lists(st.builds(HeldPath, *[anything] * 7), max_size=3), st.text("0123456789abcdef"))
def test_a_base_message_is_read_back(holds: list[HeldPath], upstream: str) -> None:
    record = BaseRecord(upstream, tuple(holds))
    message = base_message(record)
    message.encode("ascii")
    assert parse_base_message(message) == record


@pytest.mark.parametrize(
    "message", ["", "hello\n", "Base\n\n{}", 'Base\n\n{"upstream": 1}', "Base\n\n["]
)
def test_another_message_is_refused(message: str) -> None:
    with pytest.raises(ValueError, match=r"not the message of a base commit"):
        parse_base_message(message)


@given(st.lists(anything.filter(bool), min_size=1, max_size=80, unique=True))
def test_names_cannot_forge_trailers(paths: list[str]) -> None:
    captured = capture_message("client0", dict.fromkeys(paths))
    assert trailer(captured, CAUSE_TRAILER) == "capture"
    noted = {path: "healed" if path == paths[0] else "" for path in paths}
    reconciled = result_message("client0", Cause.RESTORE, "a" * 40, noted)
    assert trailer(reconciled, UPSTREAM_TRAILER) == "a" * 40
    assert trailer(reconciled, CAUSE_TRAILER) == "restore"
    assert notes_of(reconciled) == {paths[0]: "healed"}
    assert trailer(rescue_message("client0", paths), CAUSE_TRAILER) == "rescue"


def test_a_message_without_trailers_has_none() -> None:
    assert trailer("Add SSH host keys\n", CAUSE_TRAILER) is None
    assert trailer("subject\n\nbody: with a colon\n", CAUSE_TRAILER) is None


def test_a_long_list_is_cut() -> None:
    message = capture_message("client0", {f"file{n}": None for n in range(60)})
    assert "and 10 more" in message
    assert message.startswith("Capture 60 changes of client0\n")
