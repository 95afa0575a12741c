"""The file that says who is suspended: read strictly, written only when it changes."""

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from etcsync.config import Settings, parse_settings
from etcsync.errors import LockError, StateError, UsageError
from etcsync.reconcile.lock import writer_lock
from etcsync.reconcile.suspensions import (
    Suspended,
    forget_ended,
    forgetting,
    resume,
    suspend,
    suspensions_in_force,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CLIENTS = ("client0", "client1")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, CLIENTS)


def settings_for(place: Path, names: tuple[str, ...]) -> Settings:
    clients = "".join(f'[[clients]]\nname = "{name}"\n' for name in names)
    text = f'state_dir = "{place}"\n[upstream]\nroot = "/srv/root"\n{clients}'
    return parse_settings(text, f"{place}/etcsync.toml")


def suspended(
    settings: Settings,
    *names: str,
    reason: str = "work",
    seconds: float | None = None,
    now: datetime = NOW,
    wait: float = 0,
) -> dict[str, Suspended]:
    return suspend(settings, names, reason=reason, seconds=seconds, by="ada", now=now, wait=wait)


def test_the_file_says_since_when_until_when_why_and_by_whom(settings: Settings) -> None:
    suspended(settings, "client0", seconds=7200)
    assert stat.S_IMODE(os.stat(settings.suspensions_path).st_mode) == 0o600
    assert json.loads(Path(settings.suspensions_path).read_text()) == {
        "schema": 1,
        "clients": {
            "client0": {
                "since": "2026-11-25T12:00:00Z",
                "until": "2026-11-25T14:00:00Z",
                "reason": "work",
                "by": "ada",
            }
        },
    }


def test_a_suspension_ends_by_itself_and_the_next_writer_removes_it(settings: Settings) -> None:
    suspended(settings, "client0", seconds=60)
    end = NOW + timedelta(seconds=60)
    assert "client0" in suspensions_in_force(settings, end - timedelta(seconds=1))
    assert suspensions_in_force(settings, end) == {}
    assert "client0" in Path(settings.suspensions_path).read_text()
    forget_ended(settings, end)
    assert "client0" not in Path(settings.suspensions_path).read_text()
    assert resume(settings, ["client0"], now=end, wait=0) == {"client0": None}


def test_suspending_again_replaces_all_but_the_beginning(settings: Settings) -> None:
    (first,) = suspended(settings, "client0", seconds=60).values()
    later = NOW + timedelta(seconds=30)
    (again,) = suspended(settings, "client0", reason="more work", now=later).values()
    assert again.before == first.suspension
    assert again.suspension.since == NOW
    assert (again.suspension.until, again.suspension.reason) == (None, "more work")


def test_one_client_is_resumed_and_the_other_stays_suspended(settings: Settings) -> None:
    suspended(settings, *CLIENTS)
    ended = resume(settings, ["client0"], now=NOW, wait=0)
    assert ended["client0"] is not None
    assert list(suspensions_in_force(settings, NOW)) == ["client1"]


def test_nothing_is_written_when_nothing_changes(settings: Settings) -> None:
    resume(settings, ["client0"], now=NOW, wait=0)
    forget_ended(settings, NOW)
    assert not os.path.exists(settings.suspensions_path)
    suspended(settings, "client0")
    before = os.stat(settings.suspensions_path).st_ino
    forget_ended(settings, NOW)
    assert os.stat(settings.suspensions_path).st_ino == before


def test_a_client_that_is_removed_loses_its_suspension(settings: Settings, tmp_path: Path) -> None:
    suspended(settings, *CLIENTS)
    with forgetting(settings, "client0"):
        pass
    assert list(suspensions_in_force(settings, NOW)) == ["client1"]
    forget_ended(settings_for(tmp_path, ("client0",)), NOW)
    assert suspensions_in_force(settings, NOW) == {}


def test_a_client_that_could_not_be_removed_stays_suspended(settings: Settings) -> None:
    suspended(settings, "client0")
    with pytest.raises(KeyError), forgetting(settings, "client0"):
        raise KeyError
    assert "client0" in suspensions_in_force(settings, NOW)


GOOD = '{"since": "2026-11-25T12:00:00Z", "until": null, "reason": "", "by": "ada"}'
DAMAGED = {
    "empty": "",
    "cut off": f'{{"schema": 1, "clients": {{"client0": {GOOD[:-9]}',
    "no object": "[]",
    "no clients": '{"schema": 1}',
    "from the future": f'{{"schema": 2, "clients": {{"client0": {GOOD}}}}}',
    "an unknown key": f'{{"schema": 1, "clients": {{}}, "clinets": {{"client0": {GOOD}}}}}',
    "no time zone": f'{{"schema": 1, "clients": {{"client0": {GOOD.replace("00Z", "00")}}}}}',
    "not text": "\udcff",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_an_error_that_nothing_replaces(settings: Settings, content: str) -> None:
    path = Path(settings.suspensions_path)
    path.write_text(content, errors="surrogateescape")
    for attempt in (
        lambda: suspensions_in_force(settings, NOW),
        lambda: suspended(settings, "client0"),
        lambda: resume(settings, ["client0"], now=NOW, wait=0),
        lambda: forget_ended(settings, NOW),
    ):
        with pytest.raises(StateError, match="damaged") as caught:
            attempt()
        assert caught.value.hint is not None
        assert f"rm {path}" in caught.value.hint
    assert path.read_text(errors="surrogateescape") == content


def test_a_file_that_cannot_be_read_is_an_error(settings: Settings) -> None:
    os.mkdir(settings.suspensions_path)
    with pytest.raises(StateError, match="cannot be read"):
        suspensions_in_force(settings, NOW)


@pytest.mark.parametrize("seconds", [0, 0.5, 1e12])
def test_a_time_that_cannot_be_is_refused(settings: Settings, seconds: float) -> None:
    with pytest.raises(UsageError):
        suspended(settings, "client0", seconds=seconds)
    assert not os.path.exists(settings.suspensions_path)


def test_an_unknown_client_is_refused_and_no_other_is_suspended(settings: Settings) -> None:
    with pytest.raises(UsageError, match="client9"):
        suspended(settings, "client0", "client9")
    assert suspensions_in_force(settings, NOW) == {}


def test_suspending_waits_for_a_run_that_writes(settings: Settings) -> None:
    with writer_lock(settings.lock_path, wait=0), pytest.raises(LockError):
        suspended(settings, "client0")
    assert suspensions_in_force(settings, NOW) == {}


def test_what_would_steer_a_terminal_is_kept_as_escapes(settings: Settings) -> None:
    suspended(settings, "client0", reason="\x1b[2J\udcff")
    assert suspensions_in_force(settings, NOW)["client0"].reason == r"\x1b[2J\xff"
