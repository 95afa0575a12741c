"""Accepting drift: what is meant is local, and upstream's later changes still merge in."""

import os
from pathlib import Path

import pytest
from cluster import Cluster, sample_cluster

from etcsync.config import load_settings

HOSTILE = ("a*b", "[x]", "!not", "#hash", "two words", "back\\slash", "end ", "-dash", "ä\nb")


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=2)


def rules(cluster: Cluster) -> Path:
    return cluster.settings.parent / "accepted.toml"


def paths(differences: list[dict[str, str]]) -> list[str]:
    return [each["path"] for each in differences]


def test_what_is_accepted_is_local_and_upstreams_changes_still_merge_in(cluster: Cluster) -> None:
    motd = cluster.tree(0) / "motd"
    motd.write_text(motd.read_text() + "\n\nclient0's own line\n")
    cluster.settings.write_text(cluster.settings.read_text().replace("[policy]", "[policy] # ours"))
    answer = cluster.run("accept", "client0", "motd", "-m", "its own greeting", "--json").json
    assert answer == {
        "schema": 1,
        "client": "client0",
        "accepted": ["motd"],
        "clients": ["client0"],
        "reason": "its own greeting",
        "file": str(rules(cluster)),
    }
    assert "[policy] # ours" in cluster.settings.read_text()
    files = load_settings(str(cluster.settings)).policy.files
    assert files == (str(cluster.rules), str(rules(cluster)))
    client = cluster.status()["client0"]
    assert (client["state"], client["drift"], paths(client["local"])[-1]) == ("synced", [], "motd")
    explained = cluster.run("policy", "explain", "client0", "motd", "--json").json["treatment"]
    assert (explained["expected"], explained["reason"]) == (True, "its own greeting")
    assert (explained["strategy"], explained["promote"]) == ("merge", "yes")

    cluster.write("motd", "First, upstream's news.\n" + (cluster.etc / "motd").read_text())
    cluster.sync()
    assert motd.read_text().startswith("First, upstream's news.\n")
    assert motd.read_text().endswith("client0's own line\n")
    assert cluster.status()["client0"]["state"] == "synced"


def test_every_name_can_be_accepted_that_a_rule_file_can_hold(cluster: Cluster) -> None:
    for name in (*HOSTILE, "axb", "end", "slash"):
        (cluster.tree(0) / name).write_text("mine\n")
    given = [f"./{name}" for name in HOSTILE]
    said = cluster.run("accept", "client0", "--", *given).out
    assert "accepted a*b on client0" in said
    assert "\nb" not in said
    assert paths(cluster.status()["client0"]["drift"]) == ["axb", "end", "slash"]
    today = rules(cluster).read_text().count('reason = "accepted on 20')
    assert today == len(HOSTILE)


def test_a_name_that_is_no_text_is_refused_and_nothing_is_written(cluster: Cluster) -> None:
    (cluster.tree(0) / "good").write_text("mine\n")
    (cluster.tree(0) / "b\udcffd").write_text("mine\n")
    before = cluster.settings.read_text()
    answer = cluster.run("accept", "client0", "good", "b\udcffd", status=2)
    assert r"b\xffd: its name is not UTF-8 text" in answer.err
    assert not rules(cluster).exists()
    assert cluster.settings.read_text() == before


def test_a_rule_is_shared_by_clients_and_never_there_twice(cluster: Cluster) -> None:
    for number in (0, 1):
        (cluster.tree(number) / "motd").write_text("alike\n")
    rules(cluster).write_text("# by hand\n\n[[rule]]\npaths = ['/x'] # x\n# the end\n")
    for name in ("client0", "client1"):
        cluster.run("accept", name, "motd", "-m", "both greet alike")
    text = rules(cluster).read_text()
    assert text.startswith("# by hand\n\n[[rule]]\npaths = ['/x'] # x\n# the end\n")
    assert text.count("[[rule]]") == 2
    assert 'clients = ["client0", "client1"]' in text
    refused = cluster.run("accept", "client0", "motd", "-m", "both greet alike", status=2)
    assert "motd is local already: both greet alike" in refused.err
    assert rules(cluster).read_text() == text


def test_a_label_stands_for_all_clients_that_have_it(tmp_path: Path) -> None:
    extra = "".join(
        f'[[clients]]\nname = "client{n}"\nlabels = [{labels}]\n'
        for n, labels in enumerate(('"kiosk"', '"kiosk"', ""))
    )
    cluster = sample_cluster(tmp_path, clients=3, extra=extra)
    for number in range(3):
        (cluster.tree(number) / "motd").write_text("alike\n")
    answer = cluster.run("accept", "client2", "motd", "--label", "kiosk", status=2)
    assert "client2 does not have the label 'kiosk'" in answer.err
    cluster.run("accept", "client0", "motd", "--label", "kiosk")
    states = {name: client["state"] for name, client in cluster.status().items()}
    assert states == {"client0": "synced", "client1": "synced", "client2": "drifted"}


def test_what_is_no_drift_is_refused_with_the_reason(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    for name in ("motd", "pacman.conf", "hostname"):
        (tree / name).write_text("mine\n")
    (tree / "own").mkdir()
    (tree / "sysctl.d/mine.conf").write_text("mine\n")
    cluster.write("motd", "theirs\n")
    cluster.sync(status=1)
    (tree / "pacman.conf").write_text("mine again\n")
    for path, reason in {
        "hosts": "hosts has not drifted: there is nothing to accept",
        "nowhere": "nowhere has not drifted",
        "motd": "motd is held: see `etcsync conflicts show",
        "hostname": "hostname is local already",
        "pacman.conf": "pacman.conf has the strategy upstream",
        "sysctl.d": "sysctl.d has not drifted itself; name what has: sysctl.d/mine.conf",
        "passwd-": "passwd- is ignored",
    }.items():
        answer = cluster.run("accept", "client0", "own", path, status=2)
        assert reason in answer.err
    assert not rules(cluster).exists()
    cluster.run("accept", "client9", "own", status=2)


def test_of_a_directory_that_upstream_has_only_its_own_mode_is_meant(cluster: Cluster) -> None:
    directory = cluster.tree(0) / "sysctl.d"
    directory.chmod(0o700)
    cluster.run("accept", "client0", "sysctl.d/")
    (directory / "new.conf").write_text("mine\n")
    assert paths(cluster.status()["client0"]["drift"]) == ["sysctl.d/new.conf"]


def test_a_directory_of_the_clients_own_is_meant_with_all_in_it(cluster: Cluster) -> None:
    os.makedirs(cluster.tree(0) / "own/deep")
    (cluster.tree(0) / "own/deep/x").write_text("mine\n")
    cluster.run("accept", "client0", "own")
    (cluster.tree(0) / "own/y").write_text("mine\n")
    assert cluster.status()["client0"]["drift"] == []


def test_a_rule_that_would_not_have_the_last_word_is_refused(cluster: Cluster) -> None:
    later = cluster.place / "later.toml"
    later.write_text('[[rule]]\npaths = ["motd"]\nexpected = false\n')
    rules(cluster).write_text("# mine\n")
    text = cluster.settings.read_text()
    cluster.settings.write_text(
        text.replace("files = [", f'files = ["{rules(cluster)}", "{later}", ')
    )
    (cluster.tree(0) / "motd").write_text("mine\n")
    answer = cluster.run("accept", "client0", "motd", status=2)
    assert f"motd: {later}, line 1, has the last word on it" in answer.err
    assert rules(cluster).read_text() == "# mine\n"


def test_a_broken_rule_file_is_not_touched(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("mine\n")
    before = cluster.settings.read_text()
    for broken in ("[[rule]\n", '[[rule]]\npath = ["x"]\n', "\udcff"):
        rules(cluster).write_text(broken, errors="surrogateescape")
        answer = cluster.run("accept", "client0", "motd", status=2)
        assert "accepted.toml" in answer.err
        assert rules(cluster).read_text(errors="surrogateescape") == broken
    assert cluster.settings.read_text() == before


def test_status_names_the_exits_of_drift_once_for_each_client(cluster: Cluster) -> None:
    for name in ("a b", "motd", "pacman.conf"):
        (cluster.tree(0) / name).write_text("mine\n")
    (cluster.tree(1) / "pacman.conf").write_text("mine\n")
    said = cluster.run("status").out
    exits = [f"etcsync {word} client0 'a b'" for word in ("promote", "accept", "discard")]
    assert f"  → {' · '.join(exits)}\n" in said
    assert said.count("etcsync promote") == 1
