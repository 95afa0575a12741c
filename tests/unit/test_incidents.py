"""Incidents: one for each cause, opened once, updated, closed when over."""

import os
from pathlib import Path

import pytest
from pass_support import client_run, failed_pass, made_pass, settings_of

from etcsync.daemon.incidents import Change, What, advance
from etcsync.daemon.incidents_file import read_incidents, write_incidents
from etcsync.daemon.incidents_keeper import IncidentKeeper
from etcsync.errors import HubError, StateError
from etcsync.setting_types import IncidentKind

NAMES = ["client0", "client1", "client2", "client10"]


def told(changes: list[Change]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(what.value, each.kind.value, each.clients) for what, each in changes]


def through(*passes) -> list[list[tuple[str, str, tuple[str, ...]]]]:
    """Return what is told after each pass."""
    known, result = {}, []
    for done in passes:
        known, changes = advance(known, done, NAMES)
        result.append(told(changes))
    return result


def test_a_conflict_is_opened_once_and_closed_when_it_is_over() -> None:
    held, free = client_run("client0", held=["motd"]), client_run("client0")
    assert through(made_pass(held), made_pass(held), made_pass(free), made_pass(free)) == [
        [("opened", "conflict", ("client0",))], [], [("closed", "conflict", ("client0",))], [],
    ]  # fmt: skip


def test_one_cause_on_many_clients_is_one_incident_in_the_settings_order() -> None:
    runs = [client_run(name, held=["motd"]) for name in reversed(NAMES)]
    assert through(made_pass(*runs)) == [[("opened", "conflict", tuple(NAMES))]]


def test_another_path_or_another_upstream_commit_is_another_incident() -> None:
    first = made_pass(client_run("client0", held={"motd": "a" * 40, "issue": "a" * 40}))
    later = made_pass(client_run("client0", held={"motd": "b" * 40, "issue": "a" * 40}))
    assert through(first, later)[1] == [
        ("closed", "conflict", ("client0",)), ("opened", "conflict", ("client0",)),
    ]  # fmt: skip


def test_it_is_updated_when_other_clients_have_it() -> None:
    def both(*held: str):
        return made_pass(*(client_run(n, held=["motd"] if n in held else []) for n in NAMES[:2]))

    assert through(both("client0"), both("client0", "client1"), both("client1"), both()) == [
        [("opened", "conflict", ("client0",))],
        [("updated", "conflict", ("client0", "client1"))],
        [("updated", "conflict", ("client1",))],
        [("closed", "conflict", ("client1",))],
    ]


def test_a_pass_for_one_client_says_nothing_of_the_others() -> None:
    everywhere = made_pass(*(client_run(name, held=["motd"]) for name in NAMES))
    one = made_pass(client_run("client1"))
    assert through(everywhere, one)[1] == [
        ("updated", "conflict", ("client0", "client2", "client10"))
    ]


def test_an_error_that_differs_in_the_client_and_in_numbers_is_one_incident() -> None:
    known, changes = advance(
        {},
        made_pass(
            client_run("client1", error="/srv/etc-client1: no space left for 12 bytes"),
            client_run("client10", error="/srv/etc-client10: no space left for 7 bytes"),
        ),
        NAMES,
    )
    [incident] = known.values()
    assert told(changes) == [("opened", "error", ("client1", "client10"))]
    assert incident.message == "/srv/etc-CLIENT: no space left for 12 bytes"
    assert incident.hint == "Look at CLIENT."


def test_a_client_that_fails_keeps_its_other_incidents() -> None:
    held, failed = client_run("client0", held=["motd"]), client_run("client0", error="gone")
    assert through(made_pass(held), made_pass(failed), made_pass(client_run("client0"))) == [
        [("opened", "conflict", ("client0",))],
        [("opened", "error", ("client0",))],
        [("closed", "conflict", ("client0",)), ("closed", "error", ("client0",))],
    ]


def test_a_heal_is_over_when_the_client_is_next_left_as_it_is() -> None:
    healed = client_run("client0", healed=["pacman.conf"])
    assert through(made_pass(healed), made_pass(healed), made_pass(client_run("client0"))) == [
        [("opened", "heal", ("client0",))], [], [("closed", "heal", ("client0",))],
    ]  # fmt: skip


def test_clients_that_were_suspended_together_are_one_incident() -> None:
    runs = [client_run(name, suspended="new disk") for name in NAMES[:2]]
    known, _ = advance({}, made_pass(*runs), NAMES)
    [incident] = known.values()
    assert (incident.kind, incident.clients) == (IncidentKind.SUSPENSION, ("client0", "client1"))
    assert incident.message == "suspended since 2026-11-25T12:00:00Z by ada: new disk"


def test_a_pass_that_cannot_be_made_is_an_incident_of_no_client_and_judges_none() -> None:
    held = made_pass(client_run("client0", held=["motd"]))
    busy = failed_pass(HubError("process 12 has it"))
    still = failed_pass(HubError("process 13 has it"))
    assert through(held, busy, still, held)[1:] == [
        [("opened", "error", ())], [], [("closed", "error", ())],
    ]  # fmt: skip


def test_what_is_wrong_around_the_trees_is_one_incident_until_a_pass_finds_it_mended() -> None:
    well = client_run("client0")
    assert through(
        made_pass(well, server="exportfs failed: unknown keyword"),
        made_pass(client_run("client1"), server="it is not tried again"),
        failed_pass(HubError("broken")),
        made_pass(well),
    ) == [
        [("opened", "error", ())],
        [],
        [("opened", "error", ())],
        [("closed", "error", ()), ("closed", "error", ())],
    ]


def test_an_incident_of_the_server_keeps_the_words_of_the_first_refusal(tmp_path: Path) -> None:
    refused = made_pass(client_run("client0"), server="exportfs failed: unknown keyword")
    known, _ = advance({}, refused, NAMES)
    write_incidents(str(tmp_path / "incidents.json"), known)
    known = read_incidents(str(tmp_path / "incidents.json"))
    again = made_pass(client_run("client0"), server="it is not tried again")
    [incident] = advance(known, again, NAMES)[0].values()
    assert incident.message == "exportfs failed: unknown keyword"
    assert incident.server


def test_a_client_that_is_removed_takes_its_incidents_along() -> None:
    known, _ = advance({}, made_pass(client_run("client0", held=["motd"])), NAMES)
    assert told(advance(known, made_pass(client_run("client1")), NAMES[1:])[1]) == [
        ("closed", "conflict", ("client0",))
    ]


def test_the_id_depends_on_the_cause_alone() -> None:
    first, _ = advance({}, made_pass(client_run("client0", held=["motd"]), at=0), NAMES)
    later, _ = advance({}, made_pass(client_run("client2", held=["motd"]), at=90), NAMES)
    assert list(first) == list(later)
    assert next(iter(later.values())).opened == "2026-11-25T12:01:30Z"


def test_incidents_come_back_from_the_file_as_they_were_whatever_paths_are_called(
    tmp_path: Path,
) -> None:
    known, _ = advance({}, made_pass(client_run("client0", held=["a\udcff\n\u202e"])), NAMES)
    path = str(tmp_path / "incidents.json")
    write_incidents(path, known)
    assert read_incidents(path) == known
    assert os.stat(path).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"incidents": [{"id": "x"}]}', "\xff"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "incidents.json"
    path.write_text(text)
    with pytest.raises(StateError, match="is damaged"):
        read_incidents(str(path))


def test_the_keeper_opens_nothing_again_after_a_restart(tmp_path: Path) -> None:
    settings, news = settings_of(str(tmp_path), NAMES), []
    IncidentKeeper(settings, news.extend)(made_pass(client_run("client0", held=["motd"])))
    after = IncidentKeeper(settings, news.extend)
    after(made_pass(client_run("client0", held=["motd"])))
    after(made_pass(client_run("client0")))
    assert [what for what, _ in news] == [What.OPENED, What.CLOSED]
    assert read_incidents(settings.incidents_path) == {}


def test_the_keeper_writes_only_when_something_has_changed(tmp_path: Path) -> None:
    settings = settings_of(str(tmp_path), NAMES)
    keeper = IncidentKeeper(settings, lambda _changes: None)
    keeper(made_pass(client_run("client0")))
    assert not os.path.exists(settings.incidents_path)
    keeper(made_pass(client_run("client0", held=["motd"])))
    before = os.stat(settings.incidents_path)
    keeper(made_pass(client_run("client0", held=["motd"])))
    assert os.stat(settings.incidents_path) == before


def test_the_keeper_goes_on_where_it_cannot_write_and_writes_when_it_can(tmp_path: Path) -> None:
    settings, news = settings_of(str(tmp_path / "away"), NAMES), []
    keeper = IncidentKeeper(settings, news.extend)
    keeper(made_pass(client_run("client0", held=["motd"])))
    (tmp_path / "away").mkdir()
    keeper(made_pass(client_run("client0", held=["motd"])))
    assert len(news) == 1
    assert read_incidents(settings.incidents_path) == keeper.incidents
