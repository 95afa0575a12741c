"""Inventory files are read with what they include, within bounds, and nothing else is."""

import os
from pathlib import Path

import pytest

from etcsync.errors import UsageError
from etcsync.host.inventory import files
from etcsync.host.inventory.files import read_inventory
from etcsync.host.inventory.model import Format


def names(*paths: Path, format_: Format | None = None) -> list[str]:
    readings = read_inventory([str(path) for path in paths], format_)
    return [e.name.text for reading in readings for e in reading.entries if e.name]


def remarks(path: Path) -> list[str]:
    return [str(r) for reading in read_inventory([str(path)]) for r in reading.remarks]


def test_dnsmasq_reads_the_files_of_its_directories_and_not_the_others(tmp_path: Path) -> None:
    for directory in ("conf.d", "hosts.d", "conf.d/sub.conf"):
        (tmp_path / directory).mkdir()
    (tmp_path / "dnsmasq.conf").write_text(
        "dhcp-host=a\nconf-dir=conf.d,*.conf\ndhcp-hostsdir=hosts.d\n"
        f"dhcp-hostsfile={tmp_path}/list\nconf-file=more\n"
    )
    for name in ("1.conf", "2.conf", "3.bak", ".4.conf", "5.conf~", "#6.conf#"):
        (tmp_path / "conf.d" / name).write_text(f"dhcp-host=in-{name.strip('.#~')}\n")
    (tmp_path / "hosts.d/x").write_text("in-hosts-dir\n")
    (tmp_path / "list").write_text("in-list\n")
    (tmp_path / "more").write_text("dhcp-host=in-more\nconf-file=dnsmasq.conf\n")
    found = names(tmp_path / "dnsmasq.conf")
    assert found == ["a", "in-1.conf", "in-2.conf", "in-hosts-dir", "in-list", "in-more"]
    assert not remarks(tmp_path / "dnsmasq.conf")


def test_dhcpd_includes_are_read_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "dhcpd.conf").write_text('group {\n include "hosts.conf";\n host b { }\n}\n')
    (tmp_path / "hosts.conf").write_text('host a { }\ninclude "dhcpd.conf";\n')
    assert sorted(names(tmp_path / "dhcpd.conf")) == ["a", "b"]


def test_what_cannot_be_read_is_remarked_where_it_is_included(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    conf = tmp_path / "dnsmasq.conf"
    conf.write_text("conf-file=gone\nconf-file=fifo\nconf-dir=nowhere\ndhcp-host=a\n")
    assert remarks(conf) == [
        f"{conf}:1: gone cannot be read: No such file or directory",
        f"{conf}:2: fifo is not a regular file",
        f"{conf}:3: nowhere cannot be read: No such file or directory",
    ]
    assert names(conf) == ["a"]


def test_a_file_that_was_named_must_be_readable_and_tell_its_format(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone"):
        with pytest.raises(UsageError, match=r"regular|cannot be read"):
            names(path)
    (tmp_path / "x").write_text("a b c\n")
    with pytest.raises(UsageError) as caught:
        names(tmp_path / "x")
    assert "does not tell what format it has" in caught.value.message
    assert "dnsmasq-hosts" in str(caught.value.hint)
    assert names(tmp_path / "x", format_=Format.DNSMASQ_HOSTS) == []


def test_size_number_and_depth_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        (tmp_path / f"{number}").write_text(f"dhcp-host=a{number}\nconf-file={number + 1}\n")
    assert names(tmp_path / "0", format_=Format.DNSMASQ)[-1] == f"a{files.MAX_DEPTH - 1}"
    (depth,) = remarks(tmp_path / "0")
    assert f"{files.MAX_DEPTH} is more than {files.MAX_DEPTH} files away" in depth
    monkeypatch.setattr(files, "MAX_FILES", 3)
    (number,) = remarks(tmp_path / "0")
    assert "3 is one file more than the 3 that are read" in number
    monkeypatch.setattr(files, "MAX_FILE_SIZE", 10)
    with pytest.raises(UsageError, match="is larger than 10 bytes"):
        names(tmp_path / "0")


def test_bytes_that_are_not_utf8_and_other_line_ends_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_bytes(b"# caf\xe9\r\n10.0.0.1 a\xff\r\n10.0.0.2 b\r\n")
    assert names(tmp_path / "hosts") == ["b"]
    assert remarks(tmp_path / "hosts")[0].startswith(f"{tmp_path}/hosts:2: ")
