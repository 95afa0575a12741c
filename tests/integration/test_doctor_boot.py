"""What the doctor finds in boot loader configurations, whatever lies in /boot."""

import os
from pathlib import Path

import pytest
from doctor_support import finding, findings

KERNEL = "LABEL linux\n  KERNEL vmlinuz-linux\n  APPEND root=/dev/nfs ip=dhcp{etc}\n"
CLIENTS = """
[server]
address = "192.168.78.1"
[[clients]]
name = "client0"
address = "192.168.78.50"
mac = "00:e0:66:59:89:84"
[[clients]]
name = "client1"
address = "192.168.78.51"
mac = "00:e0:66:59:88:8b"
"""


@pytest.fixture
def cluster(sound_cluster):
    sound_cluster.write_settings(CLIENTS)
    (sound_cluster.root / "boot/pxelinux.cfg").mkdir(parents=True)
    return sound_cluster


def etc(cluster, client="HOSTNAME", server="192.168.78.1"):
    return f"{server}:{cluster.place}/etc-{client}"


def configure(cluster, path, value=None):
    """Write a configuration with ``etc=value``; return its place."""
    place: Path = cluster.root / "boot" / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(KERNEL.format(etc=f" etc={value}" if value else ""))
    return place


def test_the_guides_configuration_is_in_order(cluster):
    configure(cluster, "pxelinux.cfg/default", etc(cluster))
    assert findings(cluster) == []


def test_an_nfs_root_without_an_etc_is_found_with_what_to_append(cluster):
    place = configure(cluster, "pxelinux.cfg/default")
    found = finding(cluster)
    assert (found["check"], found["severity"], found["path"]) == ("boot", "warning", str(place))
    assert found["what"].startswith("pxelinux.cfg/default, line 3: ")
    assert found["remedy"] == f"Append `etc={etc(cluster)}` to that line of {place}."


def test_a_kernel_with_a_disk_needs_no_etc(cluster):
    place = configure(cluster, "pxelinux.cfg/default")
    place.write_text(place.read_text().replace("/dev/nfs", "UUID=1234"))
    assert findings(cluster) == []


@pytest.mark.parametrize("release", ["ID=debian\n", "ID=fedora\n", "ID=own\n"])
def test_other_systems_mount_etc_otherwise_unless_one_line_has_it(cluster, release):
    (cluster.root / "usr/lib/os-release").write_text(release)
    configure(cluster, "pxelinux.cfg/default")
    assert [each for each in findings(cluster) if each["check"] == "boot"] == []
    configure(cluster, "client1.ipxe").write_text(f"kernel a root=/dev/nfs etc={etc(cluster)}\n")
    (found,) = (each for each in findings(cluster) if each["check"] == "boot")
    assert found["what"].startswith("pxelinux.cfg/default, line 3: ")


def test_another_server_is_found(cluster):
    configure(cluster, "pxelinux.cfg/default", etc(cluster, server="192.168.78.9"))
    found = finding(cluster)
    assert "the server 192.168.78.9, but" in found["what"]
    assert f"`etc={etc(cluster)}`" in found["remedy"]


@pytest.mark.parametrize("server", ["server", "$net_default_server", "${next-server}"])
def test_a_server_by_name_or_variable_is_taken_as_right(cluster, server):
    configure(cluster, "pxelinux.cfg/default", etc(cluster, server=server))
    assert findings(cluster) == []


def test_the_name_may_come_from_a_variable_of_the_boot_loader(cluster):
    place = configure(cluster, "boot.ipxe")
    place.write_text(f"kernel a root=/dev/nfs etc={etc(cluster, '${hostname}')}\n")
    assert findings(cluster) == []
    place.write_text(f"kernel a root=/dev/nfs etc={etc(cluster, '${hostname}x')}\n")
    assert "client0 and client1 would mount" in finding(cluster)["what"]


def test_one_clients_tree_for_all_is_found(cluster):
    configure(cluster, "pxelinux.cfg/default", etc(cluster, "client0"))
    found = finding(cluster)
    assert found["client"] == "client1"
    assert "client1 would mount" in found["what"]


@pytest.mark.parametrize(
    "path", ["pxelinux.cfg/01-00-e0-66-59-89-84", "pxelinux.cfg/C0A84E32", "grub/grub.cfg-C0A84E32"]
)
def test_a_clients_own_configuration_may_name_its_own_tree_alone(cluster, path):
    kernel = "linux a root=/dev/nfs etc={}\n" if "grub" in path else "append root=/dev/nfs etc={}\n"
    place = configure(cluster, path)
    for right in ("client0", "HOSTNAME"):
        place.write_text(kernel.format(etc(cluster, right)))
        assert findings(cluster) == []
    place.write_text(kernel.format(etc(cluster, "client1")))
    found = finding(cluster)
    assert found["client"] == "client0"
    assert "which is not the client's tree" in found["what"]


def test_a_machine_that_is_no_client_may_have_any_clients_tree_and_no_other(cluster):
    uuid = "pxelinux.cfg/b8945908-d6a6-41a9-611d-74a6ab80b83d"
    configure(cluster, uuid, etc(cluster, "client1"))
    assert findings(cluster) == []
    configure(cluster, uuid, etc(cluster, "client7"))
    assert "a machine that is no client" in finding(cluster)["what"]


@pytest.mark.parametrize("value", ["192.168.78.1", "/srv/etc-HOSTNAME", ":", "x"])
def test_what_is_no_server_and_path_is_found(cluster, value):
    configure(cluster, "pxelinux.cfg/default", value)
    assert "client0 and client1 would mount" in finding(cluster)["what"]


def test_links_are_resolved_inside_the_root(cluster):
    (cluster.root / "usr/share").mkdir(parents=True)
    (cluster.root / "usr/share/pxe").write_text(KERNEL.format(etc=""))
    (cluster.root / "boot/pxelinux.cfg/default").symlink_to("/usr/share/pxe")
    assert "pxelinux.cfg/default" in finding(cluster)["what"]
    (cluster.root / "boot/bios").mkdir()
    (cluster.root / "boot/bios/pxelinux.cfg").symlink_to("../pxelinux.cfg")
    found = findings(cluster)
    assert [each["what"].partition(",")[0] for each in found] == [
        "pxelinux.cfg/default",
        "bios/pxelinux.cfg/default",
    ]


def test_nothing_outside_the_root_is_read_and_nothing_odd_is_waited_for(cluster):
    outside = cluster.place / "outside"
    outside.write_text(KERNEL.format(etc=" etc=evil:/x"))
    folder = cluster.root / "boot/pxelinux.cfg"
    (folder / "01-00").symlink_to(outside)
    (folder / "02-00").symlink_to("../../../outside")
    (folder / "03-00").symlink_to("03-00")
    (folder / "04-00").write_text(KERNEL.format(etc="") + "#" * 100_000)
    (folder / "round").symlink_to("..")
    os.mkfifo(folder / "default")
    assert findings(cluster) == []


def test_a_boot_directory_elsewhere_is_looked_into_as_the_settings_name_it(cluster):
    elsewhere = cluster.place / "tftp"
    (elsewhere / "pxelinux.cfg").mkdir(parents=True)
    (elsewhere / "pxelinux.cfg/default").write_text(KERNEL.format(etc=""))
    text = cluster.settings.read_text().replace("[boot]", f'[boot]\nsource = "{elsewhere}"')
    cluster.settings.write_text(text)
    assert finding(cluster)["path"] == f"{elsewhere}/pxelinux.cfg/default"
