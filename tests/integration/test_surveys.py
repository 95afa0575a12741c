"""What a run remembers of the trees saves work, and never changes what comes out."""

import os
import shutil
from pathlib import Path

import pytest
from cluster import Cluster, git, sample_cluster
from tree_support import rest

from etcsync.config import load_settings
from etcsync.hub.refs import branch_ref
from etcsync.reconcile.options import SyncOptions, no_advance
from etcsync.reconcile.reconciler import sync_clients
from etcsync.reconcile.surveys import Survey, Surveys, keep_surveys
from etcsync.tree import intake


@pytest.fixture
def cluster(tmp_path):
    cluster = sample_cluster(tmp_path)
    rest()
    cluster.sync()
    return cluster


def surveys(cluster: Cluster) -> Path:
    return cluster.state / "cache" / "surveys"


def read_files(cluster: Cluster, number: int, monkeypatch) -> list[str]:
    """Return the files whose content a sync reads in a tree."""
    seen = []
    read = intake.read_file

    def noting(tree, place, limit):
        seen.append(os.fsdecode(place.name))
        return read(tree, place, limit)

    monkeypatch.setattr(intake, "read_file", noting)
    settings = load_settings(str(cluster.settings))
    sync_clients(settings, (f"client{number}",), SyncOptions(), no_advance)
    monkeypatch.undo()
    return seen


def recorded_files(cluster: Cluster, number: int) -> dict[str, str]:
    """Return what the hub has recorded of a client, by path."""
    lines = git(
        cluster.state / "hub.git", "ls-tree", "-r", branch_ref(f"client{number}")
    ).splitlines()
    return {line.partition("\t")[2]: line.split()[2] for line in lines}


def test_an_edit_after_many_runs_is_recorded(cluster):
    for number in range(3):
        cluster.write("motd", f"version {number}\n")
        cluster.sync()
    edited = cluster.tree(0) / "ssh" / "sshd_config"
    edited.write_text("# an edit\n")

    assert [d["path"] for d in cluster.status()["client0"]["drift"]] == ["ssh/sshd_config"]
    cluster.sync()

    oid = git(cluster.place, "hash-object", str(edited)).strip()
    assert recorded_files(cluster, 0)["ssh/sshd_config"] == oid
    assert not cluster.status()["client1"]["drift"]


def test_the_same_comes_out_without_what_is_remembered(cluster, tmp_path):
    (cluster.tree(0) / "ssh" / "sshd_config").write_text("# an edit\n")
    (cluster.tree(1) / "new.d").mkdir()
    (cluster.tree(1) / "new.d" / "own").write_text("own\n")
    cluster.sync()
    cluster.write("motd", "new\n")
    with_memory = cluster.plan()
    shutil.rmtree(cluster.state / "cache")
    assert cluster.plan() == with_memory


def test_only_what_changed_is_read(cluster, monkeypatch):
    rest()
    cluster.sync()
    (cluster.tree(0) / "ssh" / "sshd_config").write_text("# an edit\n")
    assert read_files(cluster, 0, monkeypatch) == ["sshd_config"]


def test_a_look_after_a_write_begins_with_what_was_written(cluster):
    rest()
    cluster.sync()
    cluster.write("motd", "new\n")
    cluster.sync()
    before = surveys(cluster).read_bytes()
    cluster.sync()
    assert surveys(cluster).read_bytes() == before, "something had to be looked at once more"


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace(b'"file"', b'"link"'),
        lambda text: text[: len(text) // 2],
        lambda text: b"\0" * len(text),
        lambda _: b"client0 nonsense\n",
    ],
)
def test_a_damaged_survey_is_not_used(cluster, damage):
    (cluster.tree(0) / "ssh" / "sshd_config").write_text("# an edit\n")
    cluster.sync()
    surveys(cluster).write_bytes(damage(surveys(cluster).read_bytes()))
    cluster.write("motd", "new\n")
    actions = {client["name"]: client["actions"] for client in cluster.sync()["clients"]}
    assert [[a["path"] for a in each] for each in actions.values()] == [["motd"]] * 3


def test_a_survey_of_another_client_is_not_used(cluster):
    (cluster.tree(0) / "ssh" / "sshd_config").write_text("# an edit\n")
    cluster.sync()
    lines = surveys(cluster).read_bytes().splitlines()
    swapped = lines[0].replace(b"client0 ", b"client1 ", 1)
    surveys(cluster).write_bytes(b"\n".join([swapped, lines[2], b""]))
    assert not cluster.status()["client1"]["drift"]


def test_new_rules_make_it_look_at_everything(cluster):
    (cluster.tree(0) / "own").write_text("own\n")
    cluster.sync()
    cluster.rules.write_text('[[rule]]\npaths = ["/own"]\nstrategy = "ignore"\n')
    assert not cluster.status()["client0"]["drift"]


def test_a_hidden_file_that_upstream_adds_is_held_not_overwritten(cluster):
    cluster.write(".gitignore", "/secret\n")
    cluster.sync()
    (cluster.tree(0) / "secret").write_text("the client's\n")
    rest()
    cluster.sync()
    (cluster.etc / "secret").write_text("upstream's\n")
    git(cluster.etc, "add", "-f", "secret")
    git(cluster.etc, "commit", "-q", "-m", "add what was hidden")
    cluster.sync(status=None)
    assert (cluster.tree(0) / "secret").read_text() == "the client's\n"
    assert (cluster.tree(1) / "secret").read_text() == "upstream's\n"


def test_a_tree_synced_quickly_gets_upstreams_commit_and_is_not_looked_at_elsewhere(cluster):
    (cluster.tree(0) / "ssh" / "sshd_config").write_text("# nobody has heard of it\n")
    cluster.write("motd", "new\n")
    run = cluster.sync("--quick")
    assert {action["path"] for client in run["clients"] for action in client["actions"]} == {"motd"}
    assert (cluster.tree(0) / "motd").read_text() == "new\n"
    before = recorded_files(cluster, 0)

    cluster.sync()
    assert recorded_files(cluster, 0) != before
    assert [d["path"] for d in cluster.status()["client0"]["drift"]] == ["ssh/sshd_config"]
    assert (cluster.tree(0) / "ssh" / "sshd_config").read_text() == "# nobody has heard of it\n"


def test_an_unheard_edit_of_the_very_file_is_never_lost(cluster):
    (cluster.tree(0) / "motd").write_text("the client's\n")
    cluster.write("motd", "upstream's\n")
    run = cluster.sync("--quick", status=1)
    assert [held["path"] for held in run["clients"][0]["conflicts"]] == ["motd"]
    assert (cluster.tree(0) / "motd").read_text() == "the client's\n"
    assert (cluster.tree(1) / "motd").read_text() == "upstream's\n"


def test_what_is_remembered_already_is_not_written_again(tmp_path):
    path = tmp_path / "surveys"
    found = {"entries": {}, "gone": [], "imprints": {".": "0" * 24, "ssh": "1" * 24}}
    backwards = dict(reversed(found.items()))
    for each, writes in ((found, True), (backwards, False), (found | {"gone": ["motd"]}, True)):
        before = path.stat().st_ino if path.exists() else None
        kept = Surveys(str(path), b"k" * 32, ())
        kept.put("client0", Survey("1" * 40, "2" * 40, "terms", None, each))
        keep_surveys(str(path), kept.news)
        assert (path.stat().st_ino != before) is writes
