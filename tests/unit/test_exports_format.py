"""Exports files are written and read as exports(5) says; what etab has is read as well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etcsync.host.exports import complaints
from etcsync.host.exports_format import (
    Export,
    can_be_exported,
    is_name,
    is_network,
    parse_exports,
    render_exports,
    usual_client,
)

PATHS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).map("/".__add__)
CLIENTS = st.sampled_from(["192.168.78.50", "10.0.0.0/8", "fe80::1", "2001:db8::/64", "node.lan"])
OPTIONS = st.sampled_from(["ro", "rw,no_root_squash,subtree_check", "sec=krb5:sys,rw"])
EXPORTS = st.builds(Export, PATHS.filter(can_be_exported), CLIENTS, OPTIONS)


@given(st.lists(EXPORTS))
def test_what_is_written_is_read_back_sorted(exports: list[Export]) -> None:
    text = render_exports(exports)
    assert [line.export for line in parse_exports(text)] == sorted(exports)


@given(st.text())
def test_no_text_makes_reading_fail(text: str) -> None:
    assert all(1 <= line.number <= text.count("\n") + 1 for line in parse_exports(text))


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/a b", r"/a\040b"),
        ('/a"b', r"/a\042b"),
        ("/a#b", r"/a\043b"),
        ("/a\\b", r"/a\134b"),
        ("/srv/größe", "/srv/größe"),
    ],
)
def test_what_exportfs_would_misread_is_written_in_octal(path: str, written: str) -> None:
    text = render_exports([Export(path, "10.0.0.1", "ro")])
    assert text.splitlines()[-1] == f"{written} 10.0.0.1(ro)"


def test_the_header_says_who_writes_the_file() -> None:
    assert render_exports([]).startswith("# Written by etcsync")


def test_hand_written_files_are_understood() -> None:
    text = (
        "# the root\n"
        "/srv/root    192.168.78.0/24(ro,no_root_squash,subtree_check)\n"
        "\n"
        "/a -ro,sync 10.0.0.1 \\\n"
        "   10.0.0.2(rw) # both\n"
        '"/with space" *(rw)\n'
        "/to/everybody\n"
        "/to/everybody/too (ro)\n"
    )
    assert [(line.number, *line.export) for line in parse_exports(text)] == [
        (2, "/srv/root", "192.168.78.0/24", "ro,no_root_squash,subtree_check"),
        (4, "/a", "10.0.0.1", "ro,sync"),
        (4, "/a", "10.0.0.2", "ro,sync,rw"),
        (6, "/with space", "*", "rw"),
        (7, "/to/everybody", "*", ""),
        (8, "/to/everybody/too", "*", "ro"),
    ]


def test_ways_to_write_a_client_are_one() -> None:
    assert usual_client("192.168.78.50/32") == usual_client("192.168.78.50")
    assert usual_client("10.0.0.0/255.0.0.0") == usual_client("10.0.0.0/8")
    assert usual_client("FE80::A") == usual_client("fe80:0::a")
    assert usual_client("Node.LAN") == usual_client("node.lan")
    assert usual_client("10.0.0.0/8") != usual_client("10.0.0.0/9")


def test_networks_and_names_are_told_from_addresses() -> None:
    assert [is_network(each) for each in ("10.0.0.0/8", "10.0.0.1/32", "a.lan")] == [
        True, False, False,
    ]  # fmt: skip
    assert [is_name(each) for each in ("10.0.0.0/8", "fe80::1", "a.lan")] == [False, False, True]


def test_only_complaints_about_the_own_file_and_paths_count() -> None:
    output = (
        "exportfs: duplicated export entries:\n"
        "exportfs: \t192.168.78.50:/srv/etc-client0\n"
        "exportfs: \t192.168.78.50:/srv/etc-client0\n"
        "exportfs: /etc/exports:3: unknown keyword \"x\"\n"
        "exportfs: Failed to stat /srv/root2: No such file or directory\n"
    )  # fmt: skip
    own, paths = "/etc/exports.d/etcsync.exports", ["/srv/root", "/srv/etc-client0"]
    assert complaints(output, own, paths) == []
    for said in (
        f'exportfs: {own}:1: unknown keyword "x"',
        "exportfs: /srv/root does not support NFS export",
        "exportfs: \t192.168.78.50:/srv/etc-client0 (0x425) [IGNORED]",
    ):
        assert complaints(f"{output}{said}\n", own, paths) == [said]
