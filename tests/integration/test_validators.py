"""No content is put in place that its validator refuses; the rest goes on."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cluster import CLEAN_ENVIRONMENT, Cluster, fingerprint, sample_cluster
from small_root import add_script, build_small_root

from etcsync.entries import blob_oid
from etcsync.reconcile.validators import PATIENCE, Check, Validators

pytestmark = pytest.mark.root

BOTH = 'if grep -q alpha "$1" && grep -q omega "$1"; then echo "$1:2: $SAID"; exit 3; fi'
START = "first\nsecond\nthird\nfourth\nfifth\n"


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    built = sample_cluster(tmp_path, clients=3)
    build_small_root(built.root)
    built.write("app.conf", START, message="")
    rule(built, "/app.conf", '"app-check", "{file}"')
    built.write("other.conf", "other\n")
    check_with(built, "exit 0")
    built.sync()
    return built


def rule(cluster: Cluster, path: str, validate: str, more: str = "") -> None:
    with cluster.rules.open("a") as stream:
        stream.write(f'[[rule]]\npaths = ["{path}"]\nvalidate = [{validate}]\n{more}\n')


def check_with(cluster: Cluster, script: str, name: str = "app-check") -> None:
    add_script(cluster.root, f"usr/sbin/{name}", script)


def change_both_sides(cluster: Cluster, number: int = 0) -> None:
    """Change a file on a client and upstream, so that it merges to what `BOTH` refuses."""
    (cluster.tree(number) / "app.conf").write_text(START.replace("first", "alpha"))
    cluster.write("other.conf", "other, changed\n", message="")
    cluster.write("app.conf", START.replace("fifth", "omega"))


def clients(document: Any) -> dict[str, Any]:
    return {client["name"]: client for client in document["clients"]}


def acts(client: Any) -> dict[str, str]:
    return {action["path"]: action["action"] for action in client["actions"]}


def test_a_merge_that_is_refused_is_held_with_the_validator_s_words(cluster: Cluster) -> None:
    check_with(cluster, BOTH.replace("$SAID", "both are too much"))
    change_both_sides(cluster)
    places = [cluster.root, cluster.place]
    before = fingerprint(*places)
    planned = cluster.plan()
    assert fingerprint(*places) == before, "plan wrote something"
    done = cluster.sync(status=1)
    for was_planned, was_done in zip(planned["clients"], done["clients"], strict=True):
        assert was_planned["actions"] == was_done["actions"]
    held = clients(done)["client0"]
    assert acts(held) == {"app.conf": "hold", "other.conf": "write"}
    assert (cluster.tree(0) / "app.conf").read_text() == START.replace("first", "alpha")
    (conflict,) = held["conflicts"]
    assert conflict["reason"] == "invalid"
    assert conflict["detail"] == "The validator refused it: app.conf:2: both are too much"
    assert "app.conf:2: both are too much" in cluster.run("conflicts", "show", conflict["id"]).out
    report = (cluster.state / "reports/client0/latest.md").read_text()
    assert "both are too much" in report
    assert acts(clients(done)["client1"]) == {"app.conf": "write", "other.conf": "write"}
    assert cluster.status()["client0"]["state"] == "conflicted"
    assert cluster.status()["client0"]["drift"] == []
    assert done["warnings"] == []


def test_while_it_is_refused_a_run_writes_nothing_and_then_it_is_released(cluster: Cluster) -> None:
    check_with(cluster, BOTH.replace("$SAID", "at $(date +%s%N)"))
    change_both_sides(cluster)
    cluster.sync(status=1)
    trees = [cluster.tree(number) for number in range(3)]
    before = fingerprint(*trees, cluster.state, cluster.root)
    again = cluster.sync(status=1)
    assert fingerprint(*trees, cluster.state, cluster.root) == before
    assert all(client["actions"] == [] for client in again["clients"])

    check_with(cluster, "exit 0")
    run = clients(cluster.sync())
    assert acts(run["client0"]) == {"app.conf": "merge"}
    merged = START.replace("first", "alpha").replace("fifth", "omega")
    assert (cluster.tree(0) / "app.conf").read_text() == merged


def test_what_upstream_itself_got_wrong_reaches_nobody(cluster: Cluster) -> None:
    check_with(cluster, 'grep -n bad "$1" && exit 1; exit 0')
    cluster.write("app.conf", "bad\n")
    run = clients(cluster.sync(status=1))
    for name, client in run.items():
        assert acts(client) == {"app.conf": "hold"}
        assert (cluster.tree(name) / "app.conf").read_text() == START
        assert client["conflicts"][0]["detail"] == "The validator refused it: 1:bad"
    cluster.write("app.conf", "good\n")
    assert acts(clients(cluster.sync())["client2"]) == {"app.conf": "write"}


def test_one_content_is_looked_at_once_for_all(cluster: Cluster, tmp_path: Path) -> None:
    for number in range(1, 3):
        (cluster.tree(number) / "app.conf").write_text(START.replace("first", "alpha"))
    change_both_sides(cluster)
    log = tmp_path / "strace.log"
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=execve", "-o", str(log), sys.executable,
         "-m", "etcsync", "--config", str(cluster.settings), "sync"],
        env=CLEAN_ENVIRONMENT, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    calls = re.findall(r'execve\("/usr/sbin/app-check".* = 0$', log.read_text(), re.MULTILINE)
    assert len(calls) == 1
    assert (cluster.tree(2) / "app.conf").read_text().endswith("omega\n")


def test_words_are_bounded_and_steer_no_terminal(cluster: Cluster) -> None:
    check_with(cluster, "printf '\\033[2J\\033]0;owned\\007 \\302\\233 \\377 <b>\\n\\n two\\n'; "
               "yes word | head -n 100000; exit 1")  # fmt: skip
    cluster.write("app.conf", "any\n")
    run = clients(cluster.sync(status=1))
    conflict = run["client0"]["conflicts"][0]
    assert "; two; word; word" in conflict["detail"]
    assert len(conflict["detail"]) < 500
    shown = cluster.run("conflicts", "show", conflict["id"]).out
    assert "\\x1b[2J" in shown
    for text in (
        shown,
        cluster.run("plan", status=None).out,
        cluster.run("sync", status=None).out,
        (cluster.state / "reports/client0/latest.md").read_text(),
    ):
        assert not {"\x1b", "\x9b", "\x07"} & set(text)


def test_a_secret_path_tells_only_that_it_was_refused(cluster: Cluster) -> None:
    check_with(cluster, 'cat "$1"; exit 1')
    rule(cluster, "/app.conf", '"app-check", "{file}"', "secret = true")
    cluster.write("app.conf", "password hunter2\n")
    run = clients(cluster.sync(status=1))
    assert run["client0"]["conflicts"][0]["detail"] == "The validator refused it."


def test_a_file_closed_to_others_is_not_quoted(cluster: Cluster) -> None:
    check_with(cluster, 'echo "$1:3: syntax error near \\"hunter2\\""; cat "$1"; exit 1')
    (cluster.etc / "app.conf").chmod(0o600)
    rule(cluster, "/closed.conf", '"app-check", "{file}"')
    (cluster.etc / "closed.conf").write_text("closed.conf\nmagic word\nlet=me:in hunter2 error\n")
    (cluster.etc / "closed.conf").chmod(0o600)
    metadata = "# Generated by etckeeper.  Do not edit.\n\nmaybe chmod 0600 'closed.conf'\n"
    cluster.write(".etckeeper", metadata)
    run = clients(cluster.sync(status=1))
    (conflict,) = run["client0"]["conflicts"]
    assert conflict["detail"] == (
        'The validator refused it: closed.conf:3: syntax error near "…"; '
        "closed.conf; … …; … … error"
    )


def test_a_validator_that_is_not_installed_is_a_warning(cluster: Cluster) -> None:
    (cluster.root / "usr/sbin/app-check").unlink()
    change_both_sides(cluster)
    planned, done = cluster.plan(), cluster.sync()
    assert done["warnings"] == planned["warnings"]
    (warning,) = done["warnings"]
    assert (warning["path"], warning["kind"]) == ("app.conf", "unchecked")
    assert "not installed" in warning["detail"]
    assert acts(clients(done)["client0"])["app.conf"] == "merge"


def test_a_root_without_programs_is_one_warning(cluster: Cluster) -> None:
    (cluster.root / "bin/sh").unlink()
    rule(cluster, "/other.conf", '"app-check", "{file}"')
    change_both_sides(cluster)
    done = cluster.run("sync")
    assert done.out.count("unchecked") == 1
    assert "no validator was run" in done.out
    assert "omega" in (cluster.tree(0) / "app.conf").read_text()


def test_a_root_of_another_architecture_is_one_warning(cluster: Cluster) -> None:
    foreign = b"\x7fELF\2\1\1" + bytes(9) + b"\2\0\xf3\0" + bytes(44)
    (cluster.root / "bin/sh").write_bytes(foreign)
    change_both_sides(cluster)
    (warning,) = cluster.sync()["warnings"]
    assert "cannot run the programs" in warning["detail"]


SSHD = "Port 22\nX11Forwarding yes\nPrintMotd no\n"


def change_adjoining_keywords(cluster: Cluster) -> Path:
    """Change two adjoining lines of sshd_config, one on a client and one upstream."""
    cluster.write("ssh/sshd_config", SSHD)
    cluster.sync()
    mine = cluster.tree(0) / "ssh/sshd_config"
    mine.write_text(SSHD.replace("yes", "no"))
    cluster.write("ssh/sshd_config", SSHD.replace("Motd no", "Motd yes"))
    return mine


@pytest.mark.parametrize(
    ("missing", "obstacle"),
    [
        ("bin/sh", "no validator can be run here"),
        ("usr/sbin/sshd", "its validator is not installed in the root"),
    ],
)
def test_what_merges_by_section_is_held_while_nobody_can_vouch_for_it(
    cluster: Cluster, missing: str, obstacle: str
) -> None:
    add_script(cluster.root, "usr/sbin/sshd", "exit 0")
    mine = change_adjoining_keywords(cluster)
    ours = mine.read_text()
    program = cluster.root / missing
    aside = program.rename(program.with_name("aside"))
    planned, done = cluster.plan(), cluster.sync(status=1)
    assert planned["clients"][0]["actions"] == done["clients"][0]["actions"]
    before = fingerprint(cluster.tree(0), cluster.state)
    again = clients(cluster.sync(status=1))["client0"]
    assert fingerprint(cluster.tree(0), cluster.state) == before
    assert again["conflicts"] == clients(done)["client0"]["conflicts"]
    (conflict,) = again["conflicts"]
    assert conflict["reason"] == "content"
    assert conflict["detail"].endswith(f"by section and key, but {obstacle}.")
    assert cluster.status()["client0"]["state"] == "conflicted"
    assert mine.read_text() == ours

    aside.rename(program)
    assert acts(clients(cluster.sync())["client0"]) == {"ssh/sshd_config": "merge"}
    assert mine.read_text() == ours.replace("Motd no", "Motd yes")


def test_what_merges_by_section_and_is_refused_is_held_with_the_validator_s_words(
    cluster: Cluster,
) -> None:
    add_script(
        cluster.root, "usr/sbin/sshd", 'grep -q "Motd yes" "$3" && echo no && exit 1; exit 0'
    )
    mine = change_adjoining_keywords(cluster)
    (conflict,) = clients(cluster.sync(status=1))["client0"]["conflicts"]
    assert (conflict["reason"], conflict["detail"]) == ("invalid", "The validator refused it: no")
    assert mine.read_text() == SSHD.replace("yes", "no")


def test_what_merges_by_section_is_held_where_no_rule_names_a_validator(cluster: Cluster) -> None:
    add_script(cluster.root, "usr/sbin/sshd", "exit 0")
    rule(cluster, "/ssh/sshd_config", "")
    mine = change_adjoining_keywords(cluster)
    (conflict,) = clients(cluster.sync(status=1))["client0"]["conflicts"]
    assert conflict["reason"] == "content"
    assert "no rule names a validator that could vouch for it" in conflict["detail"]
    shown = cluster.run("conflicts", "show", conflict["id"]).out
    assert "no rule names a validator" in shown

    mine.write_text("Port 22\nX11Forwarding no\nPrintMotd yes\n")
    assert acts(clients(cluster.sync())["client0"]) == {"ssh/sshd_config": "release"}


def test_a_group_is_held_with_the_one_that_is_refused(cluster: Cluster) -> None:
    rule(cluster, "/pair.*", "", 'group = "pair"')
    rule(cluster, "/pair.b", '"app-check", "{file}"')
    check_with(cluster, 'grep -q wrong "$1" && exit 1; exit 0')
    for name in ("pair.a", "pair.b"):
        cluster.write(name, "1\n", message="")
    cluster.commit()
    cluster.sync()
    cluster.write("pair.a", "2\n", message="")
    cluster.write("pair.b", "wrong\n")
    run = clients(cluster.sync(status=1))
    reasons = {held["path"]: held["reason"] for held in run["client0"]["conflicts"]}
    assert reasons == {"pair.a": "group", "pair.b": "invalid"}
    assert (cluster.tree(0) / "pair.a").read_text() == "1\n"


def test_one_that_gives_no_answer_is_waited_for_ten_seconds(cluster: Cluster) -> None:
    check_with(cluster, 'grep -q slow "$1" && exec sleep 60; exit 0')
    cluster.write("app.conf", "slow\n", message="")
    cluster.write("other.conf", "changed\n")
    started = time.monotonic()
    run = clients(cluster.sync(status=1))
    assert 10 < time.monotonic() - started < 25
    (conflict,) = run["client0"]["conflicts"]
    assert conflict["detail"] == "The validator gave no answer within 10 seconds."
    assert (cluster.tree(0) / "other.conf").read_text() == "changed\n"


def asked(validators: Validators, contents: dict[bytes, str], command: tuple[str, ...]) -> int:
    """Ask about contents, each of the named client, and return how many were refused."""
    blobs = {blob_oid(content): content for content in contents}
    checks = {
        Check(command, "file", blob_oid(content)): client for content, client in contents.items()
    }
    validators.ask(checks, blobs.__getitem__)
    return sum(validators.refusal(check) is not None for check in checks)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_small_root(tmp_path_factory.mktemp("root"))


def test_one_that_never_answers_is_given_up_after_some_clients(root: Path) -> None:
    validators = Validators(str(root), limit=0.4)
    contents = {b"%d" % number: f"client{number}" for number in range(200)}
    started = time.monotonic()
    assert asked(validators, contents, ("sleep", "60")) == 200
    assert time.monotonic() - started < 0.4 * (PATIENCE + 32) + 5
    assert asked(validators, {b"1": "client1"}, ("grep", "1", "{file}")) == 0


def test_one_client_alone_does_not_exhaust_that_patience(root: Path) -> None:
    validators = Validators(str(root), limit=0.2)
    script = 'grep -q wait "$1" && exec sleep 9; exit 0'
    command = ("sh", "-c", script, "sh", "{file}")
    hanging = {b"wait %d" % number: "bad" for number in range(PATIENCE + 1)}
    assert asked(validators, hanging, command) == PATIENCE + 1
    assert asked(validators, {b"good": "good"}, command) == 0


def test_without_root_none_is_run(root: Path) -> None:
    validators = Validators(str(root))
    os.seteuid(65534)
    try:
        assert asked(validators, {b"x": "client0", b"y": "client1"}, ("false",)) == 0
    finally:
        os.seteuid(0)
    (warning,) = validators.warnings
    assert "only root can run programs" in warning.detail


def test_what_a_validator_refuses_is_not_promoted(cluster: Cluster) -> None:
    check_with(cluster, 'grep -n bad "$1" && exit 1; exit 0')
    (cluster.tree(0) / "app.conf").write_text("bad\n")
    done = cluster.run("promote", "client0", "app.conf", "--json", status=1).json
    assert done["commit"] is None
    assert done["left_out"] == [{"path": "app.conf", "reason": "The validator refused it: 1:bad"}]
    (cluster.tree(0) / "app.conf").write_text("good\n")
    assert cluster.run("promote", "client0", "app.conf", "--json").json["promoted"] == ["app.conf"]
