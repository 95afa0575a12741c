"""Kernels' parameters in boot loader configurations, and whose each configuration is."""

import pytest

from etcsync.config import Client
from etcsync.host.kernel_lines import Loader, kernel_lines, loader_of, readers

GUIDE = """\
DEFAULT linux

LABEL linux
    KERNEL vmlinuz-linux
    APPEND root=/dev/nfs nfsroot=192.168.78.1:/srv/root,ro etc=192.168.78.1:/srv/etc-HOSTNAME
    INITRD intel-ucode.img,initramfs-linux-fallback.img
"""
GRUB = """\
menuentry 'Linux' {
    linux /vmlinuz-linux root=/dev/nfs \\
        nfsroot=192.168.78.1:/srv/root 'etc=10.0.0.1:/srv/etc-${net_default_hostname}'
    initrd /initramfs-linux.img
}
# linux /old root=/dev/nfs
"""
IPXE = """\
#!ipxe
kernel http://server/vmlinuz root=nfs:10.0.0.1:/srv/root etc=a:/b || goto failed
imgargs vmlinuz root=/dev/sda1 etc=a:/b etc=c:/d
"""
CLIENTS = (
    Client(name="client0", mac="00:e0:66:59:89:84", address="192.168.78.50"),
    Client(name="client1", address="fd00::1"),
)


def lines(text, loader):
    return [(line.number, line.has_nfs_root, line.etc) for line in kernel_lines(text, loader)]


@pytest.mark.parametrize(
    ("path", "loader"),
    [
        ("pxelinux.cfg/default", Loader.PXELINUX),
        ("efi64/pxelinux.cfg/01-00-e0-66-59-89-84", Loader.PXELINUX),
        ("grub/grub.cfg", Loader.GRUB),
        ("grub/grub.cfg-C0A84E32", Loader.GRUB),
        ("boot.ipxe", Loader.IPXE),
        ("pxelinux.cfg", None),
        ("grub/grubenv", None),
        ("vmlinuz-linux", None),
    ],
)
def test_a_configuration_is_known_by_its_name(path, loader):
    assert loader_of(path) is loader


def test_parameters_are_found_in_the_guides_pxelinux_configuration():
    assert lines(GUIDE, Loader.PXELINUX) == [(5, True, "192.168.78.1:/srv/etc-HOSTNAME")]
    assert lines(GUIDE.replace("APPEND", "append"), Loader.PXELINUX)


def test_a_line_that_goes_on_and_quotes_are_understood():
    assert lines(GRUB, Loader.GRUB) == [(2, True, "10.0.0.1:/srv/etc-${net_default_hostname}")]


def test_the_last_etc_counts_as_in_a_kernels_command_line():
    assert lines(IPXE, Loader.IPXE) == [(2, True, "a:/b"), (3, False, "c:/d")]


@pytest.mark.parametrize("root", ["root=/dev/nfs", "root=nfs:a:/b", "root=nfs4:a:/b", "nfsroot=/a"])
def test_an_nfs_root_is_named_in_several_ways(root):
    assert lines(f"append {root}", Loader.PXELINUX) == [(1, True, None)]


@pytest.mark.parametrize("root", ["root=UUID=nfs", "root=live:http://a/b", "root=/dev/nfsd", ""])
def test_any_other_root_is_none(root):
    assert lines(f"append {root} ip=dhcp", Loader.PXELINUX) == [(1, False, None)]


@pytest.mark.parametrize(
    "path",
    [
        "pxelinux.cfg/01-00-e0-66-59-89-84",
        "pxelinux.cfg/C0A84E32",
        "grub/grub.cfg-01-00-e0-66-59-89-84",
        "grub/grub.cfg-C0A84E32",
        "mac-00e066598984.ipxe",
        "00:E0:66:59:89:84.ipxe",
        "ip-192.168.78.50.ipxe",
        "hostname-client0.ipxe",
        "client0.ipxe",
    ],
)
def test_a_configuration_that_is_named_after_a_client_is_read_by_it_alone(path):
    loader = loader_of(path)
    assert loader
    assert [client.name for client in readers(path, loader, CLIENTS)] == ["client0"]


@pytest.mark.parametrize(
    "path",
    [
        "pxelinux.cfg/01-00-e0-66-59-89-85",
        "pxelinux.cfg/C0A84E99",
        "pxelinux.cfg/b8945908-d6a6-41a9-611d-74a6ab80b83d",
        "mac-00e066598985.ipxe",
    ],
)
def test_a_machine_that_is_no_client_is_told_from_all_of_them(path):
    loader = loader_of(path)
    assert loader
    assert readers(path, loader, CLIENTS) is None


@pytest.mark.parametrize(
    "path", ["pxelinux.cfg/default", "pxelinux.cfg/C0A84E", "grub/grub.cfg", "boot.ipxe"]
)
def test_any_other_configuration_is_read_by_all(path):
    loader = loader_of(path)
    assert loader
    assert readers(path, loader, CLIENTS) == CLIENTS
