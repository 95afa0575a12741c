"""The road from an upstream commit to every tree, through the command line, on real git."""

import json
import os
import shutil
import threading
from pathlib import Path

import pytest
from cluster import Cluster, fingerprint, git, sample_cluster

from etcsync.config import load_settings
from etcsync.reconcile.options import SyncOptions, no_advance
from etcsync.reconcile.reconciler import sync_clients


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=3)


@pytest.fixture
def guide_cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=6)


def by_name(document: dict[str, list[dict[str, object]]]) -> dict[str, dict[str, list]]:  # type: ignore[type-arg]
    return {client["name"]: client for client in document["clients"]}  # type: ignore[misc]


def actions(client: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {action["path"]: action["action"] for action in client["actions"]}


def held(client: dict[str, list[dict[str, str]]]) -> list[str]:
    return [conflict["path"] for conflict in client["conflicts"]]


def test_a_new_tree_has_all_of_upstream_and_is_in_sync(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    assert (tree / "motd").read_bytes() == (cluster.etc / "motd").read_bytes()
    assert (tree / "shadow").stat().st_mode & 0o777 == 0o600
    assert os.readlink(tree / "localtime") == "/usr/share/zoneinfo/Europe/London"
    assert {client["state"] for client in cluster.status().values()} == {"synced"}
    assert git(tree, "status", "--porcelain") == ""


def test_plan_prints_exactly_what_sync_then_does(cluster: Cluster) -> None:
    (cluster.tree(1) / "hosts").write_text("127.0.0.1 localhost\n")
    (cluster.tree(2) / "motd").write_text("mine\n")
    cluster.write("motd", "Welcome, all.\n", message="")
    cluster.write("new/deep/file", "new\n", message="")
    (cluster.etc / "vconsole.conf").unlink()
    cluster.commit()
    before = fingerprint(cluster.place)
    planned = cluster.plan()
    assert fingerprint(cluster.place) == before, "plan wrote something"
    done = cluster.sync(status=1)
    for was_planned, was_done in zip(planned["clients"], done["clients"], strict=True):
        assert was_planned["actions"] == was_done["actions"]
        assert was_done["actions"]
    assert planned["upstream_commit"] == done["upstream_commit"]


def test_a_second_sync_writes_nothing(cluster: Cluster) -> None:
    (cluster.tree(2) / "motd").write_text("mine\n")
    (cluster.tree(1) / "own-file").write_text("mine\n")
    cluster.write("motd", "Welcome, all.\n")
    cluster.sync(status=1)
    trees = [cluster.tree(number) for number in range(3)]
    before = fingerprint(*trees, cluster.state)
    again = cluster.sync(status=1)
    assert fingerprint(*trees, cluster.state) == before
    assert all(client["actions"] == [] for client in again["clients"])
    assert held(by_name(again)["client2"]) == ["motd"]


def test_a_conflict_holds_one_path_on_one_client_until_it_fits(guide_cluster: Cluster) -> None:
    cluster = guide_cluster
    own = "Welcome.\nThis is client3, hands off.\nAsk the desk for help.\n"
    (cluster.tree(3) / "motd").write_text(own)
    for path in ("hosts", "locale.conf", "vconsole.conf", "sysctl.d/10-net.conf"):
        with (cluster.etc / path).open("a") as stream:
            stream.write("# upstream says more\n")
    cluster.write("motd", "Welcome.\nThis machine has no disk.\nAsk the desk for help.\n")

    run = by_name(cluster.sync(status=1))
    for name, client in run.items():
        expected = {"hosts", "locale.conf", "vconsole.conf", "sysctl.d/10-net.conf"}
        if name != "client3":
            assert set(actions(client)) == expected | {"motd"}
            assert (
                (cluster.tree(name) / "motd").read_text().startswith("Welcome.\nThis machine has")
            )
        else:
            assert {p for p, act in actions(client).items() if act == "write"} == expected
            assert actions(client)["motd"] == "hold"
            assert held(client) == ["motd"]
    assert (cluster.tree(3) / "motd").read_text() == own
    first = cluster.status()["client3"]["conflicts"][0]
    assert first["reason"] == "content"

    cluster.write("locale.conf", "LANG=C.UTF-8\n")
    client3 = by_name(cluster.sync(status=1))["client3"]
    assert actions(client3) == {"locale.conf": "write"}
    assert cluster.status()["client3"]["conflicts"][0]["id"] == first["id"]
    assert cluster.status()["client3"]["conflicts"][0]["since"] == first["since"]

    cluster.write("motd", "Welcome.\nThis machine has no disk.\nAsk the desk for help, please.\n")
    client3 = by_name(cluster.sync(status=1))["client3"]
    assert held(client3) == ["motd"], "the change of the second line is still missing here"
    assert (cluster.tree(3) / "motd").read_text() == own
    shown = cluster.run("conflicts", "show", client3["conflicts"][0]["id"], "--json").json
    assert shown["base"]["text"].splitlines()[1] == "This machine boots from the network."
    assert shown["ours"]["text"] == own
    assert shown["theirs"]["text"].endswith("please.\n")

    (cluster.tree(3) / "motd").write_text("Welcome.\nThis machine has no disk.\nAsk me.\n"[:39])
    merged = (
        "This is client3.\nWelcome.\nThis machine boots from the network.\nAsk the desk for help.\n"
    )
    (cluster.tree(3) / "motd").write_text(merged)
    cluster.sync(status=0)
    assert (cluster.tree(3) / "motd").read_text() == (
        "This is client3.\nWelcome.\nThis machine has no disk.\nAsk the desk for help, please.\n"
    )
    assert cluster.status()["client3"]["conflicts"] == []


def test_upstream_mending_its_change_releases_the_path(cluster: Cluster) -> None:
    original = (cluster.etc / "motd").read_text()
    (cluster.tree(0) / "motd").write_text("mine\n")
    cluster.write("motd", "theirs\n")
    cluster.sync(status=1)
    cluster.write("motd", original)
    run = by_name(cluster.sync(status=0))
    assert actions(run["client0"]) == {"motd": "release"}
    assert (cluster.tree(0) / "motd").read_text() == "mine\n"
    assert cluster.status()["client0"]["state"] == "drifted"


def test_edits_of_different_lines_merge(cluster: Cluster) -> None:
    config = (cluster.etc / "ssh/sshd_config").read_text()
    (cluster.tree(0) / "ssh/sshd_config").write_text(config.replace("Port 22", "Port 2222"))
    cluster.write("ssh/sshd_config", config.replace("X11Forwarding no", "X11Forwarding yes"))
    run = by_name(cluster.sync())
    assert actions(run["client0"]) == {"ssh/sshd_config": "merge"}
    merged = (cluster.tree(0) / "ssh/sshd_config").read_text()
    assert "Port 2222\n" in merged
    assert "X11Forwarding yes\n" in merged


def test_upstream_policy_heals_and_history_keeps_the_clients_version(cluster: Cluster) -> None:
    (cluster.tree(0) / "pacman.conf").write_text("[options]\nIgnorePkg = linux-of-client0\n")
    run = by_name(cluster.sync())
    assert actions(run["client0"]) == {"pacman.conf": "heal"}
    assert (cluster.tree(0) / "pacman.conf").read_bytes() == (
        cluster.etc / "pacman.conf"
    ).read_bytes()
    assert "linux-of-client0" in cluster.run("git", "client0", "--", "log", "-p").out


def test_client_policy_leaves_the_file_alone_and_shows_it_as_local(cluster: Cluster) -> None:
    (cluster.tree(0) / "hostname").write_text("client0\n")
    cluster.write("hostname", "another-root\n")
    cluster.sync()
    assert (cluster.tree(0) / "hostname").read_text() == "client0\n"
    state = cluster.status()["client0"]
    assert {entry["path"] for entry in state["local"]} == {"hostname", "machine-id"}
    assert state["drift"] == []


def test_mirror_policy_follows_the_live_root_though_git_ignores_the_file(cluster: Cluster) -> None:
    assert (cluster.tree(0) / "ld.so.cache").read_bytes() == (
        cluster.etc / "ld.so.cache"
    ).read_bytes()
    (cluster.etc / "ld.so.cache").write_text("a cache made of other files, version 2\n")
    run = by_name(cluster.sync())
    assert actions(run["client1"]) == {"ld.so.cache": "mirror"}
    assert (cluster.tree(1) / "ld.so.cache").read_text().endswith("version 2\n")
    assert "ld.so.cache" not in git(cluster.tree(1), "ls-files")


def test_drift_is_recorded_shown_and_left_alone(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    (tree / "own.conf").write_text("mine\n")
    (tree / "vconsole.conf").unlink()
    (tree / "hosts").chmod(0o600)
    state = cluster.status()["client0"]
    assert {entry["path"]: entry["change"] for entry in state["drift"]} == {
        "own.conf": "added", "vconsole.conf": "deleted", "hosts": "metadata",
    }  # fmt: skip
    assert state["state"] == "drifted"
    assert cluster.run("status", "--exit-code", status=1)
    run = by_name(cluster.sync())
    assert run["client0"]["actions"] == []
    assert "own.conf" in cluster.run("git", "client0", "--", "show", "--stat").out
    assert (tree / "hosts").stat().st_mode & 0o777 == 0o600


HOSTILE_NAMES = (
    b"with space", b'quote"and\'quote', b"new\nline", b"tab\there", b"\\x2d", b"-dash", b"\xff\xfe",
    b"uml\xc3\xa4ut", b"\x1b[31mred", b"a" * 255, b"sp ace/in\ndir/\xffile",
)  # fmt: skip


def below(place: Path, name: bytes) -> Path:
    return place / os.fsdecode(name)


def test_any_name_and_any_content_arrives(cluster: Cluster) -> None:
    contents = {
        "crlf": b"one\r\ntwo\r\n", "nul": b"a\0b", "no-newline": b"last line", "empty": b"",
        "big": b"a line of text that repeats itself\n" * 150_000,
    }  # fmt: skip
    for name in HOSTILE_NAMES:
        below(cluster.etc, name).parent.mkdir(exist_ok=True, parents=True)
        below(cluster.etc, name).write_bytes(b"content of " + name)
    for name, content in contents.items():
        (cluster.etc / name).write_bytes(content)
    (cluster.etc / "dangling").symlink_to("/nowhere/at all")
    (cluster.etc / "absolute").symlink_to("/etc/hosts")
    cluster.commit()
    cluster.sync()
    tree = cluster.tree(2)
    for name in HOSTILE_NAMES:
        assert below(tree, name).read_bytes() == b"content of " + name
    for name, content in contents.items():
        assert (tree / name).read_bytes() == content
    assert os.readlink(tree / "dangling") == "/nowhere/at all"
    assert os.readlink(tree / "absolute") == "/etc/hosts"
    assert all(client["actions"] == [] for client in cluster.sync()["clients"])

    for name in HOSTILE_NAMES:
        below(tree, name).write_bytes(b"changed by the client")
    drift = {entry["path"] for entry in cluster.status()["client2"]["drift"]}
    assert drift == {os.fsdecode(name) for name in HOSTILE_NAMES}
    text = cluster.run("status").out
    assert "\x1b[31mred" not in text
    cluster.sync()


def test_directories_come_and_go(cluster: Cluster) -> None:
    cluster.write("app/conf.d/one.conf", "1\n")
    cluster.sync()
    (cluster.tree(0) / "app/conf.d/own.conf").write_text("mine\n")
    shutil.rmtree(cluster.etc / "app")
    cluster.commit()
    cluster.sync()
    assert not (cluster.tree(1) / "app").exists()
    assert [p.name for p in (cluster.tree(0) / "app/conf.d").iterdir()] == ["own.conf"]


def test_a_file_that_becomes_a_link_or_a_directory_is_replaced(cluster: Cluster) -> None:
    for path in ("hosts", "motd"):
        (cluster.etc / path).unlink()
    (cluster.etc / "hosts").symlink_to("hosts.real")
    cluster.write("motd/part", "a directory now\n")
    cluster.sync()
    assert os.readlink(cluster.tree(0) / "hosts") == "hosts.real"
    assert (cluster.tree(0) / "motd/part").read_text() == "a directory now\n"


def test_a_reader_never_sees_a_missing_or_short_file_during_80_syncs(tmp_path: Path) -> None:
    cluster = sample_cluster(tmp_path, clients=1)
    settings = load_settings(str(cluster.settings))
    versions = {(cluster.etc / "passwd").read_bytes()}
    broken: list[str] = []
    reads = 0
    stop = threading.Event()

    def read() -> None:
        nonlocal reads
        while not stop.is_set():
            reads += 1
            try:
                content = (cluster.tree(0) / "passwd").read_bytes()
            except FileNotFoundError:
                broken.append("missing")
                continue
            if content not in versions:
                broken.append(f"{len(content)} bytes")

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(80):
            text = f"user{number}:x:{2000 + number}:100::/:/bin/sh\n".encode() * (number % 7 + 1)
            versions.add(text)
            cluster.write("passwd", text)
            run = sync_clients(settings, (), SyncOptions(), no_advance)
            assert [action.path for action in run.clients[0].actions] == ["passwd"]
    finally:
        stop.set()
        reader.join()
    assert broken == []
    assert reads > 1000


def test_special_files_are_warned_about_and_harm_nothing(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    os.mkfifo(tree / "pipe")
    (tree / "motd").unlink()
    os.mkfifo(tree / "motd")
    (tree / "sub/.git").mkdir(parents=True)
    (tree / "sub/file").write_text("beside a nested repository\n")
    (tree / "big").write_bytes(b"\0" * (9 * 1024 * 1024))
    cluster.write("hosts", "127.0.0.1 localhost more\n")
    run = by_name(cluster.sync())
    assert (tree / "hosts").read_text() == "127.0.0.1 localhost more\n"
    warned = {(warning["path"], warning["kind"]) for warning in run["client0"]["warnings"]}
    assert warned >= {
        ("pipe", "special"), ("motd", "special"), ("sub/.git", "nested-git"), ("big", "oversized"),
    }  # fmt: skip
    assert "sub/file" in git(tree, "ls-files")


def test_links_with_names_that_git_minds_hold_up_nobody(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    for name in ("x.gitmodules", ".gitmodules", ".gitattributes", "GIT~1", ".git.", "-rf"):
        (tree / name).symlink_to("/etc/shadow")
    cluster.write("hosts", "127.0.0.1 localhost more\n")
    run = by_name(cluster.sync())
    assert (tree / "hosts").read_text() == "127.0.0.1 localhost more\n"
    assert {warning["path"] for warning in run["client0"]["warnings"]} == {
        ".gitmodules", "GIT~1", ".git.",
    }  # fmt: skip
    assert "x.gitmodules" in git(tree, "ls-files")
    assert all(client["error"] is None for client in run.values())


def test_an_altered_gitfile_is_restored_and_never_followed(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    good = (tree / ".git").read_text()
    (tree / ".git").write_text("gitdir: /somewhere/else\n")
    assert ".git" in {warning["path"] for warning in cluster.status()["client0"]["warnings"]}
    cluster.sync()
    assert (tree / ".git").read_text() == good
    assert cluster.status()["client0"]["warnings"] == []


def test_whatever_stands_in_the_gitfiles_place_keeps_no_client_out_of_sync(
    cluster: Cluster,
) -> None:
    intact = (cluster.tree(0) / ".git").read_text()
    victim = cluster.place / "victim"
    victim.write_text("not a client's\n")
    for number in range(3):
        (cluster.tree(number) / ".git").unlink()
    os.mkfifo(cluster.tree(0) / ".git")
    (cluster.tree(1) / ".git").symlink_to(victim)
    (cluster.tree(2) / ".git").mkdir()
    cluster.write("motd", "news\n")
    cluster.sync()
    for number in range(3):
        place = cluster.tree(number) / ".git"
        assert place.is_file()
        assert not place.is_symlink()
        assert (cluster.tree(number) / "motd").read_text() == "news\n"
    assert (cluster.tree(0) / ".git").read_text() == intact
    assert victim.read_text() == "not a client's\n"


def test_reports_say_what_is_held_and_hide_secrets(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("mine\n")
    (cluster.tree(0) / "sudoers").write_text("a line that only the client has\n")
    cluster.write("motd", "theirs\n", message="")
    cluster.write("sudoers", "a line that only upstream has\n")
    run = by_name(cluster.sync(status=1))
    reports = cluster.state / "reports/client0"
    document = json.loads((reports / "latest.json").read_text())
    assert {conflict["path"] for conflict in document["conflicts"]} == {"motd", "sudoers"}
    text = (reports / "latest.md").read_text()
    assert "motd" in text
    assert "theirs" in text
    for output in (text, (reports / "latest.json").read_text(), cluster.run("diff", "client0").out):
        assert "a line that only" not in output
    assert "differs (secret)" in cluster.run("diff", "client0").out
    ids = {conflict["path"]: conflict["id"] for conflict in run["client0"]["conflicts"]}
    assert cluster.run("conflicts", "show", ids["sudoers"], "--json").json["theirs"]["text"] is None
    assert "mine" in cluster.run("conflicts", "show", ids["motd"]).out
    listed = cluster.run("conflicts", "--json", status=1).json
    assert {c["id"] for c in by_name(listed)["client0"]["conflicts"]} == set(ids.values())


def test_rules_versioned_with_upstream_take_effect_with_their_commit(cluster: Cluster) -> None:
    cluster.write(
        "etcsync/policy.d/site.toml",
        '[[rule]]\npaths = ["/motd"]\nstrategy = "client"\n'
        'clients = ["client1"]\nreason = "its own"\n',
        message="",
    )
    cluster.write("motd", "for all but one\n")
    cluster.sync()
    assert (cluster.tree(0) / "motd").read_text() == "for all but one\n"
    assert (cluster.tree(1) / "motd").read_text() != "for all but one\n"
    explained = cluster.run("policy", "explain", "client1", "motd", "--json").json
    assert explained["treatment"]["strategy"] == "client"
    assert explained["treatment"]["reason"] == "its own"
    assert "etcsync/policy.d" not in " ".join(git(cluster.tree(0), "ls-files").split())


def test_json_is_alone_on_stdout_and_flags_are_understood_anywhere(cluster: Cluster) -> None:
    assert cluster.run("--json", "status").json["schema"] == 1
    assert cluster.run("status", "-v", "--json").json["schema"] == 1
