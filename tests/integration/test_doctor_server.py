"""What the doctor finds in the server around the trees: NFS, inotify, addresses and leases."""

import socket

import pytest
from cluster import git
from doctor_support import finding, findings
from small_root import add_script

from etcsync.config import load_settings
from etcsync.doctor import inotify, nfs
from etcsync.doctor.facts import Facts
from etcsync.host import exports, leases

CLIENTS = """
[[clients]]
name = "client0"
address = "192.168.78.50"
mac = "00:e0:66:59:89:84"
[[clients]]
name = "client1"
"""
DNSMASQ_LEASE = "1760000000 00:E0:66:59:89:84 192.168.78.77 * 01:00:e0:66:59:89:84\n"
DHCPD_LEASE = "lease 192.168.78.77 {\n  hardware ethernet 00:e0:66:59:89:84;\n}\n"


@pytest.fixture
def cluster(sound_cluster):
    return sound_cluster


@pytest.fixture
def no_server(tmp_path, monkeypatch):
    """Let nothing be exported, and no NFS server run."""
    monkeypatch.setattr(nfs, "THREADS", str(tmp_path / "threads"))
    monkeypatch.setattr(nfs, "SOCKETS", (str(tmp_path / "tcp"),))
    monkeypatch.setattr(exports, "ETAB", str(tmp_path / "etab"))
    monkeypatch.setattr(exports, "EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setattr(exports, "FRAGMENTS", str(tmp_path / "*.exports"))
    return tmp_path


@pytest.fixture
def limits(tmp_path, monkeypatch):
    """Set limits of inotify that this machine need not have."""

    def set_to(**values):
        for name, value in values.items():
            (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.setattr(inotify, "LIMITS", str(tmp_path))

    return set_to


@pytest.fixture
def dhcp(tmp_path, monkeypatch):
    """Let this be a DHCP server with no lease and no reservation."""
    monkeypatch.setattr(leases, "LEASES", (str(tmp_path / "leases"),))
    monkeypatch.setattr(leases, "RESERVATIONS", (str(tmp_path / "*.conf"),))
    (tmp_path / "leases").touch()
    return tmp_path


def nfs_findings(cluster):
    return list(nfs.nfs_server(Facts(lambda: load_settings(str(cluster.settings)))))


def test_no_nfs_server_is_missed_where_nothing_is_exported(cluster, no_server):
    assert nfs_findings(cluster) == []
    (no_server / "other.exports").write_text(f"{cluster.place} *(ro)\n")
    assert nfs_findings(cluster) == []


@pytest.mark.parametrize("line", ["{tree} 10.0.0.1(rw)", '"{tree}"\t10.0.0.1(rw)'])
def test_an_exported_tree_needs_an_nfs_server(cluster, no_server, line):
    (no_server / "hand.exports").write_text(line.format(tree=cluster.tree(1)) + "\n")
    (found,) = nfs_findings(cluster)
    assert (found.severity, found.client) == ("warning", "client1")
    assert "`systemctl enable --now nfs-server`" in found.remedy
    (no_server / "threads").write_text("0\n")
    assert len(nfs_findings(cluster)) == 1
    (no_server / "threads").write_text("8\n")
    assert nfs_findings(cluster) == []


def test_the_managed_exports_file_needs_one_too_unless_it_is_for_another_machine(
    cluster, no_server
):
    (cluster.place / "exports").touch()
    assert nfs_findings(cluster) == []
    text = cluster.settings.read_text().replace("command = []", 'command = ["exportfs", "-ra"]')
    cluster.settings.write_text(text)
    (found,) = nfs_findings(cluster)
    assert str(cluster.place / "exports") in found.what


def test_a_server_outside_the_kernel_is_known_by_its_port(cluster, no_server, monkeypatch):
    (no_server / "hand.exports").write_text(f"{cluster.tree(1)} 10.0.0.1(rw)\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = f"{server.getsockname()[1]:04X}"
        with open("/proc/net/tcp", encoding="ascii") as file:
            table = file.read()
    assert f":{port} " in table
    (no_server / "tcp").write_text(table.replace(f":{port} ", ":0801 "))
    assert nfs_findings(cluster) == []


def test_limits_that_leave_trees_unwatched_are_found_with_the_line_that_raises_them(
    cluster, limits
):
    limits(max_user_watches=1000, max_user_instances=128, max_queued_events=16384)
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("inotify", "warning")
    assert "fs.inotify.max_user_watches is 1000: the trees have about " in found["what"]
    assert found["remedy"].startswith("`echo 'fs.inotify.max_user_watches = 2048' >> ")
    limits(max_user_watches=2048)
    assert findings(cluster) == []


def test_directories_are_those_of_all_trees_that_were_set_up(cluster, limits):
    directories = len(git(cluster.etc, "ls-tree", "-rd", "--name-only", "HEAD").split()) + 1
    limits(max_user_watches=0)
    cluster.write_settings('[[clients]]\nname = "client0"\n[[clients]]\nname = "new"\n')
    told = next(each["what"] for each in findings(cluster) if each["check"] == "inotify")
    assert f"about {directories} directories" in told


def test_few_instances_are_a_warning_and_a_short_queue_is_a_note(cluster, limits):
    limits(max_user_watches=100_000, max_user_instances=8, max_queued_events=16)
    instances, queue = findings(cluster)
    assert (instances["severity"], queue["severity"]) == ("warning", "note")
    assert "max_user_instances = 64" in instances["remedy"]
    assert "max_queued_events = 128" in queue["remedy"]


def test_a_kernel_that_tells_no_limits_is_none_to_complain_of(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(inotify, "LIMITS", str(tmp_path))
    assert findings(cluster) == []


def test_a_client_without_an_address_is_noted_and_a_warning_where_exports_are_written(cluster):
    cluster.write_settings(CLIENTS)
    found = finding(cluster)
    assert (found["check"], found["severity"], found["client"]) == ("addresses", "note", "client1")
    assert "`etcsync client add client1 --address ADDRESS`" in found["remedy"]
    cluster.run("exports", "apply")
    assert finding(cluster)["severity"] == "warning"


def test_clients_without_any_address_need_none_where_nothing_is_exported(cluster):
    assert findings(cluster) == []


@pytest.mark.parametrize("lease", [DNSMASQ_LEASE, DHCPD_LEASE])
def test_a_client_that_the_dhcp_server_does_not_know_is_noted(cluster, dhcp, lease):
    cluster.write_settings(CLIENTS)
    (dhcp / "leases").write_text(lease)
    found = next(each for each in findings(cluster) if each["check"] == "leases")
    assert (found["severity"], found["client"]) == ("note", "client1")
    assert "dhcp-host=" in found["remedy"]


def test_a_reservation_counts_as_a_lease_does_and_a_comment_does_not(cluster, dhcp):
    cluster.write_settings(CLIENTS.replace('name = "client1"', 'name = "client1"\naddress = "::1"'))
    config = dhcp / "dnsmasq.conf"
    config.write_text("dhcp-host=00:e0:66:59:89:84,x\n#dhcp-host=client1,192.168.78.51\n")
    assert finding(cluster)["client"] == "client1"
    config.write_text("dhcp-host=00:e0:66:59:89:84,x\ndhcp-host=client1,192.168.78.51\n")
    assert findings(cluster) == []


def test_without_a_dhcp_server_here_there_is_nothing_to_know(cluster, dhcp):
    cluster.write_settings(CLIENTS.replace('name = "client1"', 'name = "client1"\naddress = "::1"'))
    (dhcp / "leases").unlink()
    assert findings(cluster) == []


def test_exports_that_are_not_what_the_settings_say_are_found_once_they_are_managed(cluster):
    cluster.write_settings(CLIENTS.rpartition("[[clients]]")[0])
    assert findings(cluster) == []
    cluster.run("exports", "apply")
    assert findings(cluster) == []
    (cluster.place / "exports").write_text(f"{cluster.tree(0)} 192.168.78.99(rw)\n")
    found = finding(cluster)
    assert (found["check"], found["severity"]) == ("exports", "warning")
    assert found["path"] == str(cluster.place / "exports")
    assert found["remedy"] == "`etcsync exports apply`"


def test_a_line_elsewhere_for_a_tree_is_found_with_the_line_to_remove(cluster, no_server):
    cluster.write_settings(CLIENTS.rpartition("[[clients]]")[0])
    cluster.run("exports", "apply")
    (no_server / "threads").write_text("8\n")
    (no_server / "exports").write_text(f"# mine\n{cluster.tree(0)} 192.168.78.50(rw)\n")
    found = finding(cluster)
    assert f"{no_server / 'exports'}:2 exports {cluster.tree(0)} too" in found["what"]
    assert f"`{cluster.tree(0)} 192.168.78.50(rw)`" in found["remedy"]


def test_a_writer_of_boot_who_lacks_what_it_needs_is_found_piece_by_piece(cluster):
    cluster.write_settings(CLIENTS.rpartition("[[clients]]")[0])
    text = cluster.settings.read_text().replace("[boot]", '[boot]\nwriter = "client0"', 1)
    cluster.settings.write_text(text)
    found = [each for each in findings(cluster) if each["check"] == "writable boot"]
    told = " ".join(each["what"] for each in found)
    for piece in ("directory", "bind-mount", "server-fstab", "export", "client-fstab"):
        assert f"its {piece} is not right" in told
    assert {each["client"] for each in found} == {"client0"}
    assert "`etcsync boot grant client0`" in {each["remedy"] for each in found}


def test_hooks_are_looked_at_where_any_is_installed(cluster):
    add_script(cluster.root, "usr/bin/pacman", "exit 0")
    assert findings(cluster) == []
    cluster.run("hooks", "install", "--destdir", str(cluster.place / "server"))
    service = finding(cluster)
    assert (service["check"], service["severity"]) == ("hooks", "warning")
    assert service["what"].startswith("/etc/systemd/system/etcsync.service is missing")
    hook = cluster.root / "usr/share/libalpm/hooks/zzz-etcsync.hook"
    hook.write_text(hook.read_text() + "# edited\n")
    outdated = next(each for each in findings(cluster) if each["path"] == str(hook))
    assert "is not as this etcsync writes it" in outdated["what"]
    assert outdated["remedy"] == "`etcsync hooks install`"
