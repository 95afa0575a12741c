"""Tables such as hosts, to which clients and upstream add, through the command line."""

from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, sample_cluster

from etcsync.plan.text import merge_text

START = {
    "hosts": "127.0.0.1 localhost\n::1 localhost\n10.0.0.1 server\n",
    "services": "ssh 22/tcp\nhttp 80/tcp www\n",
    "sysctl.d/50-site.conf": "# forwarding\nnet.ipv4.ip_forward = 1\n",
}
ADDED = {
    "hosts": "10.0.0.{} {}\n",
    "services": "{1} 70{0}/tcp\n",
    "sysctl.d/50-site.conf": "vm.{1} = {0}\n",
}


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    built = sample_cluster(tmp_path, clients=2)
    for path, text in START.items():
        built.write(path, text, message="")
    built.commit("the tables")
    built.sync()
    return built


def append(etc: Path, number: int, name: str) -> None:
    for path, line in ADDED.items():
        with (etc / path).open("a") as stream:
            stream.write(line.format(number, name))


def clients(document: Any) -> dict[str, Any]:
    return {client["name"]: client for client in document["clients"]}


def test_lines_that_all_add_at_the_end_come_together(cluster: Cluster) -> None:
    append(cluster.tree(0), 20, "zero")
    append(cluster.tree(1), 21, "one")
    append(cluster.etc, 30, "news")
    cluster.commit()
    for path, start in START.items():
        sides = (start.encode(), *((cluster.tree(0) / path).read_bytes(),))
        assert merge_text(*sides, (cluster.etc / path).read_bytes()) is None, "by line: a conflict"
    run = cluster.sync()
    for number, name in ((20, "zero"), (21, "one")):
        done = clients(run)[f"client{number - 20}"]
        assert {a["path"]: (a["action"], a["strategy"]) for a in done["actions"]} == dict.fromkeys(
            START, ("merge", "keyed")
        )
        for path, line in ADDED.items():
            text = (cluster.tree(number - 20) / path).read_text()
            assert text.startswith(START[path])
            added = {line.format(number, name), line.format(30, "news")}
            assert set(text[len(START[path]) :].splitlines(keepends=True)) == added


def test_one_name_with_two_values_is_held_with_both(cluster: Cluster) -> None:
    append(cluster.tree(0), 20, "same")
    append(cluster.tree(1), 21, "other")
    append(cluster.etc, 30, "same")
    cluster.write("motd", "news\n")
    run = clients(cluster.sync(status=1))
    assert run["client1"]["conflicts"] == []
    held = {conflict["path"]: conflict for conflict in run["client0"]["conflicts"]}
    assert {path: each["reason"] for path, each in held.items()} == {
        "hosts": "content", "sysctl.d/50-site.conf": "content"
    }, "in services the port is part of the key: one name may have several"  # fmt: skip
    for path, values in {
        "hosts": ("same", "10.0.0.20", "10.0.0.30"),
        "sysctl.d/50-site.conf": ("vm.same", "20", "30"),
    }.items():
        shown = cluster.run("conflicts", "show", held[path]["id"]).out.splitlines()[1]
        assert all(value in shown for value in values), shown
        assert all(value in held[path]["detail"] for value in values)
    assert "10.0.0.30" not in (cluster.tree(0) / "hosts").read_text()
    assert (cluster.tree(0) / "motd").read_text() == "news\n"


def test_sources_of_one_database_are_one_value_for_their_order_counts(cluster: Cluster) -> None:
    cluster.write("nsswitch.conf", "passwd: files\nhosts: files dns\ngroup: files\n")
    cluster.sync()
    for etc, sources in ((cluster.tree(0), "files mdns dns"), (cluster.etc, "files resolve dns")):
        text = (etc / "nsswitch.conf").read_text()
        (etc / "nsswitch.conf").write_text(text.replace("files dns", sources))
    cluster.write("nsswitch.conf", (cluster.etc / "nsswitch.conf").read_text() + "sudoers: files\n")
    (conflict,) = clients(cluster.sync(status=1))["client0"]["conflicts"]
    assert "files mdns dns" in conflict["detail"]
    assert "files resolve dns" in conflict["detail"]


def test_a_table_that_both_sides_put_in_another_order_is_merged_by_line_or_held(
    cluster: Cluster,
) -> None:
    lines = [f"/srv/{name} *(ro)\n" for name in "abc"]
    cluster.write("exports", "".join(lines))
    cluster.sync()
    (cluster.tree(0) / "exports").write_text(lines[1] + lines[0] + lines[2])
    cluster.write("exports", lines[2] + lines[0] + lines[1])
    (conflict,) = clients(cluster.sync(status=1))["client0"]["conflicts"]
    assert (conflict["path"], conflict["reason"]) == ("exports", "content")
