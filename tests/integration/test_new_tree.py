"""What a new tree starts with: upstream's files, and an identity of its own."""

import stat
from pathlib import Path

import pytest
from cluster import Cluster, git

from etcsync.demo.sample_etc import write_sample_etc

CLIENTS = 3
ROOTS_ID = "0123456789abcdef0123456789abcdef"


def new_cluster(place: Path, files: dict[str, str]) -> Cluster:
    cluster = Cluster(place)
    cluster.etc.mkdir(parents=True)
    write_sample_etc(str(cluster.etc))
    (cluster.etc / "hostname").unlink()
    for name, text in files.items():
        (cluster.etc / name).write_text(text)
    cluster.write_settings()
    git(cluster.etc, "init", "-q")
    cluster.commit("first")
    cluster.rules.write_text(
        '[[rule]]\npaths = ["/client-name"]\nstrategy = "client"\nseed = "{name} {address}"\n'
    )
    cluster.run("init", "--root", str(cluster.root), "--clients", f"client{{0..{CLIENTS - 1}}}")
    return cluster


UPSTREAM = {
    "nothing of the kind": {},
    "its own": {
        "hostname": "root-image\n",
        "machine-id": f"{ROOTS_ID}\n",
        "ssh/ssh_host_ed25519_key": "the root's\n",
        "ssh/ssh_host_ed25519_key.pub": "the root's\n",
    },
    "what an image has": {"machine-id": "uninitialized\n"},
}


@pytest.mark.parametrize("files", UPSTREAM.values(), ids=UPSTREAM.keys())
def test_a_new_tree_has_an_identity_of_its_own_whatever_upstream_has(
    tmp_path: Path, files: dict[str, str]
) -> None:
    cluster = new_cluster(tmp_path, files)
    ids = set()
    for number in range(CLIENTS):
        tree = cluster.tree(number)
        assert (tree / "hostname").read_text() == f"client{number}\n"
        machine_id = (tree / "machine-id").read_text()
        assert len(machine_id) == 33
        assert int(machine_id, 16)
        ids.add(machine_id.strip())
        assert (tree / "client-name").read_text().startswith(f"client{number} ")
        assert list((tree / "ssh").glob("ssh_host_*")) == []
        if "machine-id" not in files:
            assert stat.S_IMODE((tree / "machine-id").stat().st_mode) == 0o444
    assert len(ids) == CLIENTS
    assert ROOTS_ID not in ids
    assert {client["state"] for client in cluster.status().values()} == {"synced"}


def test_the_identity_of_a_tree_stays(tmp_path: Path) -> None:
    cluster = new_cluster(tmp_path, {})
    before = (cluster.tree(0) / "machine-id").read_text()
    cluster.write("machine-id", f"{ROOTS_ID}\n")
    cluster.write("motd", "news\n")
    cluster.sync()
    assert (cluster.tree(0) / "machine-id").read_text() == before
    assert (cluster.tree(0) / "motd").read_text() == "news\n"
