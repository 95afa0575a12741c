"""What the daemon writes down of its passes; it lets the disk rest where there is no news."""

from dataclasses import replace
from pathlib import Path

import pytest
from pass_support import client_run, failed_pass, made_pass, settings_of

from etcsync.config import Settings
from etcsync.daemon.diary import PACE, Diary
from etcsync.daemon.passes import Pass, Why
from etcsync.errors import HubError
from etcsync.reconcile.daemon_state import DaemonRecord, read_record


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(str(tmp_path))


@pytest.fixture
def diary(settings: Settings) -> Diary:
    """A diary with a first pass in it, at the second 0."""
    diary = Diary()
    diary.begin(settings)
    diary.note(settings, quiet(), 0.0)
    return diary


def quiet(commit: str = "1", why: Why = Why.INTERVAL) -> Pass:
    return made_pass(replace(client_run("client0"), commit=commit), why=why)


def written(settings: Settings) -> DaemonRecord:
    record = read_record(settings)
    assert record is not None
    return record


def is_written(settings: Settings, diary: Diary, made: Pass, now: float) -> bool:
    before = Path(settings.daemon_record_path).stat().st_ino
    diary.note(settings, made, now)
    return Path(settings.daemon_record_path).stat().st_ino != before


def test_the_first_pass_is_written(settings: Settings, diary: Diary) -> None:
    last = written(settings).last_pass
    assert last is not None
    assert (last.why, last.result.value) == ("interval", "done")


def test_a_pass_that_came_to_the_same_is_written_after_a_while(
    settings: Settings, diary: Diary
) -> None:
    assert not is_written(settings, diary, quiet(), 1.0)
    assert not is_written(settings, diary, quiet(), PACE - 1)
    assert is_written(settings, diary, quiet(), PACE)
    assert not is_written(settings, diary, quiet(), PACE + 1)


@pytest.mark.parametrize(
    "news",
    [
        quiet("2"),
        quiet(why=Why.UPSTREAM),
        made_pass(replace(client_run("client0", held=["motd"]), commit="1")),
        failed_pass(HubError("broken")),
    ],
    ids=["recorded", "reason", "held", "not made"],
)
def test_news_is_written_at_once(settings: Settings, diary: Diary, news: Pass) -> None:
    assert is_written(settings, diary, news, 1.0)


def test_what_could_not_be_written_is_written_with_the_next_pass(
    settings: Settings, diary: Diary, tmp_path: Path
) -> None:
    record = Path(settings.daemon_record_path)
    record.rename(tmp_path / "aside")
    record.mkdir()
    diary.note(settings, failed_pass(HubError("broken")), 1.0)
    record.rmdir()
    diary.note(settings, failed_pass(HubError("broken")), 2.0)
    last = written(settings).last_pass
    assert last is not None
    assert last.error == "broken"


def test_the_end_writes_the_last_pass_if_it_is_not_written(
    settings: Settings, diary: Diary
) -> None:
    last = diary.note(settings, quiet(), 1.0)
    diary.end(settings, 2.0)
    assert written(settings).last_pass == last
    before = Path(settings.daemon_record_path).stat().st_ino
    diary.end(settings, 3.0)
    assert Path(settings.daemon_record_path).stat().st_ino == before
