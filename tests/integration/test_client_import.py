"""Clients come from the files of other programs, and go into them, by the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, fingerprint, git, sample_cluster

from etcsync.demo.sample_etc import write_sample_etc

FIXTURES = Path(__file__).parents[1] / "fixtures/inventory"
ARCH = str(FIXTURES / "arch-dnsmasq.conf")
MAC = "00:e0:66:59:89:84"


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=1)


def listed(cluster: Cluster) -> dict[str, tuple[str, str]]:
    document = cluster.run("client", "list", "--json").json
    return {each["name"]: (each["address"], each["mac"]) for each in document["clients"]}


def acts(document: Any) -> dict[str, tuple[str, str | None]]:
    return {each["name"]: (each["act"], each["outcome"]) for each in document["clients"]}


def test_the_guides_clients_are_imported_once(cluster: Cluster) -> None:
    document = cluster.run("client", "import", ARCH, "--json").json
    assert acts(document) == {"client0": ("complete", "managed")} | {
        f"client{i}": ("add", "created") for i in range(1, 6)
    }
    assert document["clients"][0]["places"] == [{"file": ARCH, "line": 9}]
    assert listed(cluster) == {
        each["name"]: (each["address"], each["mac"]) for each in document["clients"]
    }
    assert listed(cluster)["client5"] == ("192.168.78.55", "00:e0:66:59:8a:2d")
    assert {each["state"] for each in cluster.status().values()} == {"synced"}

    before = fingerprint(cluster.place)
    again = cluster.run("client", "import", ARCH, "--json").json
    assert set(acts(again).values()) == {("known", "managed")}
    assert fingerprint(cluster.place) == before


def test_a_dry_run_tells_the_same_and_writes_nothing(cluster: Cluster) -> None:
    before = fingerprint(cluster.place)
    answer = cluster.run("client", "import", ARCH, "--dry-run", "--match", "client[01]")
    assert answer.out.splitlines() == [
        f"would complete client0  192.168.78.50 {MAC}  ({ARCH}:9)",
        f"would add      client1  192.168.78.51 00:e0:66:59:88:8b  ({ARCH}:10)",
        "passed over 4 other machines; --match GLOB says who is a client",
    ]
    assert fingerprint(cluster.place) == before


def test_what_is_left_out_is_told_and_makes_the_status_1(cluster: Cluster) -> None:
    file = str(FIXTURES / "rhel-dhcpd.conf")
    answer = cluster.run("client", "import", file, "--json", status=1)
    assert acts(answer.json) == {f"diskless-{i}": ("add", "created") for i in (1, 2)}
    assert [each["line"] for each in answer.json["left_out"]] == [30, 31, 35, 36]
    assert listed(cluster)["diskless-1"] == ("192.168.0.101", "")
    text = cluster.run("client", "import", file, status=1).out
    assert f"left out\n  {file}:30: diskless-1: the host name" in text


def test_files_without_a_client_are_refused_with_what_is_wrong_in_them(cluster: Cluster) -> None:
    before = fingerprint(cluster.place)
    for name, said in (("ubuntu", "'192.168.2.xxx' is not an IP address"), ("fedora", "'class'")):
        answer = cluster.run("client", "import", str(FIXTURES / f"{name}-dhcpd.conf"), status=2)
        assert "there is no client to import" in answer.err
        assert said in answer.err
    assert fingerprint(cluster.place) == before


def test_ethers_and_hosts_are_read_together(cluster: Cluster) -> None:
    (cluster.place / "ethers").write_text(f"{MAC} client9\n")
    (cluster.place / "hosts").write_text("127.0.0.1 localhost\n10.0.0.9 client9\n10.0.0.8 nas\n")
    files = [str(cluster.place / name) for name in ("ethers", "hosts")]
    document = cluster.run("client", "import", *files, "--json").json
    assert acts(document) == {"client9": ("add", "created")}
    assert document["passed_over"] == 1
    assert listed(cluster)["client9"] == ("10.0.0.9", MAC)


def test_machines_of_a_hosts_file_must_be_asked_for_or_near(cluster: Cluster) -> None:
    hosts = cluster.place / "hosts"
    hosts.write_text("192.168.78.1 server\n192.168.78.51 client1\n10.0.0.8 nas\n")
    answer = cluster.run("client", "import", str(hosts), status=2)
    assert "machines that may be none: 3" in answer.err
    assert "--match" in answer.err
    with cluster.settings.open("a") as settings:
        settings.write('[server]\naddress = "192.168.78.1"\nnetwork = "192.168.78.0/24"\n')
    document = cluster.run("client", "import", str(hosts), "--dry-run", "--json").json
    assert acts(document) == {"client1": ("add", None)}


def test_a_client_whose_tree_cannot_be_leaves_the_others_alone(cluster: Cluster) -> None:
    (cluster.place / "etc-client2").write_text("no directory")
    document = cluster.run("client", "import", ARCH, "--json", status=3).json
    assert acts(document)["client2"] == ("add", "failed")
    assert acts(document)["client5"] == ("add", "created")
    (cluster.place / "etc-client2").unlink()
    assert acts(cluster.run("client", "import", ARCH, "--json").json)["client2"] == (
        "known",
        "created",
    )


def test_a_client_whose_tree_would_lie_in_another_place_is_left_out(cluster: Cluster) -> None:
    text = cluster.settings.read_text().replace("etc-{client}", "{client}")
    cluster.settings.write_text(text)
    (cluster.place / "dnsmasq.conf").write_text("dhcp-host=state\ndhcp-host=new,10.0.0.1\n")
    answer = cluster.run(
        "client", "import", f"{cluster.place}/dnsmasq.conf", "--dry-run", "--json", status=1
    )
    assert acts(answer.json) == {"new": ("add", None)}
    (left_out,) = answer.json["left_out"]
    assert left_out["line"] == 1
    assert "state is left out, for then" in left_out["reason"]


def test_neither_a_file_nor_its_name_can_steer_the_terminal(cluster: Cluster) -> None:
    conf = cluster.place / "d\x1b[31m.conf"
    conf.write_text(f"dhcp-host={MAC},a\x1b[31m\ndhcp-host=b\n")
    answer = cluster.run("client", "import", str(conf), "--dry-run", status=1)
    assert "\x1b" not in answer.out
    assert "d\\x1b[31m.conf:1: what stands here is no value that can be used" in answer.out


def test_init_takes_clients_from_files(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    cluster.etc.mkdir(parents=True)
    write_sample_etc(str(cluster.etc))
    git(cluster.etc, "init", "-q")
    cluster.commit("first")
    cluster.write_settings()
    hosts = tmp_path / "hosts"
    hosts.write_text("192.168.78.60 kiosk\n192.168.78.9 nas\n")
    answer = cluster.run(
        "init", "--import", ARCH, "--clients", "kiosk", "--import", str(hosts), "--json"
    )
    assert {each["outcome"] for each in answer.json["clients"]} == {"created"}
    assert answer.json["left_out"] == []
    assert list(listed(cluster)) == ["kiosk", *(f"client{i}" for i in range(6))]
    assert listed(cluster)["kiosk"] == ("192.168.78.60", "")
    answer = cluster.run("init", "--import", str(FIXTURES / "suse-dhcpd.conf"), status=1)
    assert "suse-dhcpd.conf:21: the block 'host dc1' is not closed" in answer.out
    assert "added dc1" in answer.out


def test_init_writes_new_settings_with_the_imported_clients_or_none(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    cluster.etc.mkdir(parents=True)
    bad = str(FIXTURES / "ubuntu-dhcpd.conf")
    cluster.run("init", "--root", str(cluster.root), "--import", bad, status=2)
    assert not cluster.settings.exists()


@pytest.mark.parametrize("form", ["dnsmasq", "dhcpd"])
def test_a_list_can_be_imported_elsewhere(cluster: Cluster, tmp_path: Path, form: str) -> None:
    cluster.run("client", "import", ARCH)
    (tmp_path / "fragment").write_text(cluster.run("client", "list", "--format", form).out)
    wanted = listed(cluster)
    cluster.write_settings()
    cluster.run("client", "import", str(tmp_path / "fragment"))
    assert listed(cluster) == wanted


def test_the_list_in_json_is_that_of_the_global_option(cluster: Cluster) -> None:
    text = cluster.run("client", "list", "--format", "json").out
    assert json.loads(text) == cluster.run("client", "list", "--json").json
    answer = cluster.run("client", "list", "--format", "hosts", "--json", status=2)
    assert "contradict each other" in answer.err
