"""Incidents over any course of passes."""

import json
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from pass_support import client_run, failed_pass, made_pass

from etcsync.daemon.incidents import Incident, What, advance
from etcsync.daemon.incidents_file import incident_document
from etcsync.daemon.notifying_message import joined
from etcsync.errors import HubError
from etcsync.setting_types import IncidentKind

NAMES = ["a", "b", "c"]
PATHS = st.lists(st.sampled_from(["motd", "issue"]), unique=True)


@st.composite
def passes(draw: st.DrawFn):
    if draw(st.integers(0, 5)) == 0:
        return failed_pass(HubError(draw(st.sampled_from(["broken", "full"]))))
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    return made_pass(
        *(
            client_run(
                name,
                held=draw(PATHS),
                healed=draw(PATHS),
                error=draw(st.sampled_from([None, None, f"{name} is gone"])),
                suspended=draw(st.sampled_from([None, "why"])),
            )
            for name in names
        )
    )


COURSES = st.lists(passes(), max_size=12)


@settings(max_examples=200, deadline=None)
@given(COURSES)
def test_every_incident_is_opened_before_and_closed_at_most_once_after(course) -> None:
    known, running = {}, {}
    for done in course:
        known, changes = advance(known, done, NAMES)
        assert len({each.incident.id for each in changes}) == len(changes)
        for what, incident in changes:
            assert (incident.id in running) == (what is not What.OPENED)
            if what is What.CLOSED:
                del running[incident.id]
            else:
                running[incident.id] = incident
        assert running == known


@settings(max_examples=200, deadline=None)
@given(COURSES)
def test_what_is_open_is_what_was_last_said_of_each_client(course) -> None:
    known, held = {}, {}
    for done in course:
        known, _ = advance(known, done, NAMES)
        for run in done.run.clients if done.run else ():
            if not run.error:
                held[run.name] = {each.path for each in run.conflicts}
    conflicts = [each for each in known.values() if each.kind is IncidentKind.CONFLICT]
    assert len({each.path for each in conflicts}) == len(conflicts)
    for path in ("motd", "issue"):
        clients = tuple(name for name in NAMES if path in held.get(name, ()))
        assert [each.clients for each in conflicts if each.path == path] == [clients] * bool(
            clients
        )


@settings(max_examples=100, deadline=None)
@given(COURSES, st.integers(0, 12))
def test_a_restart_changes_nothing(course, at) -> None:
    known, restarted = {}, {}
    for number, done in enumerate(course):
        if number == at:
            documents = json.loads(json.dumps([incident_document(e) for e in restarted.values()]))
            fields = ({**d, "kind": IncidentKind(d["kind"])} for d in documents)
            read = [Incident(**{**f, "clients": tuple(f["clients"])}) for f in fields]
            restarted = {each.id: each for each in read}
        known, changes = advance(known, done, NAMES)
        restarted, after = advance(restarted, done, NAMES)
        assert (after, restarted) == (changes, known)


@settings(max_examples=200, deadline=None)
@given(COURSES, st.sets(st.integers(0, 12)))
def test_whenever_news_is_told_the_listener_knows_what_is_open(course, moments) -> None:
    known, news, heard, closed = {}, {}, {}, Counter()
    for number, done in enumerate([*course, made_pass(*map(client_run, NAMES))]):
        known, changes = advance(known, done, NAMES)
        news = joined(news, changes)
        if number in moments or number == len(course):
            for what, incident in news.values():
                assert (incident.id in heard) == (what is not What.OPENED)
                closed[incident.id] += what is What.CLOSED
                heard[incident.id] = incident
                if what is What.CLOSED:
                    del heard[incident.id]
            news = {}
            assert heard == known
