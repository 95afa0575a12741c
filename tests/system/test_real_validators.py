"""Validators and account tools of a real root, on its own configuration files."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, fingerprint

from etcsync.host.confined import run_confined
from etcsync.policy.packs import load_pack
from etcsync.policy.policy import Policy

pytestmark = [pytest.mark.root, pytest.mark.system]

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C"}
FILES = ("passwd", "group", "shadow", "gshadow")

SUDOERS = """\
# Who may do what.
Defaults env_reset

User_Alias ADMINS = alice, bob

root ALL=(ALL:ALL) ALL

@includedir /etc/sudoers.d

# Local rules go below.
"""


def chroot(root: Path, *command: str) -> None:
    done = subprocess.run(
        ["chroot", str(root), *command],
        env=ENVIRONMENT, capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def commit(cluster: Cluster, message: str) -> None:
    chroot(cluster.root, "etckeeper", "commit", message)


def first(document: Any) -> Any:
    return document["clients"][0]


@pytest.fixture
def cluster(debian_root: Path, tmp_path: Path) -> Cluster:
    etc = debian_root / "etc"
    (etc / "sudoers").write_text(SUDOERS)
    (etc / "sudoers").chmod(0o440)
    built = Cluster(tmp_path, debian_root)
    commit(built, "The state that all start from")
    built.write_settings(packs='["base", "debian"]')
    built.run("init", "--root", str(debian_root), "--clients", "client{0..1}")
    assert all(client["conflicts"] == [] for client in built.sync()["clients"])
    return built


@pytest.fixture
def read_only(cluster: Cluster) -> Iterator[Any]:
    """Make the root read-only, as for its clients, when called."""
    root = str(cluster.root)

    def mount() -> None:
        subprocess.run(["mount", "--bind", root, root], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", root], check=True)

    yield mount
    subprocess.run(["umount", "--lazy", root], check=True)


def test_a_merged_sudoers_that_locks_everyone_out_is_held(cluster: Cluster) -> None:
    """Upstream renames the alias of those who may do all; the client had come to rely on it."""
    tree = cluster.tree(0)
    mine = SUDOERS + "ADMINS ALL=(ALL:ALL) ALL\n"
    theirs = SUDOERS.replace("ADMINS = alice, bob", "OPERATORS = alice, bob")
    (tree / "sudoers").write_text(mine)
    (cluster.etc / "sudoers").write_text(theirs)
    (cluster.etc / "motd").write_text("news\n")
    commit(cluster, "Another name")
    for text in (mine, theirs):
        assert visudo(cluster, text) == (0, "sudoers: parsed OK"), "sound by itself"
    before = fingerprint(cluster.root)
    planned, done = cluster.plan(), cluster.sync(status=1)
    assert fingerprint(cluster.root) == before
    assert first(planned)["actions"] == first(done)["actions"]
    (conflict,) = first(done)["conflicts"]
    assert (conflict["path"], conflict["reason"]) == ("sudoers", "invalid")
    merged = theirs + "ADMINS ALL=(ALL:ALL) ALL\n"
    assert visudo(cluster, merged)[1].endswith('User_Alias "ADMINS" referenced but not defined')
    said = 'The validator refused it: sudoers:11:25: User_Alias "…" referenced but not defined'
    for text in outputs(cluster, conflict["id"]):
        assert said in text
        assert not {"ADMINS", "OPERATORS", "alice", "bob"} & set(re.findall(r"\w+", text)), (
            "closed to others, so never quoted"
        )
    assert (tree / "sudoers").read_text() == mine
    assert (tree / "motd").read_text() == "news\n"
    assert (cluster.tree(1) / "sudoers").read_text() == theirs, "only this client is held"

    (tree / "sudoers").write_text(mine.replace("ADMINS ALL", "alice ALL"))
    run = first(cluster.sync())
    assert {action["path"]: action["action"] for action in run["actions"]} == {"sudoers": "merge"}


def test_one_alias_that_both_sides_define_is_refused_where_it_is_not_strict(
    cluster: Cluster,
) -> None:
    cluster.rules.write_text(
        '[[rule]]\npaths = ["/sudoers"]\nvalidate = ["visudo", "-cf", "{file}"]\n'
    )
    host = "Host_Alias WEB = one, two\n"
    (cluster.tree(0) / "sudoers").write_text(SUDOERS + host)
    (cluster.etc / "sudoers").write_text(SUDOERS.replace("User_Alias", f"{host}User_Alias"))
    commit(cluster, "The web servers")
    (conflict,) = first(cluster.sync(status=1))["conflicts"]
    assert 'sudoers:12:26: Alias "…" already defined' in conflict["detail"]


def test_what_upstream_s_sudoers_d_adds_to_a_sudoers_is_looked_at(cluster: Cluster) -> None:
    """Neither file is wrong; read together, sudo would leave out a line."""
    mine = SUDOERS + "User_Alias WEB = alice\nWEB ALL=(ALL:ALL) ALL\n"
    (cluster.tree(0) / "sudoers").write_text(mine)
    (cluster.etc / "sudoers.d/web").write_text("User_Alias WEB = carol\nWEB ALL=(www) ALL\n")
    (cluster.etc / "sudoers.d/web").chmod(0o440)
    (cluster.etc / "sudoers").write_text(SUDOERS.replace("bob", "bob, carol"))
    commit(cluster, "Carol")
    held = {c["path"]: c for c in first(cluster.sync(status=1))["conflicts"]}
    assert held.keys() == {"sudoers"}
    assert 'Alias "…" already defined' in held["sudoers"]["detail"]
    assert (cluster.tree(0) / "sudoers").read_text() == mine
    assert "carol" in (cluster.tree(1) / "sudoers").read_text()


def test_a_file_of_sudoers_d_may_use_what_sudoers_defines(cluster: Cluster) -> None:
    (cluster.etc / "sudoers.d/admins").write_text("ADMINS ALL=(ALL:ALL) NOPASSWD: ALL\n")
    (cluster.etc / "sudoers.d/admins").chmod(0o440)
    commit(cluster, "No password")
    run = cluster.sync()
    assert all(client["conflicts"] == [] for client in run["clients"])
    assert run["warnings"] == []
    (cluster.etc / "sudoers.d/admins").write_text("ADMINS ALL=(ALL:ALL NOPASSWD: ALL\n")
    commit(cluster, "A slip")
    run = cluster.sync(status=1)
    for number, client in enumerate(run["clients"]):
        (conflict,) = client["conflicts"]
        assert (conflict["path"], conflict["reason"]) == ("sudoers.d/admins", "invalid")
        assert "syntax error" in conflict["detail"]
        assert "NOPASSWD" not in conflict["detail"]
        assert "(ALL:ALL) NOPASSWD" in (cluster.tree(number) / "sudoers.d/admins").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "root ALL=(ALL) ALL\n",
        "User_Alias UNUSED = alice\nroot ALL=(ALL:ALL) ALL\n",
        "#includedir /etc/sudoers.d\n@includedir /etc/missing.d\nroot ALL=(ALL) ALL\n",
        "Cmnd_Alias POWER = /sbin/reboot, \\\n  /sbin/poweroff\n%wheel ALL = ALL, !POWER\n",
        None,
    ],
)
def test_a_sound_sudoers_passes_the_strict_check(
    debian_root: Path, tmp_path: Path, text: str | None
) -> None:
    given = (debian_root / "etc/sudoers").read_text() if text is None else text
    assert visudo(Cluster(tmp_path, debian_root), given) == (0, "sudoers: parsed OK")


def visudo(cluster: Cluster, text: str) -> tuple[int | None, str]:
    """Return how the check of the shipped rules ends, in its cell, and the last line it says."""
    command = Policy(load_pack("base"), "client0").treatment("sudoers").validate
    assert command is not None
    status, said = run_confined(
        str(cluster.root), command, name="sudoers", content=text.encode(), limit=10
    )
    lines = [line for line in said.decode().splitlines() if "sudoers.d" not in line]
    return status, next(line for line in reversed(lines) if not line.startswith("Warning:"))


def outputs(cluster: Cluster, conflict: str) -> list[str]:
    """Return what tells why a path is held."""
    reports = cluster.state / "reports/client0"
    return [
        cluster.run("conflicts", "show", conflict).out,
        cluster.run("conflicts", "show", conflict, "--json").json["detail"],
        first(cluster.plan())["conflicts"][0]["detail"],
        (reports / "latest.md").read_text(),
        json.loads((reports / "latest.json").read_text())["conflicts"][0]["detail"],
    ]


def test_a_merged_sshd_config_is_checked_by_sshd(cluster: Cluster, read_only: Any) -> None:
    tree = cluster.tree(0)
    start = (cluster.etc / "ssh/sshd_config").read_text()
    marker = "# Example of overriding settings"
    assert marker in start
    mine = start.replace(marker, f"Match User guest\n\tX11Forwarding no\n\n{marker}")
    (tree / "ssh/sshd_config").write_text(mine)
    (cluster.etc / "ssh/sshd_config").write_text(start + "UseDNS no\n")
    commit(cluster, "No look-ups")
    read_only()
    run = cluster.sync(status=1)
    (conflict,) = first(run)["conflicts"]
    assert (conflict["path"], conflict["reason"]) == ("ssh/sshd_config", "invalid")
    shown = cluster.run("conflicts", "show", conflict["id"]).out
    assert "Directive 'UseDNS' is not allowed within a Match block" in shown
    assert (tree / "ssh/sshd_config").read_text() == mine
    assert (cluster.tree(1) / "ssh/sshd_config").read_text() == start + "UseDNS no\n"

    (tree / "ssh/sshd_config").write_text(start.replace("#Port 22", "Port 2222"))
    cluster.sync()
    merged = (tree / "ssh/sshd_config").read_text()
    assert "Port 2222" in merged
    assert merged.endswith("UseDNS no\n")


def test_a_broken_unit_is_told_by_its_own_tool(cluster: Cluster) -> None:
    cluster.rules.write_text(
        '[[rule]]\npaths = ["/systemd/system/*.service"]\n'
        'validate = ["systemd-analyze", "verify", "--man=no", "{file}"]\n'
    )
    unit = cluster.etc / "systemd/system/beacon.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    commit(cluster, "A unit")
    cluster.sync()
    unit.write_text("[Service]\nExecStrt=/bin/false\n")
    commit(cluster, "A broken unit")
    (conflict,) = first(cluster.sync(status=1))["conflicts"]
    assert "beacon.service:2: Unknown key" in conflict["detail"]
    assert "true" in (cluster.tree(0) / "systemd/system/beacon.service").read_text()


def commit_both(cluster: Cluster, path: str, ours: str, theirs: str) -> Path:
    """Let client0 and upstream each have their own version of a file; return client0's."""
    (cluster.etc / path).write_text(theirs)
    commit(cluster, f"Change {path}")
    mine = cluster.tree(0) / path
    mine.write_text(ours)
    return mine


def held(cluster: Cluster) -> tuple[str, str]:
    """Sync twice and return why one path is held; nothing is written the second time."""
    planned, done = cluster.plan(), cluster.sync(status=1)
    assert first(planned)["actions"] == first(done)["actions"]
    before = fingerprint(cluster.tree(0), cluster.state)
    again = cluster.sync(status=1)
    assert fingerprint(cluster.tree(0), cluster.state) == before
    assert first(again)["conflicts"] == first(done)["conflicts"]
    assert first(again)["actions"] == []
    assert cluster.status()["client0"]["state"] == "conflicted"
    (conflict,) = first(done)["conflicts"]
    return conflict["reason"], conflict["detail"]


@pytest.fixture
def sshd_config(cluster: Cluster) -> str:
    text = (cluster.etc / "ssh/sshd_config").read_text()
    assert "X11Forwarding yes\n" in text
    return text.replace("X11Forwarding yes\n", "X11Forwarding yes\nMaxAuthTries 4\n")


@pytest.fixture
def sshd_sides(cluster: Cluster, sshd_config: str) -> tuple[str, str]:
    """Commit a file with two adjoining settings; return it with the one and the other changed."""
    (cluster.etc / "ssh/sshd_config").write_text(sshd_config)
    commit(cluster, "Few tries")
    cluster.sync()
    return (
        sshd_config.replace("X11Forwarding yes", "X11Forwarding no"),
        sshd_config.replace("MaxAuthTries 4", "MaxAuthTries 3"),
    )


def test_adjoining_keywords_are_merged_when_sshd_accepts_them(
    cluster: Cluster, sshd_sides: tuple[str, str]
) -> None:
    ours, theirs = sshd_sides
    mine = commit_both(cluster, "ssh/sshd_config", ours, theirs)
    planned, done = cluster.plan(), cluster.sync()
    assert first(planned)["actions"] == first(done)["actions"]
    assert {a["path"]: a["action"] for a in first(done)["actions"]} == {"ssh/sshd_config": "merge"}
    assert mine.read_text() == ours.replace("MaxAuthTries 4", "MaxAuthTries 3")
    before = fingerprint(cluster.tree(0), cluster.state)
    assert first(cluster.sync())["actions"] == []
    assert fingerprint(cluster.tree(0), cluster.state) == before


def test_adjoining_keywords_that_sshd_refuses_are_held(
    cluster: Cluster, sshd_sides: tuple[str, str]
) -> None:
    ours, theirs = sshd_sides
    ours = ours.replace("X11Forwarding no", "X11Forwarding perhaps")
    mine = commit_both(cluster, "ssh/sshd_config", ours, theirs)
    reason, detail = held(cluster)
    assert reason == "invalid"
    assert 'unsupported option "perhaps"' in detail
    assert mine.read_text() == ours


def test_without_sshd_nobody_vouches_for_adjoining_keywords(
    cluster: Cluster, sshd_sides: tuple[str, str]
) -> None:
    (cluster.root / "usr/sbin/sshd").unlink()
    ours, theirs = sshd_sides
    mine = commit_both(cluster, "ssh/sshd_config", ours, theirs)
    reason, detail = held(cluster)
    assert reason == "content"
    assert detail.endswith("by section and key, but its validator is not installed in the root.")
    assert mine.read_text() == ours
    assert (cluster.tree(1) / "ssh/sshd_config").read_text() == theirs


UNIT = """\
[Unit]
Description=Beacon
Requires=not-in-this-root.service

[Service]
ExecStart=/usr/bin/not-in-this-root \\
    --quiet
"""


@pytest.mark.parametrize("name", ["beacon.service", "beacon@.service"])
def test_units_are_merged_by_section_when_they_load(cluster: Cluster, name: str) -> None:
    path = f"systemd/system/{name}"
    (cluster.etc / path).write_text(UNIT)
    commit(cluster, "A unit whose program is elsewhere")
    run = cluster.sync()
    assert run["warnings"] == []
    assert (cluster.tree(0) / path).read_text() == UNIT

    header = "[Service]\n"
    theirs = UNIT.replace(header, f"{header}Restart=on-failure\n")
    mine = commit_both(cluster, path, UNIT.replace(header, f"{header}User=beacon\n"), theirs)
    assert cluster.sync()["warnings"] == []
    merged = UNIT.replace(header, f"{header}Restart=on-failure\nUser=beacon\n")
    assert mine.read_text() == merged

    theirs = theirs.replace("Restart=on-failure", "Restart=always")
    ours = merged.replace("User=beacon", "User=beacon\nExecStart=bin/not-absolute")
    mine = commit_both(cluster, path, ours, theirs)
    reason, detail = held(cluster)
    assert reason == "invalid"
    assert "bin/not-absolute" in detail
    assert mine.read_text() == ours


def test_upstream_s_own_units_are_refused_only_if_they_do_not_load(cluster: Cluster) -> None:
    units = {
        "good.service": "[Service]\nExecStart=/bin/true\n",
        "good.socket": "[Socket]\nListenStream=1\n",
        "good.target": "[Unit]\nAfter=missing.service\nRequires=missing.service\n",
        "masked.service": "",
        "good@.timer": "[Timer]\nOnCalendar=daily\n",
        "warned.service": "[Service]\nExecStart=/bin/true\nNewerThanThisSystemd=yes\n",
        "bad.service": "[Service\nExecStart=/bin/true\n",
        "bad@.service": "[Service]\nExecStart=bin/true\n",
    }
    for name, text in units.items():
        (cluster.etc / "systemd/system" / name).write_text(text)
    commit(cluster, "Units")
    run = cluster.sync(status=1)
    assert run["warnings"] == []
    assert {
        each["path"].rpartition("/")[2]: each["reason"] for each in first(run)["conflicts"]
    } == {
        "bad.service": "invalid",
        "bad@.service": "invalid",
    }


def test_pacman_conf_is_merged_by_section_where_a_rule_wants_it(cluster: Cluster) -> None:
    cluster.rules.write_text(
        '[[rule]]\npaths = ["/pacman.conf"]\nstrategy = "merge"\n'
        'validate = ["pacman-conf", "--config", "{file}"]\n'
    )
    start = (cluster.etc / "pacman.conf").read_text()
    start = start.replace("#NoProgressBar\nCheckSpace\n#VerbosePkgLists\n", "")
    assert "#Color\nParallelDownloads = 5\n" in start
    (cluster.etc / "pacman.conf").write_text(start)
    commit(cluster, "Less")
    cluster.sync()
    ours = start.replace("#Color", "Color")
    mine = commit_both(
        cluster, "pacman.conf", ours, start.replace("Downloads = 5", "Downloads = 8")
    )
    cluster.sync()
    assert mine.read_text() == ours.replace("Downloads = 5", "Downloads = 8")

    ours = mine.read_text().replace("Color", "Color\nSigLevel = Bogus")
    mine = commit_both(
        cluster, "pacman.conf", ours, start.replace("Downloads = 5", "Downloads = 9")
    )
    reason, detail = held(cluster)
    assert reason == "invalid"
    assert "invalid value for 'SigLevel'" in detail


def useradd(cluster: Cluster, tree: Path, name: str, number: int) -> None:
    """Run the root's useradd with ``tree`` as its /etc, as a client does."""
    script = 'mount --bind "$1" "$2/etc" && shift && exec chroot "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", script, "sh", str(tree), str(cluster.root),
         "useradd", "-M", "-d", "/", "-u", str(number), name],
        env=ENVIRONMENT, capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def names(tree: Path, path: str) -> set[str]:
    return {line.split(":")[0] for line in (tree / path).read_text().splitlines()}


def test_users_that_are_added_while_etcsync_writes_are_all_there_in_the_end(
    cluster: Cluster,
) -> None:
    tree = cluster.tree(0)
    failed: list[BaseException] = []

    def add_users() -> None:
        try:
            for number in range(40):
                useradd(cluster, tree, f"local{number}", 2000 + number)
        except AssertionError as error:
            failed.append(error)

    client = threading.Thread(target=add_users)
    client.start()
    services = 0
    while client.is_alive() or services < 3:
        chroot(cluster.root, "useradd", "-r", "-d", "/", "-u", str(500 + services), f"s{services}")
        commit(cluster, "A service")
        services += 1
        cluster.sync(status=None)
    client.join()
    assert failed == []
    assert first(cluster.sync())["conflicts"] == []
    expected = {f"local{number}" for number in range(40)} | {f"s{n}" for n in range(services)}
    for path in FILES:
        assert expected <= names(tree, path), path
        assert os.stat(tree / path).st_mode == os.stat(cluster.etc / path).st_mode
