"""Validators and account tools of a real root, on its own configuration files."""

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, fingerprint

pytestmark = [pytest.mark.root, pytest.mark.system]

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C"}
FILES = ("passwd", "group", "shadow", "gshadow")

SUDOERS = """\
# Who may do what.
Defaults env_reset

User_Alias ADMINS = alice, bob

root ALL=(ALL:ALL) ALL

# Local rules go below.
"""

VISUDO = r"""
[ "$1" = -cf ] || exit 2
number=0
while IFS= read -r line; do
    number=$((number + 1))
    case $line in
        ADMINS*) grep -q '^User_Alias ADMINS' "$2" && continue
                 echo ">>> $2: syntax error near line $number <<<" >&2
                 echo "$line" >&2
                 echo "parse error in $2 near line $number" >&2
                 exit 1 ;;
    esac
done < "$2"
echo "$2: parsed OK"
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
    visudo = debian_root / "usr/sbin/visudo"
    visudo.write_text(f"#!/bin/sh\n{VISUDO}")
    visudo.chmod(0o755)
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
    tree = cluster.tree(0)
    mine = SUDOERS + "ADMINS ALL=(ALL:ALL) ALL\n"
    (tree / "sudoers").write_text(mine)
    (cluster.etc / "sudoers").write_text(
        SUDOERS.replace("User_Alias ADMINS = alice, bob\n", "# nobody else\n")
    )
    (cluster.etc / "motd").write_text("news\n")
    commit(cluster, "Nobody else")
    before = fingerprint(cluster.root)
    planned, done = cluster.plan(), cluster.sync(status=1)
    assert fingerprint(cluster.root) == before
    assert first(planned)["actions"] == first(done)["actions"]
    (conflict,) = first(done)["conflicts"]
    assert (conflict["path"], conflict["reason"]) == ("sudoers", "invalid")
    shown = cluster.run("conflicts", "show", conflict["id"]).out
    assert "The validator refused it: >>> sudoers: syntax error near line 9 <<<" in shown
    assert "parse error in sudoers near line 9" in shown
    assert "ADMINS" not in shown, "closed to others, so never quoted"
    assert (tree / "sudoers").read_text() == mine
    assert (tree / "motd").read_text() == "news\n"
    assert "nobody else" in (cluster.tree(1) / "sudoers").read_text()

    (tree / "sudoers").write_text(mine.replace("ADMINS ALL", "alice ALL"))
    run = first(cluster.sync())
    assert {action["path"]: action["action"] for action in run["actions"]} == {"sudoers": "merge"}


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
