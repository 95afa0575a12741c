"""What the settings say is what exportfs(8) exports, and nothing else of the machine changes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import fingerprint, sample_cluster
from nfs_server import Server

pytestmark = [pytest.mark.root, pytest.mark.system]

FILE = Path("etc/exports.d/etcsync.exports")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server.of(sample_cluster(tmp_path / "a b", clients=3), tmp_path / "server") as server:
        server.give_addresses(2)
        yield server


def lines(server: Server) -> list[str]:
    text = (server.place / FILE).read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_the_root_goes_to_the_network_and_each_tree_to_its_client(server: Server) -> None:
    shown = server.etcsync("exports", "show")
    assert "etc-client2 is not exported" in shown.err
    assert server.etab == []
    answer = server.etcsync("exports", "apply")
    assert "etc-client2 is not exported" in answer.err
    assert (server.place / FILE).read_text() == shown.out
    assert server.etab == [
        server.exported(server.cluster.tree(0), "192.168.78.50"),
        server.exported(server.cluster.tree(1), "192.168.78.51"),
        server.exported(server.cluster.root, "192.168.78.0/24"),
    ]
    listed = server.output("exportfs", "-v")
    for path, client, options in (
        (server.cluster.tree(0), "192.168.78.50", "rw,no_root_squash"),
        (server.cluster.root, "192.168.78.0/24", "ro,no_root_squash"),
    ):
        entry = listed.split(f"{path}\n", 1)[1].splitlines()[0]
        assert client in entry
        assert options in entry
    assert (server.place / "etc/exports").read_text() == ""
    assert server.etcsync("exports", "check", "--json").json["differences"] == []


def test_nothing_is_written_where_exports_were_never_applied(server: Server) -> None:
    server.etcsync("sync")
    server.etcsync("exports", "show")
    server.etcsync("exports", "check", status=1)
    server.etcsync("boot", "status")
    assert not (server.place / FILE).parent.exists()
    assert server.etab == []


def test_an_option_that_exportfs_does_not_know_changes_nothing(server: Server) -> None:
    server.etcsync("exports", "apply")
    former, exported = (server.place / FILE).read_bytes(), (server.place / "nfs/etab").read_bytes()
    server.set("exports", 'client_options = "rw,frobnicate"')
    answer = server.etcsync("exports", "apply", status=3)
    assert 'unknown keyword "frobnicate"' in answer.err
    assert (server.place / FILE).read_bytes() == former
    assert (server.place / "nfs/etab").read_bytes() == exported
    check = server.etcsync("exports", "check", "--json", status=1).json
    assert "other options" in str(check["differences"])


def test_what_was_refused_is_not_tried_by_every_sync(server: Server) -> None:
    server.etcsync("exports", "apply")
    server.set("exports", 'client_options = "rw,frobnicate"')
    assert (
        "frobnicate"
        in server.etcsync("sync", "--json", status=3).json["server"]["error"]["message"]
    )
    before = fingerprint(server.place / "nfs", server.place / FILE.parent)
    assert (
        "refused before"
        in server.etcsync("sync", "--json", status=3).json["server"]["error"]["message"]
    )
    assert fingerprint(server.place / "nfs", server.place / FILE.parent) == before
    server.set("exports", 'client_options = "rw,async,subtree_check"')
    assert server.etcsync("sync").status == 0
    assert "async" in (server.place / "nfs/etab").read_text()


def test_the_first_file_goes_again_when_it_is_refused(server: Server) -> None:
    server.set("exports", 'root_options = "ro,frobnicate"')
    server.etcsync("exports", "apply", status=3)
    assert not (server.place / FILE).exists()
    assert server.etab == []


def test_the_guides_own_lines_are_reported_and_do_no_harm(server: Server) -> None:
    tree = str(server.cluster.tree(0)).replace(" ", r"\040")
    hand = f"# by hand\n{tree} 192.168.78.50(rw,no_root_squash,subtree_check)\n"
    (server.place / "etc/exports").write_text(hand)
    answer = server.etcsync("exports", "apply")
    assert f"/etc/exports:2 exports {server.cluster.tree(0)} too" in answer.err
    assert hand.splitlines()[1] in answer.err
    assert len(server.etab) == 3
    server.etcsync("exports", "check")
    assert (server.place / "etc/exports").read_text() == hand


def test_a_line_that_exports_a_tree_to_somebody_else_is_a_difference(server: Server) -> None:
    tree = str(server.cluster.tree(0)).replace(" ", r"\040")
    (server.place / "etc/exports").write_text(f"{tree} *(ro,subtree_check)\n")
    answer = server.etcsync("exports", "apply", "--json", status=1).json
    (difference,) = answer["differences"]
    assert difference["client"] == "*"
    assert "/etc/exports:1" in difference["remedy"]


def test_what_departed_is_said_and_put_right_by_a_sync(server: Server) -> None:
    server.etcsync("exports", "apply")
    tree = server.cluster.tree(0)
    server.output("exportfs", "-u", f"192.168.78.50:{tree}")
    server.output("exportfs", "-o", "rw,subtree_check", f"10.0.0.7:{tree}")
    said = [
        e["what"]
        for e in server.etcsync("exports", "check", "--json", status=1).json["differences"]
    ]
    assert said[0] == f"{tree} is not exported to 192.168.78.50"
    assert said[1].startswith(f"{tree} is exported to 10.0.0.7, which the settings do not say")
    assert server.etcsync("sync", "--json").json["server"]["done"] != []
    server.etcsync("exports", "check")
    before = fingerprint(server.place / "nfs", server.place / "etc")
    assert server.etcsync("sync", "--json").json["server"] == {
        "done": [], "warnings": [], "error": None,
    }  # fmt: skip
    assert fingerprint(server.place / "nfs", server.place / "etc") == before


def test_a_missing_tree_keeps_no_other_from_being_exported(server: Server) -> None:
    server.cluster.tree(1).rename(server.place / "elsewhere")
    answer = server.etcsync("exports", "apply")
    assert f"{server.cluster.tree(1)} is not exported: it is no directory" in answer.err
    assert len(server.etab) == 2


def test_clients_that_come_and_go_are_exported_and_withdrawn_at_once(server: Server) -> None:
    server.etcsync("exports", "apply")
    server.etcsync("client", "add", "client7", "--address", "2001:db8::7")
    new = server.exported(server.cluster.tree(7), "2001:db8::7")
    assert new in server.etab
    server.etcsync("client", "remove", "client7", "--delete-tree")
    assert new not in server.etab


def test_names_networks_and_whole_networks(server: Server) -> None:
    (server.place / "etc/hosts").write_text("127.0.0.1 localhost\n192.168.78.52 known.lan\n")
    server.etcsync("client", "add", "client2", "--address", "known.lan")
    server.etcsync("client", "add", "client8", "--address", "no.such.name.invalid")
    server.etcsync("client", "add", "client9", "--address", "10.9.0.0/16")
    answer = server.etcsync("exports", "apply", "--json", status=1).json
    assert [each["client"] for each in answer["differences"]] == ["no.such.name.invalid"]
    assert any("10.9.0.0/16 may write" in each for each in answer["warnings"])
    assert server.exported(server.cluster.tree(2), "known.lan") in server.etab
    assert server.exported(server.cluster.tree(9), "10.9.0.0/16") in server.etab
    server.etcsync("sync")


def test_without_a_command_the_file_is_all_there_is(server: Server) -> None:
    server.set("exports", "command = []")
    server.etcsync("exports", "check", status=1)
    server.etcsync("exports", "apply")
    assert len(lines(server)) == 3
    assert server.etab == []
    server.etcsync("exports", "check")


def test_a_server_without_nfs_is_told_so(server: Server) -> None:
    server.set("exports", 'command = ["exportfs-is-missing", "-ra"]')
    assert "is not installed" in server.etcsync("exports", "apply", status=3).err
    assert not (server.place / FILE).exists()


def test_odd_names_come_through_exportfs_as_they_are(server: Server) -> None:
    server.set("trees", f"path = '{server.cluster.place}/q\"u # \\t(e)-ü {{client}}'")
    server.etcsync("client", "add", "client5", "--address", "192.168.78.55")
    server.etcsync("exports", "apply")
    server.etcsync("exports", "check")
    assert len(server.etab) == 2


def test_the_machine_itself_is_untouched() -> None:
    assert not Path("/etc/exports.d/etcsync.exports").exists()
    assert subprocess.run(["exportfs", "-s"], capture_output=True, check=True).stdout == b""
