"""Entries of several files become clients; what contradicts itself is left out and told."""

from etcsync.config import Client, Server
from etcsync.host.inventory.dhcpd import read_dhcpd
from etcsync.host.inventory.dnsmasq import read_dnsmasq
from etcsync.host.inventory.gathering import Gathered, gather
from etcsync.host.inventory.machines import Selection
from etcsync.host.inventory.model import Reading
from etcsync.host.inventory.tables import read_ethers, read_hosts

MAC, OTHER = "00:e0:66:59:89:84", "00:e0:66:59:88:8b"
NETWORK = Server(address="10.0.0.1", network="10.0.0.0/24")


def dnsmasq(*values: str) -> Reading:
    return read_dnsmasq("".join(f"dhcp-host={value}\n" for value in values), "d")


def hosts(*lines: str) -> Reading:
    return read_hosts("\n".join(lines), "hosts")


def gathered(
    *readings: Reading, known: tuple[Client, ...] = (), match: str = "", server: Server = NETWORK
) -> Gathered:
    return gather(readings, known, Selection(server, match))


def found(result: Gathered) -> list[tuple[str, str, str, str]]:
    return [(f.act.value, f.client.name, f.client.address, f.client.mac) for f in result.found]


def remarks(result: Gathered) -> list[str]:
    return [str(remark) for remark in result.remarks]


def test_ethers_and_hosts_together_make_clients() -> None:
    result = gathered(
        read_ethers(f"{MAC} client0\n{OTHER} 10.0.0.51", "ethers"),
        hosts("10.0.0.50 node0 client0", "10.0.0.51 client1", "192.0.2.9 printer"),
        server=Server(),
    )
    assert found(result) == [
        ("add", "client0", "10.0.0.50", MAC),
        ("add", "client1", "10.0.0.51", OTHER),
    ]
    assert not result.remarks
    assert result.passed_over == 1
    assert [str(place) for place in result.found[1].places] == ["ethers:2", "hosts:2"]


def test_of_a_hosts_file_those_in_the_network_are_clients_but_for_the_server() -> None:
    file = hosts("10.0.0.1 server", "10.0.0.50 client0", "10.0.1.50 other", "fd00::1 six")
    assert found(gathered(file)) == [("add", "client0", "10.0.0.50", "")]
    assert gathered(file).passed_over == 3
    assert not gathered(file, server=Server()).found


def test_a_pattern_says_which_machines_are_meant_in_any_file() -> None:
    file = hosts("10.0.0.1 server", "10.0.9.50 client0", "10.0.0.51 other")
    assert found(gathered(file, match="client*")) == [("add", "client0", "10.0.9.50", "")]
    result = gathered(dnsmasq(f"{MAC},client0", f"{OTHER},printer"), match="client?")
    assert [name for _, name, *_ in found(result)] == ["client0"]
    assert result.passed_over == 1


def test_another_name_for_a_clients_address_is_no_other_client() -> None:
    result = gathered(dnsmasq(f"{MAC},client0,10.0.0.50"), hosts("10.0.0.50 www"))
    assert found(result) == [("add", "client0", "10.0.0.50", MAC)]
    assert not result.remarks


def test_a_mac_address_of_two_clients_is_nobodys() -> None:
    result = gathered(dnsmasq(f"{MAC},a,10.0.0.2", f"{OTHER},b", f"{MAC},c,10.0.0.4", f"{MAC},d"))
    assert found(result) == [
        ("add", "a", "10.0.0.2", ""),
        ("add", "b", "", OTHER),
        ("add", "c", "10.0.0.4", ""),
    ]
    assert remarks(result)[:2] == [
        f"d:1: a: the MAC address {MAC} is left out: it is also that of c (d:3), d (d:4)",
        f"d:3: c: the MAC address {MAC} is left out: it is also that of a (d:1), d (d:4)",
    ]
    assert remarks(result)[3] == "d:4: d is left out: nothing that is said of it can be used"


def test_entries_that_contradict_each_other_lose_the_value_and_keep_the_rest() -> None:
    dhcpd = read_dhcpd(
        f"host client0 {{\nhardware ethernet {MAC};\nfixed-address 10.0.0.9;\n}}", "dhcpd"
    )
    result = gathered(dnsmasq(f"{MAC},client0,10.0.0.50"), dhcpd)
    assert found(result) == [("add", "client0", "", MAC)]
    why = "other entries give it another address"
    assert remarks(result) == [
        f"d:1: client0: 10.0.0.50 is left out: {why}",
        f"dhcpd:3: client0: 10.0.0.9 is left out: {why}",
    ]


def test_of_several_addresses_the_first_counts_on_which_all_entries_agree() -> None:
    result = gathered(
        dnsmasq(f"{MAC},{OTHER},client0,10.0.0.50,[fd00::50]"), hosts("fd00::50 client0")
    )
    assert found(result) == [("add", "client0", "fd00::50", MAC)]
    assert remarks(result) == [
        "d:1: client0: 10.0.0.50 is left out: a client has one address, and this one has fd00::50",
        f"d:1: client0: {OTHER} is left out: a client has one MAC address, and this one has {MAC}",
    ]


def test_clients_of_the_settings_are_completed_and_never_changed() -> None:
    known = (
        Client(name="a", address="10.0.0.2"),
        Client(name="b", address="10.0.0.3", mac=OTHER),
        Client(name="c"),
    )
    result = gathered(
        dnsmasq(f"{MAC},a,10.0.0.2", f"{OTHER},b,10.0.0.30", "c,10.0.0.3"), known=known
    )
    assert found(result) == [("complete", "a", "", MAC), ("known", "b", "", ""),
                             ("known", "c", "", "")]  # fmt: skip
    assert remarks(result) == [
        "d:2: b: 10.0.0.30 is left out: the address in the settings is 10.0.0.3",
        "d:3: c: the address 10.0.0.3 is left out: it is also that of b in the settings",
    ]


def test_a_hosts_file_completes_clients_of_the_settings_wherever_they_are() -> None:
    result = gathered(hosts("192.0.2.1 x", "192.0.2.2 y"), known=(Client(name="x"),))
    assert found(result) == [("complete", "x", "192.0.2.1", "")]


def test_an_entry_without_a_name_is_no_client_but_one_without_values_is() -> None:
    result = gathered(dnsmasq(f"{MAC},set:x", "client0,infinite", f"{OTHER},10.0.0.7"))
    assert found(result) == [("add", "client0", "", "")]
    what = "the entry has no name, so it is no client"
    assert remarks(result) == [f"d:1: {what}", f"d:3: {what}"]
