"""What is listed for another program, an import reads again."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from etcsync.config import Client, Server
from etcsync.host.inventory.formats import READERS
from etcsync.host.inventory.gathering import gather
from etcsync.host.inventory.machines import Selection
from etcsync.host.inventory.model import Format
from etcsync.host.inventory.rendering import RENDERERS
from etcsync.setting_types import ClientName

CHARACTERS = "abcXYZ0123456789._-"


def can_name(text: str) -> bool:
    try:
        TypeAdapter(ClientName).validate_python(text)
    except ValidationError:
        return False
    return True


ODD_NAMES = ["ignore", "infinite", "12h", "3600", "1.2.3.4", "a.b", "host", "include", "if"]
NAMES = st.sampled_from(ODD_NAMES) | st.text(CHARACTERS, min_size=1, max_size=12).filter(can_name)
MACS = st.integers(0, 2**48 - 1).map(lambda n: n.to_bytes(6).hex(":"))
V4 = st.integers(0x0A000001, 0x0AFFFFFE).map(ipaddress.IPv4Address)
V6 = st.integers(0x20010DB8 << 96, (0x20010DB9 << 96) - 1).map(ipaddress.IPv6Address)
ADDRESSES = (V4 | V6).map(str)
HOST_NAMES = st.sampled_from(["c.example.org", "10.20.example", "c"])


@st.composite
def clients(draw: st.DrawFn) -> list[Client]:
    names = draw(st.lists(NAMES, unique=True, max_size=8))
    macs = draw(st.lists(MACS, unique=True, min_size=len(names), max_size=len(names)))
    addresses = draw(
        st.lists(ADDRESSES | HOST_NAMES, unique=True, min_size=len(names), max_size=len(names))
    )
    return [
        Client(name=name, mac=mac if draw(st.booleans()) else "",
               address=address if draw(st.booleans()) else "")
        for name, mac, address in zip(names, macs, addresses, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["dnsmasq", "dhcpd", "hosts", "ethers"])
@settings(deadline=None)
@given(listed=clients())
def test_an_import_reads_what_a_list_wrote(name: str, listed: list[Client]) -> None:
    text = RENDERERS[name](listed)
    gathered = gather([READERS[Format(name)](text, "file")], [], Selection(Server(), "*"))
    unsaid = {line.split()[1] for line in text.splitlines() if line.startswith("# ")}
    expected = {
        client.name: client.model_copy(
            update={"mac": ""} if name == "hosts" else {"address": ""} if name == "ethers" else {}
        )
        for client in listed
        if client.name not in unsaid
    }
    assert not gathered.remarks
    assert {found.client.name: found.client for found in gathered.found} == expected
