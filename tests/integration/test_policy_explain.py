"""``policy explain`` tells what decides: rules, files, lines and patterns."""

from pathlib import Path

import pytest
from cluster import Cluster, sample_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=1)


def test_a_path_is_explained_by_rules_that_can_be_looked_up(cluster: Cluster) -> None:
    cluster.rules.write_text('[[rule]]\npaths = ["/ssh/"]\nclients = ["client0"]\ngroup = "keys"\n')
    path = "ssh/ssh_host_ed25519_key"
    said = cluster.run("policy", "explain", "client0", path).out.splitlines()
    assert said[:7] == [
        f"{path} on client0",
        "  strategy  client",
        "  secret    yes",
        "  group     keys",
        "  seed      none: a new tree begins without it",
        "  promote   never",
        "  reason    identity of one machine: it makes its own (`ssh-keygen -A`) or is given one",
    ]
    assert "  promote   named  (overruled below)" in said
    assert "  matches   /ssh/ssh_host_*_key" in said
    assert said[-4:] == [
        f"{cluster.rules}:1",
        "  matches   /ssh/",
        "  clients   client0",
        "  group     keys",
    ]
    rules = cluster.run("policy", "explain", "client0", path, "--json").json["rules"]
    assert rules[-1]["file"] == rules[-1]["source"] == str(cluster.rules)
    for rule in rules[:-1]:
        file, line = Path(rule["file"]), rule["line"]
        assert f"{file}:{line} ({rule['source']})" in said
        assert file.name == "base.toml"
        assert file.read_text().splitlines()[line - 1] == "[[rule]]"
        assert set(rule["matched"]) <= set(rule["paths"])
        assert rule["matched"]


def test_a_command_is_shown_as_one_types_it(cluster: Cluster) -> None:
    said = cluster.run("policy", "explain", "client0", "sudoers").out
    assert "  validate  visudo -csf '{file}'" in said


def test_what_a_rule_takes_back_is_told_in_words(cluster: Cluster) -> None:
    cluster.rules.write_text(
        '[[rule]]\npaths = ["/sudoers", "/hostname"]\nvalidate = []\ngroup = ""\nseed = true\n'
    )
    told = cluster.run("policy", "explain", "client0", "sudoers").out
    assert "None" not in told
    assert "  validate  none\n" in told
    assert "  seed      upstream's version\n" in told
