"""`etcsync status` shows when several clients differ from upstream in the same way."""

from pathlib import Path

import pytest
from cluster import Cluster, sample_cluster

from etcsync.entries import blob_oid


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=4)


def test_clients_that_changed_a_file_alike_are_named_together(cluster: Cluster) -> None:
    for number in (0, 1, 3):
        (cluster.tree(number) / "motd").write_text("Edited alike.\n")
    (cluster.tree(2) / "motd").write_text("Edited otherwise.\n")
    text = cluster.run("status").out
    assert "3 clients changed motd alike: client0 client1 client3" in text
    document = cluster.run("status", "--json").json
    assert document["alike"] == [
        {
            "path": "motd",
            "change": "modified",
            "strategy": "merge",
            "clients": ["client0", "client1", "client3"],
        }
    ]
    for client in document["clients"]:
        assert client["drift"] == [{"path": "motd", "change": "modified", "strategy": "merge"}]


def test_nothing_is_said_of_clients_that_share_nothing(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("Edited.\n")
    (cluster.tree(1) / "hosts").write_text("127.0.0.1 localhost\n")
    assert "alike" not in cluster.run("status").out
    assert cluster.run("status", "--json").json["alike"] == []


def test_healed_changes_are_alike_too(cluster: Cluster) -> None:
    cluster.rules.write_text('[[rule]]\npaths = ["motd"]\nstrategy = "upstream"\n')
    for number in (1, 2):
        (cluster.tree(number) / "motd").write_text("Edited alike.\n")
    (group,) = cluster.run("status", "--json").json["alike"]
    assert (group["path"], group["clients"]) == ("motd", ["client1", "client2"])


def test_a_secret_shows_as_alike_and_no_digest_of_it_appears(cluster: Cluster) -> None:
    cluster.rules.write_text('[[rule]]\npaths = ["vpn.conf"]\nsecret = true\n')
    for number in (0, 1):
        (cluster.tree(number) / "vpn.conf").write_text("password = tomato\n")
    oid = blob_oid(b"password = tomato\n")
    for options in ((), ("--json",)):
        out = cluster.run("status", *options).out
        assert "vpn.conf" in out
        assert "tomato" not in out
        assert oid[:7] not in out
