"""The service under a real systemd: its sandbox lets etcsync do its work, and nothing else.

First the command of the unit is replaced by a script that does, one after the other, what the
daemon does through the same programs; then the daemon itself runs. Everything else of the unit is
as it is installed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.system]

BOOT = Path(__file__).with_name("boot.sh")
ETCSYNC = Path(sys.executable).with_name("etcsync")

PREPARE = f"""
set -ex
{ETCSYNC} init --root /srv/root --clients 'client{{0..1}}'
{ETCSYNC} hooks install
mkdir -p /etc/systemd/system/etcsync.service.d /etc/exports.d /var/lib/nfs /srv/root/boot
cd /etc/systemd/system
cat > etcsync.service.d/test.conf <<END
[Unit]
DefaultDependencies=no
[Service]
ExecStart=
ExecStart=/bin/bash /work-of-test/service.sh
NotifyAccess=all
ReadWritePaths=/work-of-test
Restart=no
WatchdogSec=0
END
cat > srv-clientboot.mount <<END
[Unit]
DefaultDependencies=no
[Mount]
What=/srv/root/boot
Where=/srv/clientboot
Type=none
Options=bind
END
cat > hooktest-end.service <<END
[Unit]
DefaultDependencies=no
After=etcsync.service
[Service]
Type=oneshot
ExecStart=/bin/bash /work-of-test/end.sh
END
cat > hooktest.target <<END
[Unit]
DefaultDependencies=no
Wants=etcsync.service hooktest-end.service
END
cd /srv/root/etc
echo 'no rule at all' > sudoers.d/broken
echo '# sound' > sudoers.d/sound
echo x > setuid; chmod 4755 setuid
echo x > owned; chown 1234:1234 owned
chroot /srv/root etckeeper commit -m change
"""

SERVICE = f"""
cd /work-of-test
try() {{ name=$1; shift; "$@" > "$name.out" 2>&1; echo "$name $?" >> statuses; }}
try sync {ETCSYNC} sync --json
try set-capability setcap cap_net_raw+ep /srv/etc-client0/owned
echo y > /srv/root/etc/owned
try commit env -u TMPDIR chroot /srv/root etckeeper commit -m again
try sync-again {ETCSYNC} sync --json
getcap /srv/etc-client0/owned > capabilities
echo z > /srv/etc-client0/owned
try promote {ETCSYNC} promote client0 owned --json
stat -c '%n %a %u %g' /srv/etc-client0/{{setuid,owned,shadow}} > modes
echo '/srv/root 127.0.0.1(ro,no_subtree_check)' > /etc/exports.d/etcsync.exports
command -v exportfs && try exportfs exportfs -ra
try mount systemctl start srv-clientboot.mount
try sees-mount grep -q /srv/clientboot /proc/self/mountinfo
try connect {sys.executable} -c '
import socket
s = socket.create_server(("127.0.0.1", 9418)); socket.create_connection(("127.0.0.1", 9418))'

try write-etc touch /etc/x
try write-usr touch /usr/x
try write-var touch /var/x
try write-boot touch /boot/x
try see-homes sh -c 'ls -A /root | grep .'
try user-namespace unshare --user true
try read-disk sh -c 'mknod /srv/disk b 254 0 && head -c 1 /srv/disk'
try change-kernel sh -c 'echo 1 > /proc/sys/vm/swappiness'
systemd-notify --ready --status='as it should be'
trap 'echo reloaded >> signals' HUP
trap 'echo stopped >> signals; exit 0' TERM
while :; do sleep 0.1; done
"""

END = """
cd /work-of-test
systemctl show --property ActiveState,StatusText etcsync > started
systemctl reload etcsync
sleep 0.5
systemctl stop etcsync
systemctl show --property ActiveState,Result etcsync > ended

cat > /etc/systemd/system/etcsync.service.d/test.conf <<END
[Unit]
DefaultDependencies=no
[Service]
StandardError=append:/work-of-test/daemon.log
END
systemctl daemon-reload
try() { name=$1; shift; "$@" > "$name.out" 2>&1; echo "$name $?" >> statuses; }
everywhere() {
    for _ in {1..200}; do
        cmp {/srv/root/etc,/srv/etc-client0}/$1 && cmp {/srv/root/etc,/srv/etc-client1}/$1 && return
        sleep 0.1
    done
    return 1
}
commit() { echo "$1" > "/srv/root/etc/$1" && chroot /srv/root etckeeper commit -m "$1"; }
try daemon-starts systemctl start etcsync
systemctl show --property ActiveState,StatusText etcsync > daemon-ready
try daemon-commit commit by-daemon
try daemon-brings everywhere by-daemon
try daemon-reloads systemctl reload etcsync
try daemon-commit-again commit after-reload
try daemon-goes-on everywhere after-reload
systemctl stop etcsync
systemctl show --property ActiveState,Result,NRestarts etcsync > daemon-ended
systemctl --no-block exit 0
"""


@pytest.fixture(scope="module")
def work(debian_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory with what came of booting once."""
    if not os.access("/lib/systemd/systemd", os.X_OK):
        pytest.skip("systemd is not installed")
    if (
        subprocess.run(
            ["findmnt", "--types", "cgroup2"], capture_output=True, check=False
        ).returncode
        != 0
    ):
        pytest.skip("there is no cgroup2 file system to give a systemd of its own")
    work = tmp_path_factory.mktemp("service")
    for name, text in {"prepare": PREPARE, "service": SERVICE, "end": END}.items():
        (work / f"{name}.sh").write_text(text)
    booted = subprocess.run(
        ["bash", BOOT, work, debian_base], capture_output=True, text=True, check=False
    )
    logs = "".join(
        each.read_text() for each in (work / "prepare.log", work / "systemd.log") if each.exists()
    )
    assert (work / "daemon-ended").exists(), booted.stdout + booted.stderr + logs
    return work


@pytest.fixture
def statuses(work: Path) -> dict[str, int]:
    lines = (work / "statuses").read_text().splitlines()
    return {name: int(status) for name, status in map(str.split, lines)}


def output(work: Path, name: str) -> str:
    return (work / f"{name}.out").read_text()


def test_it_brings_files_with_any_owner_mode_and_capability(work, statuses):
    assert statuses["sync"] == 1, output(work, "sync")  # for what is held, see below
    assert statuses["sync-again"] == 1, output(work, "sync-again")
    assert (work / "modes").read_text().splitlines() == [
        "/srv/etc-client0/setuid 4755 0 0",
        "/srv/etc-client0/owned 644 1234 1234",
        "/srv/etc-client0/shadow 640 0 42",
    ]
    assert "cap_net_raw=ep" in (work / "capabilities").read_text()


def test_validators_run_in_it(work):
    said = output(work, "sync")
    assert '"sudoers.d/sound"' in said
    assert "syntax error" in said
    assert "unchecked" not in said


@pytest.mark.parametrize("what", ["commit", "set-capability", "mount", "sees-mount", "connect"])
def test_it_can(work, statuses, what):
    assert statuses[what] == 0, output(work, what)


def test_it_exchanges_files_between_upstream_and_where_they_are_staged(work, statuses):
    assert statuses["promote"] in {0, 1}, output(work, "promote")  # 1: something else is held
    assert '"promoted": [\n    "owned"\n  ]' in output(work, "promote")


@pytest.mark.skipif(shutil.which("exportfs") is None, reason="exportfs is not installed")
def test_it_exports(work, statuses):
    assert statuses["exportfs"] == 0, output(work, "exportfs")


@pytest.mark.parametrize(
    "what",
    [
        "write-etc", "write-usr", "write-var", "write-boot", "see-homes", "user-namespace",
        "read-disk", "change-kernel",
    ],
)  # fmt: skip
def test_it_cannot(work, statuses, what):
    assert statuses[what] != 0, output(work, what)


def test_systemd_knows_when_it_is_ready_and_it_ends_when_told_to(work):
    assert (work / "started").read_text().split("\n")[:2] == [
        "StatusText=as it should be", "ActiveState=active",
    ]  # fmt: skip
    assert (work / "signals").read_text() == "reloaded\nstopped\n"
    assert (work / "ended").read_text().split() == ["Result=success", "ActiveState=inactive"]


def test_it_runs_the_daemon_from_ready_to_stopped(work, statuses):
    log = (work / "daemon.log").read_text()
    wanted = ["starts", "commit", "brings", "reloads", "commit-again", "goes-on"]
    assert {name: statuses[f"daemon-{name}"] for name in wanted} == dict.fromkeys(wanted, 0), log
    ready = (work / "daemon-ready").read_text()
    assert "ActiveState=active\n" in ready
    assert "2 clients" in ready
    assert set((work / "daemon-ended").read_text().split()) == {
        "Result=success", "NRestarts=0", "ActiveState=inactive",
    }  # fmt: skip
    assert log.endswith("ended\n")
