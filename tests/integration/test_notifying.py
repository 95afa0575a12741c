"""Who is told of incidents, with real programs."""

import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pass_support import captured_logs, client_run, made_pass, settings_of

from etcsync.daemon import notifying, notifying_ways
from etcsync.daemon.incidents import Change, Incident, What
from etcsync.daemon.notifying import Notifier
from etcsync.daemon.notifying_ways import Teller
from etcsync.daemon.observing import Observing
from etcsync.errors import SettingsError
from etcsync.setting_types import IncidentKind

NASTY = "a\n$(touch /tmp/x)\x1b[31m\udcff'\""


def opened(key: str = "i1", kind: IncidentKind = IncidentKind.CONFLICT) -> Change:
    times = ("2026-11-25T12:00:00Z", "2026-11-25T12:00:00Z")
    return Change(
        What.OPENED, Incident(key, kind, f"{NASTY} is held", None, NASTY, ("client0",), *times)
    )


def closed(key: str = "i1") -> Change:
    return Change(What.CLOSED, opened(key).incident)


def eventually(condition: Callable[[], object], seconds: float = 15) -> None:
    """Wait until ``condition`` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class Program:
    """A command of the administrator's, and the daemon's part that runs it."""

    def __init__(
        self, place: Path, script: str, extra: str = "", limit: float = 10, quiet: str = "0s"
    ) -> None:
        self.place, self.results = place, []
        path = place / "tell"
        path.write_text(f"#!/bin/sh\nPLACE={place}\n{script}\n")
        path.chmod(0o755)
        keys = f'[notify]\nquiet = "{quiet}"\ncommand = ["{path}", "--urgent"]\n{extra}'
        self.settings = settings_of(str(place), extra=keys)
        self.notifier = Notifier(
            self.settings,
            count=self.results.append,
            pauses=(0.05, 0.05),
            teller=Teller(limit),
        )
        self.notifier.start()

    def told(self) -> list[dict]:
        return [json.loads(path.read_bytes()) for path in sorted(self.place.glob("news.*"))]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    programs = []

    def start(script: str, **options) -> Program:
        programs.append(Program(tmp_path, script, **options))
        return programs[-1]

    yield start
    for each in programs:
        each.notifier.stop()


SAVE = 'cat > "$PLACE/.n.$$" && mv "$PLACE/.n.$$" "$PLACE/news.$(date +%s%N)"'


def test_the_command_gets_the_news_on_standard_input(run) -> None:
    program = run(SAVE)
    program.notifier.tell([opened()])
    eventually(program.told)
    [news] = program.told()
    assert news["subject"] == "1 conflict opened"
    [change] = news["changes"]
    assert change["change"] == "opened"
    assert (change["incident"]["kind"], change["incident"]["path"]) == ("conflict", NASTY)
    eventually(lambda: program.results == ["sent"])


def test_nothing_untrusted_is_in_its_arguments_or_its_environment(run, tmp_path: Path) -> None:
    program = run('tr "\\0" "\\n" < /proc/$$/cmdline > "$PLACE/arguments"; env > "$PLACE/all"')
    program.notifier.tell([opened(), opened("i2", IncidentKind.ERROR), closed("i3")])
    eventually(lambda: program.results)
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments == ["/bin/sh", str(tmp_path / "tell"), "--urgent"]
    environment = dict(line.split("=", 1) for line in (tmp_path / "all").read_text().splitlines())
    assert {name: value for name, value in environment.items() if name.startswith("ETC")} == {
        "ETCSYNC_CONFIG": str(tmp_path / "etcsync.toml"),
        "ETCSYNC_SUBJECT": "1 conflict and 1 error opened, 1 conflict closed",
        "ETCSYNC_OPENED": "2",
        "ETCSYNC_UPDATED": "0",
        "ETCSYNC_CLOSED": "1",
    }
    assert "NOTIFY_SOCKET" not in environment


def test_a_burst_makes_one_message(run) -> None:
    program = run(SAVE, quiet="500ms")
    for number in range(5):
        program.notifier.tell([opened(f"i{number}")])
        time.sleep(0.02)
    eventually(program.told)
    assert [len(news["changes"]) for news in program.told()] == [5]


def test_only_what_is_wanted_is_told(run) -> None:
    program = run(SAVE, extra='on = ["error"]')
    program.notifier.tell([opened()])
    program.notifier.tell([opened("i2", IncidentKind.ERROR)])
    eventually(program.told)
    assert [e["incident"]["id"] for news in program.told() for e in news["changes"]] == ["i2"]


def test_a_command_that_fails_is_tried_again(run, tmp_path: Path) -> None:
    program = run(
        f'echo x >> "$PLACE/tries"; [ $(wc -l < "$PLACE/tries") -ge 3 ] || exit 7; {SAVE}'
    )
    program.notifier.tell([opened()])
    eventually(program.told)
    eventually(lambda: program.results == ["sent"])
    assert len((tmp_path / "tries").read_text().split()) == 3


def test_one_that_fails_for_good_is_given_up_and_the_next_news_is_told(run, tmp_path: Path) -> None:
    program = run(f'[ -e "$PLACE/well" ] || exit 7; {SAVE}')
    with captured_logs() as logs:
        program.notifier.tell([opened()])
        eventually(lambda: program.results == ["failed"])
    assert [each["why"] for each in logs if each["event"] == "cannot tell"] == [
        "it ended with status 7"
    ] * 3
    (tmp_path / "well").touch()
    program.notifier.tell([opened("i2")])
    eventually(program.told)
    assert program.told()[0]["changes"][0]["incident"]["id"] == "i2"


def test_one_that_hangs_is_killed_with_its_children_and_nobody_waits_for_it(run, tmp_path) -> None:
    program = run('sleep 1000 & echo $! > "$PLACE/child"; wait', limit=0.5)
    began = time.monotonic()
    with captured_logs() as logs:
        program.notifier.tell([opened()])
        assert time.monotonic() - began < 0.2
        eventually(lambda: program.results == ["failed"])
    assert "did not end within 0.5 seconds" in logs[0]["why"]
    child = int((tmp_path / "child").read_text())
    eventually(lambda: not os.path.exists(f"/proc/{child}") or "Z" in state(child))


def state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def test_of_a_huge_output_the_beginning_is_logged(run) -> None:
    program = run("cat > /dev/null; head -c 50000000 /dev/zero | tr '\\0' x")
    with captured_logs() as logs:
        program.notifier.tell([opened()])
        eventually(lambda: program.results == ["sent"], 60)
    assert logs[0]["output"] == "x" * notifying_ways.OUTPUT_SHOWN


def test_one_that_does_not_read_hinders_nothing(run) -> None:
    program = run("exit 0")
    program.notifier.tell([opened(f"i{number}") for number in range(notifying.LIMIT)])
    eventually(lambda: program.results == ["sent"])


def test_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    results: list[str] = []
    settings = settings_of(str(tmp_path), extra='[notify]\nquiet = 0\ncommand = ["/no/such"]')
    notifier = Notifier(settings, count=results.append, pauses=())
    notifier.start()
    with captured_logs() as logs:
        notifier.tell([opened()])
        eventually(lambda: results == ["failed"])
    notifier.stop()
    assert logs[0]["why"] == "/no/such cannot be run: No such file or directory"


def test_news_that_cannot_be_told_does_not_pile_up(run, tmp_path: Path) -> None:
    program = run(f'while [ ! -e "$PLACE/go" ]; do sleep 0.05; done; {SAVE}')
    program.notifier.tell([opened("first")])
    eventually(lambda: not program.notifier._news)
    program.notifier.tell([opened(f"i{number}") for number in range(notifying.LIMIT + 7)])
    program.notifier.tell([opened("i0"), closed("i1")])
    (tmp_path / "go").touch()
    eventually(lambda: len(program.told()) == 2)
    news = program.told()[1]
    assert (len(news["changes"]), news["left_out"]) == (notifying.LIMIT - 1, 7)


def test_what_is_left_is_told_when_the_daemon_ends(run) -> None:
    program = run(SAVE, quiet="1h")
    program.notifier.tell([opened()])
    program.notifier.stop()
    assert len(program.told()) == 1


def test_a_command_that_hangs_does_not_keep_the_daemon_from_ending(
    run, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(notifying, "GRACE", 0.5)
    program = run('echo $$ > "$PLACE/child"; sleep 1000', limit=100)
    program.notifier.tell([opened()])
    eventually((tmp_path / "child").exists)
    began = time.monotonic()
    program.notifier.stop()
    assert time.monotonic() - began < 3
    eventually(lambda: state(int((tmp_path / "child").read_text())) == "Z")


def test_a_pass_is_told_from_end_to_end(run, tmp_path: Path) -> None:
    program = run(SAVE)
    observing = Observing(program.settings, lambda: True)
    observing.start()
    for observer in observing.observers:
        observer(made_pass(client_run("client0", held=["motd"])))
    eventually(program.told)
    observing.stop()
    assert program.told()[0]["changes"][0]["incident"]["message"] == (
        "upstream's change of motd is held: content"
    )
    assert stat.S_IMODE((tmp_path / "incidents.json").stat().st_mode) == 0o600


class Service(HTTPServer):
    """A service that apprise tells by its ``json://`` plugin."""

    def __init__(self) -> None:
        self.messages: list[dict] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), ServiceHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class ServiceHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


def test_a_service_is_told_through_apprise_and_its_url_appears_nowhere(tmp_path: Path) -> None:
    service, results = Service(), []
    url = f"json://me:passw0rd@127.0.0.1:{service.server_port}/"
    settings = settings_of(
        str(tmp_path), extra=f'[notify]\nquiet = 0\nurls = ["{url}", "x://passw0rd"]'
    )
    notifier = Notifier(settings, count=results.append, pauses=())
    notifier.start()
    with captured_logs() as logs:
        notifier.tell([opened()])
        eventually(lambda: len(results) == 2, 60)
        service.status = 500
        notifier.tell([closed()])
        eventually(lambda: len(results) == 4, 60)
    notifier.stop()
    service.shutdown()
    service.server_close()
    assert results == ["sent", "failed", "failed", "failed"]
    assert service.messages[0]["title"].endswith(": 1 conflict opened")
    assert service.messages[0]["message"].splitlines()[0] == (
        "opened: conflict: a\\n$(touch /tmp/x)\\x1b[31m\\xff'\" is held [client0]"
    )
    assert "passw0rd" not in str(logs)
    assert "apprise does not understand the URL" in str(logs)


def test_urls_without_apprise_are_refused_with_what_to_install(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(notifying_ways, "find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match="urls need apprise") as refused:
        Notifier(settings_of(str(tmp_path), extra='[notify]\nurls = ["x://y"]'))
    assert "etcsync[notify]" in (refused.value.hint or "")
