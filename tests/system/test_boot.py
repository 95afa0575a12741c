"""One client writes /boot: granted, moved, repaired, revoked; and never two at once."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import fingerprint, git, sample_cluster
from nfs_server import Server

from etcsync.host.fstab import BEGIN, END

pytestmark = [pytest.mark.root, pytest.mark.system]

STEP = 9
"""Every so-manieth call is a point to die at; all of them were tried once."""

CALLS = "rename,renameat2,link,unlink,unlinkat,rmdir,mkdir,vfork,mount,umount2"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server.of(sample_cluster(tmp_path / "c", clients=3), tmp_path / "server") as server:
        server.give_addresses(2)
        (server.cluster.root / "boot").mkdir()
        (server.cluster.root / "boot/vmlinuz").write_text("kernel\n")
        yield server


def mount(server: Server) -> Path:
    return server.cluster.place / "clientboot"


def fstab(server: Server) -> Path:
    return server.place / "etc/fstab"


def client_fstab(server: Server, number: int) -> str:
    place = server.cluster.tree(number) / "fstab"
    return place.read_text() if place.exists() else ""


def boot_exports(server: Server) -> list[str]:
    return [each for each in server.etab if each.startswith(f"{mount(server)} ")]


def outside(content: bytes) -> bytes:
    """Return an fstab without the marked block, cut out by other means than etcsync's."""
    before, begin, rest = content.partition(BEGIN + b"\n")
    return before + rest.partition(END + b"\n")[2] if begin else content


def check_granted(server: Server, number: int) -> None:
    assert server.mounted(mount(server))
    assert server.output("cat", mount(server) / "vmlinuz") == "kernel\n"
    assert boot_exports(server) == [server.exported(mount(server), f"192.168.78.{50 + number}")]
    line = f"192.168.78.1:{mount(server)} /boot nfs rw 0 0\n"
    assert line in client_fstab(server, number)
    for other in {0, 1, 2} - {number}:
        assert "etcsync" not in client_fstab(server, other)
    assert server.etcsync("boot", "status", "--json").json["complete"] is True


def test_granted_moved_and_revoked(server: Server) -> None:
    own = b"# mine\n/dev/sda1\t/ ext4 defaults\n\xff odd\n"
    fstab(server).write_bytes(own)
    (server.cluster.tree(0) / "fstab").write_text("tmpfs /tmp tmpfs")
    (server.cluster.tree(0) / "fstab").chmod(0o640)
    server.etcsync("sync")
    server.etcsync("boot", "grant", "client0")
    check_granted(server, 0)
    assert outside(fstab(server).read_bytes()) == own
    line = f"{server.cluster.root}/boot {mount(server)} none bind 0 0"
    assert line.encode() in fstab(server).read_bytes()
    assert client_fstab(server, 0).startswith("tmpfs /tmp tmpfs\n")
    assert (server.cluster.tree(0) / "fstab").stat().st_mode & 0o7777 == 0o640

    status = server.etcsync("status", "client0", "--json").json["clients"][0]
    assert status["state"] == "synced"
    assert "fstab" in [each["path"] for each in status["local"]]
    (entry, *_) = server.etcsync("log", "client0", "fstab", "--json").json["entries"]
    assert entry["cause"] == "boot"
    assert git(server.cluster.tree(0), "show", "HEAD:fstab") == client_fstab(server, 0)

    server.etcsync("boot", "grant", "client1")
    check_granted(server, 1)
    assert client_fstab(server, 0) == "tmpfs /tmp tmpfs"
    assert server.etcsync("client", "remove", "client1", status=2).err.count("boot revoke") == 1

    server.etcsync("boot", "revoke")
    assert fstab(server).read_bytes() == own
    assert not server.mounted(mount(server))
    assert not mount(server).exists()
    assert boot_exports(server) == []
    assert "etcsync" not in client_fstab(server, 1)
    assert 'writer = ""' in server.cluster.settings.read_text()
    assert not (server.cluster.state / "boot.json").exists()
    assert (server.cluster.root / "boot/vmlinuz").read_text() == "kernel\n"


def test_a_sync_puts_right_what_departed_and_then_has_nothing_to_do(server: Server) -> None:
    server.etcsync("boot", "grant", "client0")
    server.output("umount", mount(server))
    fstab(server).write_text("# somebody has written it anew\n")
    (server.cluster.tree(0) / "fstab").write_text("# and the client, too\n")
    missing = server.etcsync("boot", "status", "--json", status=1).json["pieces"]
    assert {e["name"] for e in missing if not e["present"]} == {
        "bind-mount", "server-fstab", "client-fstab",
    }  # fmt: skip
    planned = server.etcsync("plan", "client0", "--json").json["clients"][0]["actions"]
    assert [each["path"] for each in planned] == ["fstab"]
    server.etcsync("sync")
    check_granted(server, 0)
    assert client_fstab(server, 0).startswith("# and the client, too\n")
    places = (server.place / "etc", server.place / "nfs", server.cluster.state,
              server.cluster.tree(0))  # fmt: skip
    before = fingerprint(*places)
    started = server.place / "started"
    tracing = ("strace", "-f", "-qq", "-o", started, "-e", "trace=execve")
    server.output(*tracing, *server.command("sync"))
    assert not {"exportfs", "mount", "umount", "systemctl"} & {
        line.split('"')[1].rpartition("/")[2]
        for line in started.read_text().splitlines()
        if "execve(" in line
    }
    after = fingerprint(*places)
    assert {p for p in after if after[p] != before.get(p)} <= {str(server.cluster.state / "lock")}


def test_an_export_that_cannot_be_withdrawn_stays_where_it_is(server: Server) -> None:
    server.etcsync("boot", "grant", "client0")
    server.set("exports", 'client_options = "rw,frobnicate"')
    answer = server.etcsync("boot", "grant", "client1", status=3)
    assert "frobnicate" in answer.err
    only = [server.exported(mount(server), "192.168.78.50")]
    assert boot_exports(server) == only
    before = fingerprint(server.place / "nfs")
    server.etcsync("sync", status=3)
    assert fingerprint(server.place / "nfs") == before, "not tried again"
    server.set("exports", 'client_options = "rw,subtree_check"')
    server.etcsync("sync")
    check_granted(server, 1)


STAND_IN = """\
#!/bin/sh
# Does what systemd does: it mounts what it has read in fstab when it was told to read it.
set -e
echo "$*" >> {log}
case $1 in
daemon-reload) cp /etc/fstab {read} ;;
start) mount --fstab {read} "$3" ;;
stop) umount "$3" ;;
esac
"""


def test_where_systemd_is_in_charge_it_makes_the_mount(server: Server) -> None:
    log, read = server.place / "log", server.place / "read"
    programs = server.place / "programs"
    programs.mkdir()
    (programs / "systemctl").write_text(STAND_IN.format(log=log, read=read))
    (programs / "systemctl").chmod(0o755)
    server.output("mount", "--bind", programs, "/usr/local/sbin")
    server.output("mount", "-t", "tmpfs", "none", "/run")
    server.output("mkdir", "-p", "/run/systemd/system")
    server.etcsync("boot", "grant", "client0")
    check_granted(server, 0)
    server.etcsync("boot", "revoke")
    assert not mount(server).exists()
    assert log.read_text().splitlines() == [
        "daemon-reload", "daemon-reload", f"start -- {mount(server)}",
        f"stop -- {mount(server)}", "daemon-reload",
    ]  # fmt: skip


def test_the_settings_alone_say_who_writes(server: Server) -> None:
    server.set("boot", 'writer = "client1"')
    server.etcsync("sync")
    check_granted(server, 1)
    server.set("boot", 'writer = "client0"')
    server.etcsync("sync")
    check_granted(server, 0)
    server.set("boot", f'mount = "{server.cluster.place}/second"')
    server.etcsync("sync")
    assert not mount(server).exists()
    assert server.mounted(server.cluster.place / "second")
    server.set("boot", 'writer = ""')
    server.etcsync("sync")
    assert not (server.cluster.place / "second").exists()
    assert "etcsync" not in fstab(server).read_text() + client_fstab(server, 0)
    assert not (server.cluster.state / "boot.json").exists()


def test_the_guides_hand_made_pieces_are_taken_over(server: Server) -> None:
    mount(server).mkdir()
    server.output("mount", "--bind", server.cluster.root / "boot", mount(server))
    hand = f"{server.cluster.root}/boot  {mount(server)} none    bind\n"
    fstab(server).write_text(hand)
    line = f"192.168.78.1:{mount(server)}    /boot   nfs     rw  0   0\n"
    (server.cluster.tree(0) / "fstab").write_text(f"# first\n{line}# last\n")
    exports = f"{mount(server)} 192.168.78.50(rw,no_root_squash,subtree_check)\n"
    (server.place / "etc/exports").write_text(exports)
    refused = server.etcsync("boot", "grant", "client0", status=3)
    assert f"/etc/exports:1: {exports.strip()}" in refused.err
    assert "writer =" not in server.cluster.settings.read_text()
    (server.place / "etc/exports").write_text("")
    server.etcsync("boot", "grant", "client0")
    check_granted(server, 0)
    assert fstab(server).read_text() == hand
    assert [each.split()[:2] for each in client_fstab(server, 0).splitlines()] == [
        ["#", "first"], BEGIN.decode().split()[:2], [f"192.168.78.1:{mount(server)}", "/boot"],
        END.decode().split()[:2], ["#", "last"],
    ]  # fmt: skip


def test_a_line_that_mounts_it_in_another_way_stays(server: Server) -> None:
    line = f"192.168.78.1:{mount(server)} /boot nfs4 rw,nofail 0 0\n"
    (server.cluster.tree(0) / "fstab").write_text(line)
    server.etcsync("boot", "grant", "client0")
    assert client_fstab(server, 0) == line


def test_what_is_mounted_there_already_is_never_covered(server: Server) -> None:
    mount(server).mkdir()
    server.output("mount", "-t", "tmpfs", "none", mount(server))
    assert "something else" in server.etcsync("boot", "grant", "client0", status=3).err
    assert boot_exports(server) == []
    assert server.output("findmnt", "-no", "FSTYPE", mount(server)).split() == ["tmpfs"]
    server.output("umount", mount(server))
    server.etcsync("sync")
    check_granted(server, 0)


def test_a_mount_in_use_is_named_and_goes_with_the_next_call(server: Server) -> None:
    server.etcsync("boot", "grant", "client0")
    keeper = server.start("sleep", "1000", cwd=mount(server))
    try:
        answer = server.etcsync("boot", "revoke", status=3)
        assert "(sleep)" in answer.err
        assert boot_exports(server) == [], "the export went first"
        assert server.etcsync("boot", "status", status=1).out.count("left over") >= 2
    finally:
        keeper.kill()
        keeper.wait()
    server.etcsync("sync")
    assert not mount(server).exists()
    assert "etcsync" not in client_fstab(server, 0)
    server.etcsync("boot", "status")


@pytest.mark.parametrize("kind", ["link", "fifo", "huge"])
def test_a_fstab_that_is_no_plain_file_is_left_alone(server: Server, kind: str) -> None:
    place = server.cluster.tree(0) / "fstab"
    elsewhere = server.place / "victim"
    elsewhere.write_text("not the client's\n")
    if kind == "link":
        place.symlink_to(elsewhere)
    elif kind == "fifo":
        os.mkfifo(place)
    else:
        with place.open("wb") as file:
            file.truncate(9 << 20)
    before = place.lstat()
    answer = server.etcsync("boot", "grant", "client0", status=1)
    assert "fstab" in answer.err
    assert place.lstat().st_mtime_ns == before.st_mtime_ns
    assert elsewhere.read_text() == "not the client's\n"
    (warning,) = server.etcsync("sync", "--json").json["server"]["warnings"]
    assert warning.startswith("fstab of client0 is not put right")


def test_other_decisions_do_not_mention_the_line(server: Server) -> None:
    server.etcsync("boot", "grant", "client0")
    tree = server.cluster.tree(0)
    (tree / "motd").write_text("mine\n")
    (tree / "fstab").write_text("")
    assert server.etcsync("discard", "client0", "motd", "--json").json["done"] == ["motd"]
    assert (tree / "fstab").read_text() == ""
    server.etcsync("sync")
    check_granted(server, 0)


def test_a_suspended_clients_fstab_waits(server: Server) -> None:
    server.etcsync("boot", "grant", "client0")
    server.etcsync("suspend", "client0")
    had = client_fstab(server, 0)
    server.etcsync("boot", "grant", "client1", status=1)
    assert boot_exports(server) == [server.exported(mount(server), "192.168.78.51")]
    server.etcsync("sync")
    assert client_fstab(server, 0) == had
    server.etcsync("resume", "client0")
    server.etcsync("sync")
    check_granted(server, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [('address = ""', "by which address"), (None, "no address")],
)
def test_a_grant_that_cannot_work_changes_nothing(
    server: Server, line: str | None, said: str
) -> None:
    if line:
        server.set("server", line)
    before = fingerprint(server.cluster.place)
    client = "client0" if line else "client2"
    answer = server.etcsync("boot", "grant", client, status=2)
    assert said in answer.err or "do not name an address" in answer.err
    assert fingerprint(server.cluster.place) == before


def kill_at(server: Server, command: list[str], call: str, turn: int) -> int:
    inject = f"inject={call}:signal=KILL:when={turn}"
    traced = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}", "-e", inject, *command]
    return server.call(*traced).returncode


def points(server: Server, command: list[str]) -> list[tuple[str, int]]:
    """Run the command and return the calls that it made since it began to change settings."""
    log = server.place / "calls"
    server.output("strace", "-qq", "-o", log, "-e", f"trace={CALLS}", *command)
    found: list[tuple[str, int]] = []
    turns: dict[str, int] = {}
    begun = False
    for line in log.read_text().splitlines():
        name = line.partition("(")[0]
        turns[name] = turns.get(name, 0) + 1
        begun = begun or "etcsync.toml" in line
        if begun and name.isidentifier():
            found.append((name, turns[name]))
    return found


def test_killed_at_any_point_the_next_run_completes_it_and_never_do_two_have_it(
    server: Server,
) -> None:
    server.etcsync("boot", "grant", "client0")
    calls = points(server, server.command("boot", "grant", "client1"))
    assert len(calls) > 20
    killed = 0
    step = int(os.environ.get("ETCSYNC_TEST_STEP", STEP))
    for number, (call, turn) in enumerate(calls[::step]):
        target = number % 2
        before = fstab(server).read_bytes()
        status = kill_at(server, server.command("boot", "grant", f"client{target}"), call, turn)
        killed += status in {-signal.SIGKILL, 128 + signal.SIGKILL}
        assert len(boot_exports(server)) <= 1, (call, turn)
        completed = ("sync",) if number % 3 else ("boot", "grant", f"client{target}")
        granted = f'writer = "client{target}"' in server.cluster.settings.read_text()
        server.etcsync(*completed)
        check_granted(server, target if granted or completed[0] == "boot" else 1 - target)
        assert fstab(server).read_bytes() == before
    assert killed > 0


def test_the_first_grant_and_the_revocation_killed_at_any_point(server: Server) -> None:
    own = fstab(server).read_bytes()
    grant, revoke = server.command("boot", "grant", "client0"), server.command("boot", "revoke")
    granting = points(server, grant)
    revoking = points(server, revoke)
    step = int(os.environ.get("ETCSYNC_TEST_STEP", STEP))
    for to_grant, to_revoke in zip(granting[::step], revoking[::step], strict=False):
        kill_at(server, grant, *to_grant)
        server.etcsync("boot", "grant", "client0")
        check_granted(server, 0)
        kill_at(server, revoke, *to_revoke)
        assert len(boot_exports(server)) <= 1
        if 'writer = ""' in server.cluster.settings.read_text():
            server.etcsync("sync")
        else:
            server.etcsync("boot", "revoke")
        assert fstab(server).read_bytes() == own, to_revoke
        assert not mount(server).exists(), to_revoke
        assert boot_exports(server) == []
        assert "etcsync" not in client_fstab(server, 0)
