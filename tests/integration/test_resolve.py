"""Deciding what is held: on one client, everywhere, by hand; and taking the decision back."""

from pathlib import Path
from typing import Any

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, fingerprint, git, sample_cluster

MINE = "Welcome.\nThis is mine, hands off.\nAsk the desk for help.\n"
NEWS = "Welcome.\nThis machine has no disk.\nAsk the desk for help.\n"


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """Three clients, of which client0 and client1 hold the same change of motd."""
    cluster = sample_cluster(tmp_path, clients=3)
    for number in (0, 1):
        (cluster.tree(number) / "motd").write_text(MINE)
    cluster.write("motd", NEWS)
    cluster.sync(status=1)
    return cluster


def held_id(cluster: Cluster, number: int = 0) -> str:
    (conflict,) = cluster.status()[f"client{number}"]["conflicts"]
    return str(conflict["id"])


def resolve(cluster: Cluster, *arguments: str, status: int = 0) -> Any:
    return cluster.run("resolve", held_id(cluster), *arguments, "--json", status=status).json


def motd(cluster: Cluster, number: int = 0) -> str:
    return (cluster.tree(number) / "motd").read_text()


def states(cluster: Cluster) -> list[str]:
    return [client["state"] for client in cluster.status().values()]


def test_upstreams_version_is_taken_on_this_client_alone(cluster: Cluster) -> None:
    done = resolve(cluster, "--upstream")
    assert [(c["name"], c["still_held"], c["error"]) for c in done["clients"]] == [
        ("client0", None, None)
    ]
    assert (motd(cluster, 0), motd(cluster, 1)) == (NEWS, MINE)
    assert states(cluster) == ["synced", "conflicted", "synced"]


def test_the_clients_version_is_kept_as_drift_and_the_change_is_not_offered_again(
    cluster: Cluster,
) -> None:
    resolve(cluster, "--client")
    assert motd(cluster) == MINE
    assert states(cluster) == ["drifted", "conflicted", "synced"]
    cluster.sync(status=1)
    assert states(cluster) == ["drifted", "conflicted", "synced"]
    cluster.write("motd", NEWS + "Bring your own disk.\n")
    cluster.sync(status=1)
    assert "Bring your own disk." in motd(cluster), "a later change still comes in"
    assert "hands off" in motd(cluster)


def test_the_lines_of_both_sides_are_united(cluster: Cluster) -> None:
    resolve(cluster, "--union")
    assert "hands off" in motd(cluster)
    assert "has no disk" in motd(cluster)
    assert states(cluster)[0] == "drifted"


def test_a_file_given_by_hand_is_taken_with_the_mode_that_both_sides_agree_on(
    cluster: Cluster, tmp_path: Path
) -> None:
    given = tmp_path / "merged"
    given.write_bytes(b"by hand\n\xff\n")
    given.chmod(0o600)
    resolve(cluster, "--file", str(given))
    place = cluster.tree(0) / "motd"
    assert place.read_bytes() == b"by hand\n\xff\n"
    assert place.stat().st_mode & 0o7777 == 0o644


def test_everywhere_means_all_that_hold_the_same_and_nobody_else(cluster: Cluster) -> None:
    (cluster.tree(2) / "motd").write_text("another text\n")
    cluster.write("motd", NEWS.replace("no disk", "no disk at all"))
    cluster.sync(status=1)
    assert states(cluster) == ["conflicted"] * 3
    done = resolve(cluster, "--upstream", "--everywhere")
    assert {client["name"] for client in done["clients"]} == {"client0", "client1"}
    assert states(cluster) == ["synced", "synced", "conflicted"]
    assert motd(cluster, 2) == "another text\n"


def test_what_was_decided_on_one_client_can_still_be_decided_everywhere(cluster: Cluster) -> None:
    """As it must be, when a call was killed between two clients."""
    conflict = held_id(cluster)
    cluster.run("resolve", conflict, "--upstream")
    (cluster.tree(2) / "motd").write_text("another text\n")
    cluster.write("motd", NEWS + "more\n")
    cluster.sync("client2", status=1)
    done = cluster.run("resolve", conflict, "--upstream", "--everywhere", "--json").json
    assert [client["name"] for client in done["clients"]] == ["client1"]
    assert (motd(cluster, 1), motd(cluster, 2)) == (NEWS, "another text\n")
    before = fingerprint(cluster.tree(2), cluster.state / "hub.git")
    gone = cluster.run("resolve", conflict, "--upstream", "--everywhere", status=2)
    assert "nothing that is held has the id" in gone.err
    assert fingerprint(cluster.tree(2), cluster.state / "hub.git") == before


def test_what_one_client_has_changed_meanwhile_is_decided_on_the_others(cluster: Cluster) -> None:
    conflict = held_id(cluster)
    (cluster.tree(0) / "motd").write_text("changed again\n")
    cluster.run("resolve", conflict, "--upstream", "--everywhere", status=1)
    assert (motd(cluster, 0), motd(cluster, 1)) == ("changed again\n", NEWS)


def test_a_decision_is_in_history_and_restore_takes_it_back(cluster: Cluster) -> None:
    resolve(cluster, "--upstream", "--everywhere")
    entries = cluster.run("log", "client1", "motd", "--json").json["entries"]
    assert [entry["cause"] for entry in entries] == ["resolve", "capture"]
    (change,) = entries[0]["changes"]
    assert (change["cause"], change["note"]) == ("resolve", "upstream's version")
    cluster.run("restore", "client1", entries[1]["commit"], "motd")
    assert (motd(cluster, 0), motd(cluster, 1)) == (NEWS, MINE)
    assert states(cluster) == ["synced", "drifted", "synced"]


def test_keeping_the_clients_version_is_recorded_though_nothing_is_written(
    cluster: Cluster,
) -> None:
    resolve(cluster, "--client")
    newest = cluster.run("log", "client0", "--json").json["entries"][0]
    assert newest["cause"] == "resolve"
    (change,) = newest["changes"]
    assert (change["path"], change["change"], change["note"]) == (
        "motd", None, "the client's version",
    )  # fmt: skip


def test_no_new_commit_of_upstream_comes_along(cluster: Cluster) -> None:
    cluster.write("vconsole.conf", "KEYMAP=dvorak\n")
    resolve(cluster, "--upstream")
    assert motd(cluster) == NEWS
    assert "dvorak" not in (cluster.tree(0) / "vconsole.conf").read_text()
    assert cluster.status()["client0"]["behind"] == 1


def test_a_conflict_that_is_no_more_is_not_decided(cluster: Cluster) -> None:
    conflict = held_id(cluster)
    (cluster.tree(0) / "motd").write_text("changed again\n")
    answer = cluster.run("resolve", conflict, "--upstream", status=1)
    assert "another conflict now" in answer.out
    assert motd(cluster) == "changed again\n"
    assert "etcsync conflicts" in cluster.run("resolve", "0" * 8, "--client", status=2).err


@pytest.mark.parametrize("flags", [(), ("--upstream", "--client"), ("--union", "--file", "-")])
def test_exactly_one_way_must_be_given(cluster: Cluster, flags: tuple[str, ...]) -> None:
    before = fingerprint(cluster.place)
    assert "takes one of" in cluster.run("resolve", held_id(cluster), *flags, status=2).err
    assert fingerprint(cluster.place) == before


def editor(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = cluster.place / "editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setitem(CLEAN_ENVIRONMENT, "EDITOR", str(program))


def test_an_editor_gets_all_three_versions_and_what_it_leaves_is_taken(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(cluster, monkeypatch, 'cp "$1" "$0.seen"; printf "settled\\n" >"$1"')
    resolve(cluster, "--edit")
    assert motd(cluster) == "settled\n"
    assert (cluster.place / "editor.seen").read_text() == (
        "Welcome.\n"
        "<<<<<<< client\nThis is mine, hands off.\n"
        "||||||| base\nThis machine boots from the network.\n"
        "=======\nThis machine has no disk.\n>>>>>>> upstream\n"
        "Ask the desk for help.\n"
    )


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 0", "nothing was edited"),
        ('echo more >>"$1"', "line 2 of the edited text still is a conflict marker"),
        ("exit 3", "Editing failed"),
    ],
)
def test_an_edit_that_is_not_finished_decides_nothing(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    editor(cluster, monkeypatch, script)
    conflict = held_id(cluster)
    before = fingerprint(cluster.tree(0), cluster.state)
    answer = cluster.run("resolve", conflict, "--edit", status=None)
    assert answer.status != 0
    assert said in answer.err
    assert fingerprint(cluster.tree(0), cluster.state) == before


def test_a_file_against_a_deletion_is_decided_by_side_but_has_no_lines_to_unite(
    tmp_path: Path,
) -> None:
    cluster = sample_cluster(tmp_path, clients=2)
    for number in (0, 1):
        (cluster.tree(number) / "motd").write_text(MINE)
    (cluster.etc / "motd").unlink()
    cluster.commit()
    cluster.sync(status=1)
    assert "no file" in cluster.run("resolve", held_id(cluster), "--union", status=2).err
    resolve(cluster, "--upstream")
    assert not (cluster.tree(0) / "motd").exists()
    cluster.run("resolve", held_id(cluster, 1), "--client")
    assert motd(cluster, 1) == MINE
    assert states(cluster) == ["synced", "drifted"]


def test_what_policy_wants_reviewed_is_approved_the_same_way(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path, clients=2)
    cluster.rules.write_text('[[rule]]\npaths = ["/motd"]\nstrategy = "review"\n')
    cluster.write("motd", NEWS)
    cluster.sync(status=1)
    assert motd(cluster, 1) != NEWS
    done = resolve(cluster, "--upstream", "--everywhere")
    assert len(done["clients"]) == 2
    assert [motd(cluster, number) for number in (0, 1)] == [NEWS, NEWS]
    assert states(cluster) == ["synced", "synced"]


def test_account_files_that_are_held_together_are_decided_together(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path, clients=2)

    def add_user(etc: Path, name: str) -> None:
        for path, line in {
            "passwd": f"{name}:x:1700:1700::/:/bin/sh\n",
            "group": f"{name}:x:1700:\n",
            "shadow": f"{name}:!:19000::::::\n",
        }.items():
            with (etc / path).open("a") as stream:
                stream.write(line)

    add_user(cluster.tree(0), "mine")
    add_user(cluster.etc, "theirs")
    cluster.commit()
    cluster.sync(status=1)
    conflicts = {c["path"]: c["id"] for c in cluster.status()["client0"]["conflicts"]}
    assert {"passwd", "group", "shadow"} <= conflicts.keys()
    cluster.run("resolve", conflicts["group"], "--upstream")
    assert cluster.status()["client0"]["conflicts"] == []
    for path in ("passwd", "group", "shadow"):
        assert (cluster.tree(0) / path).read_bytes() == (cluster.etc / path).read_bytes()


def test_fifty_clients_are_decided_at_once_and_one_is_brought_back(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path, clients=50)
    for number in range(50):
        (cluster.tree(number) / "motd").write_text(MINE)
    cluster.write("motd", NEWS)
    cluster.sync(status=1)
    done = resolve(cluster, "--upstream", "--everywhere")
    assert len(done["clients"]) == 50
    assert set(states(cluster)) == {"synced"}
    cluster.run("restore", "client7", "HEAD~1", "motd")
    assert motd(cluster, 7) == MINE
    assert sorted(states(cluster)) == ["drifted"] + ["synced"] * 49
    assert git(cluster.tree(8), "log", "-1", "--format=%s").startswith("Resolve client8")
