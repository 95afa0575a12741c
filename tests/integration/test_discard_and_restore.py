"""Drift that is not wanted goes, versions come back, and nothing is lost on the way."""

import os
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, fingerprint, git, sample_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=2)


def log(cluster: Cluster, *arguments: str) -> list[dict[str, Any]]:
    return list(cluster.run("log", "client0", *arguments, "--json").json["entries"])


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def drift(cluster: Cluster) -> list[str]:
    return [each["path"] for each in cluster.status()["client0"]["drift"]]


def test_discard_puts_content_mode_kind_and_deletions_back_and_nothing_else(
    cluster: Cluster,
) -> None:
    tree = cluster.tree(0)
    (tree / "motd").write_text("mine\n")
    (tree / "hosts").unlink()
    (tree / "vconsole.conf").chmod(0o600)
    (tree / "localtime").unlink()
    (tree / "localtime").write_text("no link\n")
    (tree / "chrony.conf").write_text("server here\n")
    (tree / "own/deep").mkdir(parents=True)
    (tree / "own/deep/file").write_text("mine\n")
    done = cluster.run(
        "discard", "client0", "motd", "/hosts", "vconsole.conf", "localtime", "own", "--json"
    ).json
    assert done["done"] == [
        "hosts", "localtime", "motd", "own", "own/deep", "own/deep/file", "vconsole.conf",
    ]  # fmt: skip
    for path in ("motd", "hosts", "vconsole.conf"):
        assert (tree / path).read_bytes() == (cluster.etc / path).read_bytes()
        assert mode(tree / path) == mode(cluster.etc / path)
    assert os.readlink(tree / "localtime") == os.readlink(cluster.etc / "localtime")
    assert not (tree / "own").exists()
    assert drift(cluster) == ["chrony.conf"]
    assert git(tree, "show", "HEAD~1:own/deep/file") == "mine\n", "captured before it went"
    assert [entry["cause"] for entry in log(cluster)[:2]] == ["discard", "capture"]


def test_discard_leaves_what_is_the_clients_own_and_what_is_held(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    (tree / "motd").write_text("mine\n")
    cluster.write("motd", "news\n")
    cluster.sync(status=1)
    before = fingerprint(tree)
    done = cluster.run("discard", "client0", "hostname", "motd", "--json", status=1).json
    assert done["done"] == []
    assert {each["path"] for each in done["left_out"]} == {"hostname", "motd"}
    assert "etcsync resolve" in {e["path"]: e["reason"] for e in done["left_out"]}["motd"]
    assert fingerprint(tree) == before


def test_discard_of_what_does_not_differ_is_refused(cluster: Cluster) -> None:
    before = fingerprint(cluster.place)
    assert "does not differ" in cluster.run("discard", "client0", "hosts", status=2).err
    assert fingerprint(cluster.place) == before


def test_a_path_comes_back_with_content_and_metadata(cluster: Cluster) -> None:
    place = cluster.tree(0) / "app.conf"
    place.write_text("first\n")
    place.chmod(0o640)
    cluster.sync()
    first = log(cluster, "app.conf")[0]["commit"]
    place.write_text("second\n")
    place.chmod(0o644)
    done = cluster.run("restore", "client0", first[:8], "app.conf", "--json").json
    assert (done["done"], done["left_out"]) == (["app.conf"], [])
    assert (place.read_text(), mode(place)) == ("first\n", 0o640)
    causes = [entry["cause"] for entry in log(cluster, "app.conf")]
    assert causes == ["restore", "capture", "capture"], "the second version was captured first"
    assert git(cluster.tree(0), "show", "HEAD~1:app.conf") == "second\n"
    assert cluster.run("restore", "client0", first, "app.conf").out.startswith("nothing to do")


def test_a_deleted_directory_comes_back_and_a_new_one_goes(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    (tree / "own").mkdir(mode=0o700)
    (tree / "own/file").write_text("mine\n")
    cluster.sync()
    (tree / "own/file").unlink()
    (tree / "own").rmdir()
    (tree / "new").mkdir()
    (tree / "new/file").write_text("new\n")
    cluster.sync()
    cluster.run("restore", "client0", "HEAD~1", "own", "new")
    assert (tree / "own/file").read_text() == "mine\n"
    assert mode(tree / "own") == 0o700
    assert not (tree / "new").exists()


def test_the_whole_tree_comes_back(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    cluster.sync()
    (tree / "motd").write_text("mine\n")
    cluster.sync()
    good = git(tree, "rev-parse", "HEAD").strip()
    (tree / "motd").write_text("broken\n")
    (tree / "hosts").unlink()
    (tree / "sudoers").chmod(0o666)
    cluster.sync()
    cluster.write("vconsole.conf", "KEYMAP=dvorak\n")
    answer = cluster.run("restore", "client0", good)
    assert "client0 is suspended" in answer.out
    assert (tree / "motd").read_text() == "mine\n"
    assert (tree / "hosts").read_bytes() == (cluster.etc / "hosts").read_bytes()
    assert mode(tree / "sudoers") == 0o440
    assert git(tree, "diff", "--stat", good) == ""
    assert cluster.status()["client0"]["suspended"]["reason"] == f"restored to {good}"
    cluster.sync()
    assert git(tree, "diff", "--stat", good) == "", "the next sync leaves it as it is"
    cluster.run("resume", "client0")
    cluster.sync()
    assert "dvorak" in (tree / "vconsole.conf").read_text()
    assert (tree / "motd").read_text() == "mine\n"


def test_a_whole_tree_with_something_held_comes_back_and_it_stays_held(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    cluster.sync()
    start = git(tree, "rev-parse", "HEAD").strip()
    (tree / "motd").write_text("mine\n")
    (tree / "hosts").write_text("mine\n")
    cluster.write("motd", "news\n")
    cluster.sync(status=1)
    cluster.run("restore", "client0", start)
    assert (tree / "motd").read_text().startswith("Welcome")
    assert (tree / "hosts").read_text().startswith("127.0.0.1")
    assert [c["path"] for c in cluster.status()["client0"]["conflicts"]] == ["motd"]
    cluster.run("resume", "client0")
    cluster.sync()
    assert (tree / "motd").read_text() == "news\n", "the client's change is gone, so it fits"


def test_a_restore_of_the_whole_tree_that_fails_suspends_nobody(cluster: Cluster) -> None:
    cluster.sync()
    cluster.run("restore", "client0", "0123456789", status=2)
    assert cluster.status()["client0"]["suspended"] is None


def test_a_restore_that_deletes_much_must_be_confirmed(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    cluster.sync()
    start = git(tree, "rev-parse", "HEAD").strip()
    (tree / "many").mkdir()
    for number in range(40):
        (tree / "many" / str(number)).write_text("x\n")
    cluster.sync()
    answer = cluster.run("restore", "client0", start, status=3)
    assert "--allow-mass-delete" in answer.out + answer.err
    assert len(os.listdir(tree / "many")) == 40
    assert cluster.status()["client0"]["suspended"] is None
    cluster.run("restore", "client0", start, "--allow-mass-delete")
    assert not (tree / "many").exists()


def test_what_is_held_is_not_covered_up_by_a_restore(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    cluster.sync()
    start = git(tree, "rev-parse", "HEAD").strip()
    (tree / "motd").write_text("mine\n")
    cluster.write("motd", "news\n")
    cluster.sync(status=1)
    done = cluster.run("restore", "client0", start, "motd", "--json", status=1).json
    assert [each["path"] for each in done["left_out"]] == ["motd"]
    assert (tree / "motd").read_text() == "mine\n"
    assert cluster.status()["client0"]["state"] == "conflicted"


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("0123456789abcdef", "has no commit"),
        ("--all", "names no commit"),
        ("HEAD:motd", "names no commit"),
        ("refs/heads/client1", "names no commit"),
        ("HEAD~999", "has no commit"),
    ],
)
def test_what_is_no_commit_of_the_client_is_refused(
    cluster: Cluster, revision: str, said: str
) -> None:
    before = fingerprint(cluster.tree(0), cluster.tree(1))
    assert said in cluster.run("restore", "client0", "--", revision, "motd", status=2).err
    assert fingerprint(cluster.tree(0), cluster.tree(1)) == before


def test_another_clients_commit_is_refused(cluster: Cluster) -> None:
    (cluster.tree(1) / "motd").write_text("a secret of client1\n")
    cluster.sync()
    other = git(cluster.tree(1), "rev-parse", "HEAD").strip()
    assert (
        "not part of the history" in cluster.run("restore", "client0", other, "motd", status=2).err
    )


def test_the_log_tells_what_caused_each_change(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    (tree / "motd").write_text("Welcome.\nMine.\nAsk the desk for help.\n")
    (tree / "pacman.conf").write_text("[options]\nIgnorePkg = linux\n")
    cluster.write("hosts", "127.0.0.1 localhost\n", "Fewer hosts")
    cluster.sync()
    newest, capture, created = log(cluster)
    assert (newest["cause"], newest["upstream_subject"]) == ("reconcile", "Fewer hosts")
    assert {c["path"]: (c["change"], c["cause"]) for c in newest["changes"]} == {
        "hosts": ("modified", "upstream"),
        "pacman.conf": ("modified", "heal"),
    }
    assert {c["path"]: c["cause"] for c in capture["changes"]} == {
        "motd": "capture",
        "pacman.conf": "capture",
    }
    assert capture["author"] == "client0 <root@client0>"
    assert {"hostname", "machine-id"} <= {c["path"] for c in created["changes"]}
    assert [entry["commit"] for entry in log(cluster, "hosts")] == [newest["commit"]]
    assert log(cluster, "-n", "1") == [newest]
    text = cluster.run("log", "client0", "pacman.conf").out
    assert "heal" in text
    assert "capture" in text


def test_a_change_of_mode_alone_is_in_the_log_of_its_path(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").chmod(0o600)
    cluster.sync()
    (entry,) = log(cluster, "motd")
    assert [(c["path"], c["change"]) for c in entry["changes"]] == [("motd", "metadata")]


def test_names_and_messages_in_the_log_cannot_steer_a_terminal(cluster: Cluster) -> None:
    (cluster.tree(0) / "a\x1b[31mb\nc").write_text("x\n")
    cluster.sync()
    assert "\x1b" not in cluster.run("log", "client0").out


def test_modes_that_an_adopted_clones_history_does_not_tell_are_not_made_up(
    tmp_path: Path,
) -> None:
    """Git alone says 0644 of every file: a key restored from such a commit must stay closed."""
    cluster = Cluster(tmp_path)
    cluster.etc.mkdir(parents=True)
    (cluster.etc / "motd").write_text("hello\n")
    git(cluster.etc, "init", "-q")
    cluster.commit("first")
    tree = cluster.tree(0)
    git(tmp_path, "clone", "-q", str(cluster.etc), str(tree))
    for path in ("key", "gone"):
        (tree / path).write_text("first\n")
        (tree / path).chmod(0o600)
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "Own files")
    own = git(tree, "rev-parse", "HEAD").strip()
    cluster.write_settings()
    cluster.run("init", "--root", str(cluster.root), "--clients", "client0")
    cluster.sync()
    (tree / "key").write_text("second\n")
    (tree / "gone").unlink()
    cluster.sync()
    cluster.run("restore", "client0", own, "key", "gone")
    for path in ("key", "gone"):
        assert (tree / path).read_text() == "first\n"
        assert mode(tree / path) == 0o600, path
