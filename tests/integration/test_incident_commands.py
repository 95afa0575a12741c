"""`etcsync incidents` and `etcsync notify test`."""

import json
from pathlib import Path

import pytest
from cluster import Cluster
from pass_support import client_run, made_pass

from etcsync.daemon.incidents import advance
from etcsync.daemon.incidents_file import write_incidents


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    one = Cluster(tmp_path)
    one.state.mkdir()
    one.write_settings()
    return one


def test_open_incidents_are_listed_and_nothing_in_them_steers_the_terminal(
    cluster: Cluster,
) -> None:
    runs = [client_run(f"client{i}", held=["a\x1b[2J\udcff"]) for i in range(3)]
    known, _ = advance({}, made_pass(*runs), [run.name for run in runs])
    write_incidents(str(cluster.state / "incidents.json"), known)
    answer = cluster.run("incidents", status=1)
    assert "client0 client1 client2" in answer.out
    assert "upstream's change of a\\x1b[2J\\xff is held: content" in answer.out
    [incident] = cluster.run("incidents", "--json", status=1).json["incidents"]
    assert (incident["kind"], incident["path"]) == ("conflict", "a\x1b[2J\udcff")


def test_where_none_is_open_it_says_so(cluster: Cluster) -> None:
    assert cluster.run("incidents").out == "no incident is open\n"
    assert cluster.run("incidents", "--json").json == {"schema": 1, "incidents": []}


def test_a_damaged_file_is_an_error_with_its_remedy(cluster: Cluster) -> None:
    (cluster.state / "incidents.json").write_text("{")
    assert "hint: Remove it" in cluster.run("incidents", status=3).err


def test_a_trial_message_reaches_the_command(cluster: Cluster) -> None:
    command = ["/bin/sh", "-c", f"cat > {cluster.place}/news; echo got $ETCSYNC_SUBJECT"]
    cluster.write_settings(f"[notify]\ncommand = {json.dumps(command)}\n")
    answer = cluster.run("notify", "test")
    assert answer.out == "notify.command: told\n  got 1 error opened\n"
    news = json.loads((cluster.place / "news").read_bytes())
    assert news["changes"][0]["incident"]["message"] == "this is a trial: nothing is wrong"


def test_a_way_that_fails_is_named_without_its_url(cluster: Cluster) -> None:
    cluster.write_settings('[notify]\ncommand = ["/no/such"]\nurls = ["nonsense://passw0rd"]\n')
    answer = cluster.run("notify", "test", status=3)
    assert "notify.command: /no/such cannot be run: No such file or directory" in answer.out
    assert "notify.urls[0]: it ended with status 1" in answer.out
    assert "passw0rd" not in answer.out + answer.err
    ways = cluster.run("notify", "test", "--json", status=3).json["ways"]
    assert [way["way"] for way in ways] == ["notify.command", "notify.urls[0]"]


def test_where_nobody_is_to_be_told_it_says_what_to_set(cluster: Cluster) -> None:
    assert "[notify]" in cluster.run("notify", "test", status=2).err
