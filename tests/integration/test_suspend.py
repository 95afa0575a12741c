"""Suspending a client: nothing is written to its tree, and nothing is lost when it is resumed."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, fingerprint, git, sample_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=2)


def first(document: Any) -> Any:
    client: Any = document["clients"][0]
    assert client["name"] == "client0"
    return client


def test_drift_is_captured_meanwhile_and_merged_after_the_client_is_resumed(
    cluster: Cluster,
) -> None:
    tree = cluster.tree(0)
    said = cluster.run("suspend", "client0", "--reason", "new mail server").out
    assert "client0 suspended since" in said
    assert "new mail server" in said
    upstream = (cluster.etc / "nsswitch.conf").read_text()
    for step in ("one", "two"):
        with (tree / "nsswitch.conf").open("a") as stream:
            stream.write(f"\n# client0 {step}\n")
        (tree / f"own-{step}").write_text(f"{step}\n")
        cluster.write("nsswitch.conf", f"# upstream {step}\n{upstream}")
        cluster.write(f"new-{step}", f"{step}\n")
        before = fingerprint(tree)
        client = first(cluster.sync("client0"))
        assert client["actions"] == []
        assert client["suspended"]["reason"] == "new mail server"
        assert fingerprint(tree) == before
    state = fingerprint(cluster.state)
    cluster.sync("client0")
    assert fingerprint(tree, cluster.state) == before | state

    assert "client0 resumed" in cluster.run("resume", "client0").out
    assert fingerprint(tree) == before
    client = first(cluster.sync())
    assert client["suspended"] is None
    merged = (tree / "nsswitch.conf").read_text()
    assert merged == f"# upstream two\n{upstream}\n# client0 one\n\n# client0 two\n"
    for step in ("one", "two"):
        assert (
            (tree / f"own-{step}").read_text() == (tree / f"new-{step}").read_text() == f"{step}\n"
        )

    hub = cluster.state / "hub.git"
    log = git(hub, "log", "--first-parent", "--format=%s", "client0").splitlines()
    assert [line.split(" of ")[0] for line in log[1:3]] == ["Capture 3 changes"] * 2
    assert log[0].startswith("Reconcile client0")
    assert "# client0 one" in git(hub, "show", "client0~2:nsswitch.conf")
    assert "# client0 two" not in git(hub, "show", "client0~2:nsswitch.conf")


def test_it_is_shown_everywhere(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("mine\n")
    (cluster.tree(0) / "pacman.conf").write_text("mine\n")
    answer = cluster.run("suspend", "client0", "--for", "2h", "--reason", "[b]`x`", "--json").json
    suspension = answer["clients"][0]["suspended"]
    assert suspension.keys() == {"since", "until", "reason", "by"}
    assert answer["clients"][0]["before"] is None

    state = cluster.status()
    assert state["client0"]["suspended"] == suspension
    assert (state["client0"]["state"], state["client1"]["state"]) == ("suspended", "synced")
    assert [each["path"] for each in state["client0"]["drift"]] == ["motd", "pacman.conf"]
    assert state["client1"]["suspended"] is None
    cluster.run("status", "--exit-code", "client0", status=1)
    for command in ("plan", "sync"):
        document = cluster.run(command, "--json").json
        assert [each["suspended"] for each in document["clients"]] == [suspension, None]
    listed = cluster.run("client", "list", "--json").json["clients"]
    assert [each["suspended"] for each in listed] == [suspension, None]
    for command in (["status"], ["plan"], ["sync", "client0"], ["client", "list"]):
        said = cluster.run(*command).out
        assert suspension["since"] in said
        assert suspension["until"] in said
        assert "[b]`x`" in said
    assert "etcsync resume client0" in cluster.run("sync", "client0").out


def test_the_report_on_a_run_says_so(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("mine\n")
    cluster.write("motd", "theirs\n")
    cluster.sync(status=1)
    cluster.run("suspend", "client0", "--reason", "[work](x)")
    (cluster.tree(0) / "motd").write_text("mine again\n")
    run = first(cluster.sync("client0", status=1))
    assert [held["path"] for held in run["conflicts"]] == ["motd"]
    reports = cluster.state / "reports/client0"
    assert json.loads((reports / "latest.json").read_text())["suspended"] == run["suspended"]
    assert r"\[work\]\(x\)" in (reports / "latest.md").read_text()


def test_a_suspension_ends_by_itself(cluster: Cluster) -> None:
    cluster.write("motd", "theirs\n")
    cluster.run("suspend", "client0", "--for", "1s")
    time.sleep(1.1)
    assert first(cluster.sync())["suspended"] is None
    assert (cluster.tree(0) / "motd").read_text() == "theirs\n"
    assert "client0" not in (cluster.state / "suspensions.json").read_text()


def test_no_tree_is_written_while_it_is_not_known_who_is_suspended(cluster: Cluster) -> None:
    cluster.write("motd", "theirs\n")
    (cluster.state / "suspensions.json").write_text("")
    before = fingerprint(cluster.tree(0), cluster.tree(1))
    answer = cluster.run("sync", status=3)
    assert "damaged" in answer.err
    assert "rm " in answer.err
    assert fingerprint(cluster.tree(0), cluster.tree(1)) == before
    cluster.run("client", "remove", "client1", "--delete-tree", status=3)
    assert fingerprint(cluster.tree(0), cluster.tree(1)) == before


def test_saying_it_twice_and_saying_it_wrong(cluster: Cluster) -> None:
    cluster.run("suspend", "client0", "--reason", "one")
    again = cluster.run("suspend", "client0", "--reason", "two").out
    assert "was suspended already" in again
    assert "one" in again
    assert "two" in again
    assert "client1 was not suspended" in cluster.run("resume", "client1").out
    for wrong in ("suspend", "resume", "suspend client9", "resume client9"):
        cluster.run(*wrong.split(), status=2)
    for duration in ("soon", "0"):
        cluster.run("suspend", "client0", "--for", duration, status=2)
    cluster.run("client", "remove", "client0")
    cluster.run("client", "add", "client0")
    assert cluster.status()["client0"]["suspended"] is None


def test_the_tree_of_a_suspended_client_is_not_set_up(cluster: Cluster) -> None:
    with cluster.settings.open("a") as stream:
        stream.write('[[clients]]\nname = "client7"\n')
    cluster.run("suspend", "client7")
    answer = cluster.run("init", "--root", str(cluster.root), status=3)
    assert "client7 is suspended" in answer.out + answer.err
    assert not cluster.tree("client7").exists()


def test_a_tree_that_lost_too_much_is_not_captured(cluster: Cluster) -> None:
    cluster.run("suspend", "client0")
    for path in sorted(cluster.tree(0).glob("*.conf")):
        path.unlink()
    for path in sorted(cluster.tree(0).glob("*")):
        if path.is_file():
            path.unlink()
    run = first(cluster.sync("client0", status=3))
    assert "lost" in run["error"]["message"]
    cluster.sync("client0", "--allow-mass-delete")


def test_nothing_is_decided_for_a_suspended_client_but_a_path_can_be_restored(
    cluster: Cluster,
) -> None:
    motd, hosts = cluster.tree(0) / "motd", cluster.tree(0) / "hosts"
    old = motd.read_text()
    cluster.run("suspend", "client0")
    motd.write_text("mine\n")
    cluster.write("hosts", "upstream's\n")
    cluster.sync("client0")
    unknown = hosts.read_text()
    for command in (["discard", "client0", "motd"], ["discard", "client0", "motd", "--json"]):
        answer = cluster.run(*command, status=3)
        assert "client0 is suspended" in answer.out + answer.err
    assert motd.read_text() == "mine\n"
    cluster.run("restore", "client0", "HEAD~1", "motd")
    assert (motd.read_text(), hosts.read_text()) == (old, unknown)
    cluster.run("resume", "client0")
    cluster.sync("client0")
    assert (motd.read_text(), hosts.read_text()) == (old, "upstream's\n")
