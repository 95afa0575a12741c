"""What the inventory formats say of hosts, and what is remarked of the rest."""

from pathlib import Path

import pytest

from etcsync.config import Client, Server
from etcsync.host.inventory.dhcpd import read_dhcpd
from etcsync.host.inventory.dnsmasq import read_dhcp_hosts, read_dnsmasq
from etcsync.host.inventory.formats import READERS, guess_format
from etcsync.host.inventory.gathering import Gathered, gather
from etcsync.host.inventory.machines import Selection
from etcsync.host.inventory.model import Entry, Format, Reading
from etcsync.host.inventory.tables import read_ethers, read_hosts

FIXTURES = Path(__file__).parents[1] / "fixtures/inventory"
MAC, OTHER = "00:e0:66:59:89:84", "00:e0:66:59:88:8b"


def said(entry: Entry) -> tuple[str | None, list[str], list[str]]:
    name = entry.name.text if entry.name else None
    return name, [v.text for v in entry.macs], [v.text for v in entry.addresses]


def dhcp_host(value: str) -> tuple[str | None, list[str], list[str]]:
    reading = read_dnsmasq(f"dhcp-host={value}\n", "d")
    assert not reading.remarks, reading.remarks
    (entry,) = reading.entries
    return said(entry)


def remarks(reading: Reading | Gathered) -> list[str]:
    return [str(remark) for remark in reading.remarks]


def guide(name: str) -> Gathered:
    text = (FIXTURES / name).read_text()
    format_ = guess_format(name, text)
    assert format_
    return gather([READERS[format_](text, name)], [], Selection(Server()))


def clients(gathered: Gathered) -> list[Client]:
    return [found.client for found in gathered.found]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{MAC},client0,192.168.78.50,set:diskless", ("client0", [MAC], ["192.168.78.50"])),
        (f"{MAC},192.168.78.50,client0,45m", ("client0", [MAC], ["192.168.78.50"])),
        (f" {MAC} , client0 , infinite", ("client0", [MAC], [])),
        (f"{MAC},{OTHER},client0", ("client0", [MAC, OTHER], [])),
        ("0:E0:66:59:89:84,client0", ("client0", [MAC], [])),
        (f"01-{MAC},client0", ("client0", [MAC], [])),
        ("id:01:02:02:04,192.168.78.50,client0", ("client0", [], ["192.168.78.50"])),
        ("id:marjorie,client0,tag:eth1,net:old", ("client0", [], [])),
        (f"{MAC},id:*,client0,set:a,set:b", ("client0", [MAC], [])),
        (f"{MAC},client0,[2001:DB8::0005]", ("client0", [MAC], ["2001:db8::5"])),
        ("client0,192.168.78.50,86400", ("client0", [], ["192.168.78.50"])),
        (f'"{MAC}","client0" # the first, "1', ("client0", [MAC], [])),
        (f"{MAC},client0 # 12h,192.168.78.50", ("client0", [MAC], [])),
        (f"{MAC},192.168.78.50", (None, [MAC], ["192.168.78.50"])),
    ],
)
def test_every_form_of_a_dhcp_host_is_read(
    value: str, expected: tuple[str | None, list[str], list[str]]
) -> None:
    assert dhcp_host(value) == expected


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("00:e0:66:*:*:*,client0", "stands for many machines"),
        (f"06-{MAC},client0", "another kind than Ethernet"),
        ("xx:xx:xx:xx:xx:xx,client0", "is not a MAC address"),
        (f"{MAC},client0,192.168.2.xxx", "'192.168.2.xxx' is not an IP address"),
        (f"{MAC},client0,[::56]", "its network is not told"),
        (f"{MAC},client0,[2001:db8::/126]", "is a range"),
        (f"{MAC},-client-", "cannot name a client"),
        (f"{MAC},upstream", "is reserved"),
        (f'{MAC},"client0', "a quote is not closed"),
        (f"{MAC},client0,ignore", "told to ignore"),
        (f"{MAC},cli\u202eent0", "is no value that can be used"),
    ],
)
def test_what_a_dhcp_host_cannot_give_a_client_is_remarked_with_its_line(
    value: str, what: str
) -> None:
    reading = read_dnsmasq(f"\n\ndhcp-host = {value}\ndhcp-host={OTHER},client1", "d.conf")
    (remark,) = remarks(reading)
    assert remark.startswith("d.conf:3: ")
    assert what in remark
    assert said(reading.entries[-1]) == ("client1", [OTHER], [])


def test_dnsmasq_names_further_files() -> None:
    text = (
        "conf-dir=/etc/dnsmasq.d,*.conf,.bak\nconf-file=more.conf\n"
        "dhcp-hostsfile=/h\ndhcp-hostsdir=/d\nconf-file=\n#conf-file=no\n"
    )
    found = [
        (i.place.line, i.path, i.format.value, i.kind, i.only, i.without)
        for i in read_dnsmasq(text, "d").includes
    ]
    assert found == [
        (1, "/etc/dnsmasq.d", "dnsmasq", "directory", (".conf",), (".bak",)),
        (2, "more.conf", "dnsmasq", "file", (), ()),
        (3, "/h", "dnsmasq-hosts", "either", (), ()),
        (4, "/d", "dnsmasq-hosts", "directory", (), ()),
    ]


def test_the_spelling_of_the_command_line_is_no_line_of_a_file() -> None:
    reading = read_dnsmasq(f"--dhcp-host={MAC},client0", "d")
    assert not reading.entries
    assert "in a file it is written dhcp-host" in remarks(reading)[0]


def test_a_file_of_dhcp_hosts_has_one_a_line() -> None:
    reading = read_dhcp_hosts(f"# ours\n{MAC},client0\n\n{OTHER},client1,set:x\n", "d")
    assert [said(entry)[0] for entry in reading.entries] == ["client0", "client1"]


DHCPD = """
key "k" { algorithm hmac-md5; secret "pRP5FapFoJ95JEL06sv4PQ=="; }
option space PXE; option arch code 93 = unsigned integer 16; # host no { }
option it code 250 = { ip-address, integer 8 };
shared-network "net" { subnet 10.0.0.0 netmask 255.0.0.0 { pool { range 10.0.0.9;
  group { if option arch = 00:07 { filename "a;}"; } elsif x { } else { filename "b"; }
    HOST client0 { hardware ethernet 0:e0:66:59:89:84; fixed-address 10.0.0.1; } # }
} } } }
class "c" { match if substring (option x, 0, 9) = "host y {"; }
host "client1" { option host-name "one"; fixed-address6 2001:db8::1; }
host client2 { hardware ethernet 00:e0:66:59:88:8b;
  fixed-address client2.example.org, 10.0.0.2; option host-name "client2"; }
include "/etc/dhcp/more.conf";
"""


def test_host_blocks_are_found_wherever_they_stand() -> None:
    reading = read_dhcpd(DHCPD, "dhcpd.conf")
    assert not reading.remarks
    assert [said(entry) for entry in reading.entries] == [
        ("client0", [MAC], ["10.0.0.1"]),
        ("one", [], ["2001:db8::1"]),
        ("client2", [OTHER], ["client2.example.org", "10.0.0.2"]),
    ]
    assert [entry.place.line for entry in reading.entries] == [7, 10, 11]
    assert [(i.path, i.place.line) for i in reading.includes] == [("/etc/dhcp/more.conf", 13)]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("host a { hardware token-ring 00:e0:66:59:89:84; }", 1, "'token-ring' is no Ethernet"),
        ("host a {\nhardware ethernet xx:xx:xx:xx:xx:xx; }", 2, "is not a MAC address"),
        (
            f"host a {{\nhardware ethernet {MAC}\nfixed-address 10.0.0.1; }}",
            2,
            "a ';' seems to be missing",
        ),
        ("host a {\nfixed-address 10.0.0.1\noption x 1; }", 2, "a ';' seems to be missing"),
        ("host a {\n\nfixed-address 10.0.0.999; }", 3, "'10.0.0.999' is not an IP address"),
        ("host a {\n  deny booting; }", 2, "is not to boot"),
        ("host a {\n  dynamic;\n  deleted; }", 3, "marked as deleted"),
        ("host { }", 1, "one name between 'host' and '{'"),
        ("\nhost a { }\n}", 3, "closes no block"),
        ("host a { }\ngroup {", 2, "the block 'group' is not closed"),
        ('host a { }\nfilename "x;', 2, "a quote is not closed"),
    ],
)
def test_what_is_wrong_in_a_dhcpd_conf_is_remarked_with_its_line(
    text: str, line: int, what: str
) -> None:
    (remark,) = remarks(read_dhcpd(text, "dhcpd.conf"))
    assert remark.startswith(f"dhcpd.conf:{line}: ")
    assert what in remark


def test_a_host_that_is_not_closed_does_not_swallow_the_next() -> None:
    text = f"host a {{\n hardware ethernet {MAC};\nhost b {{\n hardware ethernet {OTHER};\n}}\n"
    reading = read_dhcpd(text, "d")
    assert [said(entry)[:2] for entry in reading.entries] == [("a", [MAC]), ("b", [OTHER])]
    assert remarks(reading) == [
        "d:3: host b stands in the block 'host a' of d:1; is a '}' missing?",
        "d:1: the block 'host a' is not closed",
    ]


def test_a_file_that_is_none_of_hosts_is_not_quoted() -> None:
    text = "root:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G:19680:0:99999:7:::\n"
    for reading in (read_dhcp_hosts(text, "d"), read_ethers(f"{text.strip()} x\n", "e")):
        (remark,) = remarks(reading)
        assert "$y$" not in remark


def test_no_remark_on_a_dhcpd_conf_tells_a_key() -> None:
    text = 'key k { secret "pRP5FapFoJ95JEL06sv4PQ=="\nhost a { secret abcdef; fixed-address b c; }'
    assert "pRP5" not in "".join(remarks(read_dhcpd(text, "d")))
    assert "abcdef" not in "".join(remarks(read_dhcpd(text, "d")))


def test_a_hosts_file_gives_addresses_that_a_client_can_have() -> None:
    text = (
        "127.0.0.1 localhost\n::1 localhost ip6-loopback\nff02::1 ip6-allnodes\n127.0.1.1 server\n"
        "fe80::1%eth0 router\n192.168.78.50\tclient0.example.org client0 # first\n"
        "192.168.78.51 client1.example.org www\n2001:db8::50 client0\n"
    )
    reading = read_hosts(text, "hosts")
    assert [said(entry) for entry in reading.entries] == [
        ("client0", [], ["192.168.78.50", "2001:db8::50"]),
        ("client1.example.org", [], ["192.168.78.51"]),
    ]
    assert not any(entry.is_client for entry in reading.entries)
    assert not reading.remarks
    assert remarks(read_hosts("192.168.2.xxx client0\n10.0.0.1\n", "hosts")) == [
        "hosts:2: the line has an address and no name",
        "hosts:1: client0: '192.168.2.xxx' is not an IP address",
    ]


def test_an_ethers_file_names_a_host_or_its_address() -> None:
    reading = read_ethers("0:e0:66:59:89:84 client0\n00:e0:66:59:88:8b\t10.0.0.2 # x\n", "ethers")
    assert [said(entry) for entry in reading.entries] == [
        ("client0", [MAC], []),
        (None, [OTHER], ["10.0.0.2"]),
    ]
    (remark,) = remarks(read_ethers(f"{MAC} a b\n", "ethers"))
    assert remark.startswith("ethers:1: a line is a MAC address and a name or an address")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("x", "# c\n\n  dhcp-range=10.0.0.1,10.0.0.9\n", Format.DNSMASQ),
        ("x", "no-resolv\ndhcp-host=x\n", Format.DNSMASQ),
        ("x", "allow booting;\n", Format.DHCPD),
        ("x", "host client0 {\n", Format.DHCPD),
        ("hosts", "option domain-name 'x';\n", Format.DHCPD),
        ("x", f"{MAC},client0\n", Format.DNSMASQ_HOSTS),
        ("x", f"{MAC} client0\n", Format.ETHERS),
        ("x", "127.0.0.1 localhost\n", Format.HOSTS),
        ("x", "::1 localhost\n", Format.HOSTS),
        ("/etc/dnsmasq.conf", "no-resolv\n", Format.DNSMASQ),
        ("/etc/dhcp/dhcpd.conf", "authoritative\n", Format.DHCPD),
        ("/etc/ethers", "", Format.ETHERS),
        ("x", "root:x:0:0::/root:/bin/sh\n", None),
    ],
)
def test_the_format_is_told_from_the_first_typical_line_or_the_name(
    name: str, text: str, expected: Format | None
) -> None:
    assert guess_format(name, text) is expected


def test_the_arch_guide_has_six_clients() -> None:
    gathered = guide("arch-dnsmasq.conf")
    assert not gathered.remarks
    assert [(c.name, c.address) for c in clients(gathered)] == [
        (f"client{i}", f"192.168.78.5{i}") for i in range(6)
    ]
    assert clients(gathered)[5].mac == "00:e0:66:59:8a:2d"
    assert [str(place) for place in gathered.found[0].places] == ["arch-dnsmasq.conf:9"]


def test_the_rhel_guide_gives_two_hosts_one_mac_address_and_one_name() -> None:
    gathered = guide("rhel-dhcpd.conf")
    assert clients(gathered) == [
        Client(name="diskless-1", address="192.168.0.101"),
        Client(name="diskless-2", address="192.168.0.102"),
    ]
    mac = "the MAC address aa:bb:cc:dd:ee:ff is left out: it is also that of"
    name = "the host name 'HOSTNAME.DOMAIN.LOCAL' is left out:"
    file = "rhel-dhcpd.conf"
    assert remarks(gathered) == [
        f"{file}:30: diskless-1: {name} diskless-2 has it too",
        f"{file}:31: diskless-1: {mac} diskless-2 ({file}:36)",
        f"{file}:35: diskless-2: {name} diskless-1 has it too",
        f"{file}:36: diskless-2: {mac} diskless-1 ({file}:31)",
    ]


def test_the_suse_guide_leaves_three_blocks_open() -> None:
    gathered = guide("suse-dhcpd.conf")
    assert clients(gathered) == [Client(name="dc1", mac="be:19:00:a0:d8:70")]
    assert remarks(gathered) == [
        f"suse-dhcpd.conf:{line}: the block {block!r} is not closed"
        for line, block in ((12, "subnet"), (19, "pool"), (21, "host dc1"))
    ]


def test_the_ubuntu_guide_has_letters_where_values_go() -> None:
    gathered = guide("ubuntu-dhcpd.conf")
    assert not gathered.found
    file, mac = "ubuntu-dhcpd.conf", "'xx:xx:xx:xx:xx:xx' is not a MAC address"
    assert remarks(gathered) == [
        f"{file}:15: pxe_client is left out: nothing that is said of it can be used",
        f"{file}:16: pxe_client: {mac}; write it like '00:e0:66:59:89:84'",
        f"{file}:17: pxe_client: '192.168.2.xxx' is not an IP address",
    ]


def test_the_fedora_guide_has_no_hosts_and_an_open_class() -> None:
    gathered = guide("fedora-dhcpd.conf")
    assert not gathered.found
    assert remarks(gathered) == ["fedora-dhcpd.conf:13: the block 'class' is not closed"]
