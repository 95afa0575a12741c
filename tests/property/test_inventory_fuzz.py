"""Inventory parsers take any text: they end, raise nothing, and give values that settings take."""

import time
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etcsync.config import Client, Server
from etcsync.host.inventory.formats import READERS, guess_format
from etcsync.host.inventory.gathering import gather
from etcsync.host.inventory.machines import Selection
from etcsync.host.inventory.model import Format

SIGNS = "{};,=\"'\\#*:.[]()-/ \n\t\0\x1b²٣\u202e\udcff"
WORDS = """
host hardware ethernet fixed-address option host-name include group deleted ignore
dhcp-host= conf-dir= conf-file= dhcp-hostsfile= id: set: 06- infinite 12h upstream
00:e0:66:59:89:84 0:1:2:3:4:5 xx:xx:xx:xx:xx:xx 10.0.0.1 10.0.0.2 10.0.0.x
[2001:db8::1] 2001:db8::2 fe80::1%x client0 client1 a.b
"""
PIECES = [*SIGNS, *WORDS.split()]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=60).map("".join)
SPACED = st.lists(st.sampled_from(PIECES), max_size=60).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(Format)), TEXTS | SPACED), max_size=3))
def test_any_text_gives_clients_that_settings_take(files: list[tuple[Format, str]]) -> None:
    readings = [READERS[format_](text, "file") for format_, text in files]
    known = [Client(name="client0", address="10.0.0.1")]
    gathered = gather(readings, known, Selection(Server(network="10.0.0.0/8"), ""))
    clients = [found.client for found in gathered.found]
    for client in clients:
        assert Client.model_validate(client.model_dump()) == client
    for key in ("name", "address", "mac"):
        values = [v for c in chain(clients, known) if (v := getattr(c, key))]
        if key == "name":
            values = values[:-1]
        assert len(values) == len(set(values))
    for remark in chain(gathered.remarks, *(reading.remarks for reading in readings)):
        last = max((text.count("\n") + 1 for _, text in files), default=1)
        assert 1 <= remark.place.line <= last


@settings(deadline=None)
@given(TEXTS | SPACED)
def test_any_text_has_a_format_or_none(text: str) -> None:
    guess_format("file", text)


@pytest.mark.parametrize("piece", ['"', "{", "host {", "#", "a ", '\\"', "dhcp-host=", "1,", "::"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_long_file_takes_time_by_its_length_and_not_by_its_square(piece: str, end: str) -> None:
    text = (piece + end) * (40_000 // len(piece + end))
    start = time.process_time()
    for format_ in Format:
        gather([READERS[format_](text, "file")], [], Selection(Server(), ""))
    guess_format("file", text)
    assert time.process_time() - start < 5
