"""The clients as the guides write them, and as an Ansible inventory."""

from etcsync.config import Client
from etcsync.host.inventory.rendering import RENDERERS

CLIENTS = (
    Client(
        name="client0",
        address="192.168.78.50",
        mac="00:e0:66:59:89:84",
        labels=("desktop", "3rd-floor"),
    ),
    Client(name="client1", address="2001:db8::51", mac="00:e0:66:59:88:8b", labels=("desktop",)),
    Client(name="client2", address="192.168.78.52"),
    Client(name="client3", address="c3.example.org", mac="00:e0:66:59:89:72"),
    Client(name="client4", mac="00:e0:66:59:8c:8d"),
    Client(name="client5", address="192.168.78.0/28"),
)


def test_dnsmasq_gets_a_dhcp_host_for_each() -> None:
    assert RENDERERS["dnsmasq"](CLIENTS) == (
        "dhcp-host=00:e0:66:59:89:84,client0,192.168.78.50,set:diskless\n"
        "dhcp-host=00:e0:66:59:88:8b,client1,[2001:db8::51],set:diskless\n"
        "# client2 has no MAC address\n"
        "# client3 has no IP address, but c3.example.org\n"
        "dhcp-host=00:e0:66:59:8c:8d,client4,set:diskless\n"
        "# client5 has no IP address, but 192.168.78.0/28\n"
    )


def test_dhcpd_gets_a_host_block_for_each() -> None:
    text = RENDERERS["dhcpd"](CLIENTS)
    assert text.startswith(
        "host client0 {\n"
        "  hardware ethernet 00:e0:66:59:89:84;\n"
        "  fixed-address 192.168.78.50;\n"
        '  option host-name "client0";\n'
        "}\n"
    )
    assert "  fixed-address6 2001:db8::51;\n" in text
    assert "  fixed-address c3.example.org;\n" in text
    assert "# client2 has no MAC address\n" in text


def test_hosts_and_ethers_get_a_line_for_each() -> None:
    assert RENDERERS["hosts"](CLIENTS) == (
        "192.168.78.50\tclient0\n2001:db8::51\tclient1\n192.168.78.52\tclient2\n"
        "# client3 has no IP address, but c3.example.org\n# client4 has no address\n"
        "# client5 has no IP address, but 192.168.78.0/28\n"
    )
    assert RENDERERS["ethers"](CLIENTS[:3]) == (
        "00:e0:66:59:89:84 client0\n00:e0:66:59:88:8b client1\n# client2 has no MAC address\n"
    )


def test_ansible_gets_an_inventory_with_labels_as_groups() -> None:
    assert RENDERERS["ansible"](CLIENTS[:2] + CLIENTS[4:]) == (
        "all:\n"
        "  hosts:\n"
        '    "client0":\n      ansible_host: "192.168.78.50"\n'
        '    "client1":\n      ansible_host: "2001:db8::51"\n'
        '    "client4": {}\n'
        '    "client5": {}\n'
        "  children:\n"
        '    "desktop":\n      hosts:\n        "client0": {}\n        "client1": {}\n'
        '    "_3rd_floor":\n      hosts:\n        "client0": {}\n'
    )
    assert RENDERERS["ansible"](()) == "all:\n  hosts: {}\n"


def test_a_name_that_a_format_would_read_as_something_else_is_left_to_a_comment() -> None:
    clients = [Client(name=name, mac="00:e0:66:59:89:84") for name in ("12h", "ignore", "1.2.3.4")]
    assert [RENDERERS["dnsmasq"]([client]) for client in clients] == [
        f"# {client.name} has a name that dnsmasq takes for something else\n" for client in clients
    ]
    assert RENDERERS["ethers"](clients[2:]) == "# 1.2.3.4 has a name that looks like an address\n"
