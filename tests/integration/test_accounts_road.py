"""Accounts that client and upstream changed, and left-overs, through the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, fingerprint, sample_cluster

HASH = "$6$saltsalt$abcdefghijklmnop"


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=2)


def append(etc: Path, name: str, line: str) -> None:
    with (etc / name).open("a") as stream:
        stream.write(line + "\n")


def add_user(etc: Path, name: str, number: int) -> None:
    append(etc, "passwd", f"{name}:x:{number}:{number}::/home/{name}:/bin/bash")
    append(etc, "group", f"{name}:x:{number}:")
    append(etc, "shadow", f"{name}:{HASH}{name}:19700:0:99999:7:::")
    append(etc, "gshadow", f"{name}:!::")


def first_client(document: Any) -> Any:
    return document["clients"][0]


def test_accounts_added_on_both_sides_come_together_and_stay_drift(cluster: Cluster) -> None:
    for number in range(2):
        add_user(cluster.tree(number), f"local{number}", 1100 + number)
    add_user(cluster.etc, "service", 900)
    cluster.write("service.conf", "settings\n")
    planned = first_client(cluster.plan())["actions"]
    assert first_client(cluster.sync())["actions"] == planned
    files = ("group", "gshadow", "passwd", "shadow")
    expected = {**dict.fromkeys(files, "merge"), "service.conf": "write"}
    assert {action["path"]: action["action"] for action in planned} == expected
    for number in range(2):
        for name in files:
            lines = (cluster.tree(number) / name).read_text().splitlines()
            users = [line.split(":")[0] for line in lines]
            assert users[-2:] == ["service", f"local{number}"], name
        assert (cluster.tree(number) / "shadow").stat().st_mode & 0o777 == 0o600
    before = fingerprint(*(cluster.tree(number) for number in range(2)), cluster.state)
    assert all(client["actions"] == [] for client in cluster.sync()["clients"])
    assert fingerprint(*(cluster.tree(number) for number in range(2)), cluster.state) == before
    assert [d["path"] for d in cluster.status()["client0"]["drift"]] == list(files)


def test_accounts_that_collide_are_held_named_and_show_no_hash(cluster: Cluster) -> None:
    add_user(cluster.tree(0), "local", 1100)
    add_user(cluster.etc, "service", 1100)
    cluster.write("motd", "news\n")
    run = first_client(cluster.sync(status=1))
    assert {c["path"]: c["reason"] for c in run["conflicts"]} == dict.fromkeys(
        ("group", "gshadow", "passwd", "shadow"), "account"
    )
    assert (cluster.tree(0) / "motd").read_text() == "news\n"
    assert "service" not in (cluster.tree(0) / "passwd").read_text()
    assert "service" in (cluster.tree(1) / "passwd").read_text()

    what = "local, service would share the uid 1100 in passwd: client local, upstream service."
    ids = {c["path"]: c["id"] for c in run["conflicts"]}
    outputs = [
        json.dumps(run),
        cluster.run("conflicts", "client0", status=1).out,
        *(cluster.run("conflicts", "show", each).out for each in ids.values()),
        *(cluster.run("conflicts", "show", each, "--json").out for each in ids.values()),
        cluster.run("plan", "--json", status=None).out,
        *(p.read_text() for p in (cluster.state / "reports/client0").iterdir()),
    ]
    assert [output for output in outputs if HASH in output] == []
    assert "account" in outputs[1]
    shown = cluster.run("conflicts", "show", ids["passwd"])
    assert what in shown.out
    assert "local:x:1100" in shown.out
    assert what in (cluster.state / "reports/client0/latest.md").read_text().replace("\\", "")
    for path in ("shadow", "gshadow"):
        document = cluster.run("conflicts", "show", ids[path], "--json").json
        assert document["secret"]
        assert [document[side]["text"] for side in ("base", "ours", "theirs")] == [None] * 3

    passwd = (cluster.tree(0) / "passwd").read_text()
    (cluster.tree(0) / "passwd").write_text(passwd.replace(":1100:1100:", ":1200:1200:"))
    group = (cluster.tree(0) / "group").read_text()
    (cluster.tree(0) / "group").write_text(group.replace(":1100:", ":1200:"))
    cluster.sync()
    assert "service:x:1100" in (cluster.tree(0) / "passwd").read_text()


def test_two_passwords_on_one_day_are_held_without_being_shown(cluster: Cluster) -> None:
    for etc, password in ((cluster.tree(0), HASH + "here"), (cluster.etc, HASH + "there")):
        text = (etc / "shadow").read_text()
        (etc / "shadow").write_text(text.replace("alice:!:19000", f"alice:{password}:19700"))
    cluster.commit()
    (held,) = first_client(cluster.sync(status=1))["conflicts"]
    assert (held["path"], held["reason"]) == ("shadow", "account")
    assert "the password of alice in shadow" in held["detail"]
    shown = cluster.run("conflicts", "show", held["id"]).out
    assert "the password of alice in shadow" in shown
    assert HASH not in shown


LEFT_OVERS = [
    "._cfg0000_motd", "a.conf.dpkg-new", "a.conf.rpmorig", "a.conf.rpmsave", "a.conf.ucf-dist",
    "motd.rpmnew", "pacman.conf.pacnew", "pacman.conf.pacorig", "pacman.conf.pacsave.1",
    "ssh/._cfg0001_sshd_config", "ssh/sshd_config.dpkg-dist", "ssh/sshd_config.dpkg-old",
]  # fmt: skip


def test_left_overs_of_every_package_manager_are_listed_and_reach_nobody(cluster: Cluster) -> None:
    for text in ("left over\n", "left over anew\n"):
        for path in LEFT_OVERS:
            (cluster.etc / path).write_text(text)
        cluster.commit()
        assert all(client["actions"] == [] for client in cluster.sync()["clients"])
    cluster.run("client", "add", "latecomer")
    trees = [cluster.tree(0), cluster.tree(1), cluster.tree("latecomer")]
    assert [path for path in LEFT_OVERS for tree in trees if (tree / path).exists()] == []
    document = cluster.run("status", "--json").json
    assert document["upstream"]["leftovers"] == LEFT_OVERS
    assert [client["drift"] for client in document["clients"]] == [[], [], []]
    text = cluster.run("status").out
    assert f"{len(LEFT_OVERS)} paths left by the package manager" in text
    assert [path for path in LEFT_OVERS if path not in text] == []


def test_what_is_ignored_by_git_is_a_left_over_too(cluster: Cluster) -> None:
    (cluster.etc / ".gitignore").write_text("*.pacnew\n")
    cluster.write("motd.pacnew", "left over\n", message="")
    cluster.commit()
    assert cluster.run("status", "--json").json["upstream"]["leftovers"] == ["motd.pacnew"]
