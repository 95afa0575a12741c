"""The files of sections that merge by section and key: how they are written, and where they lie.

A new format is one entry in `FORMATS`; a new file of a known format is one in `_PATHS`, `_FOLDERS`
or `_SYSTEMD_ENDINGS`. Lines are untrusted: no pattern may try more than one way to part a run of
like characters, so that matching takes time in proportion to the line.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

GLOBAL = b""
"""The section before the first header, in formats that have one."""


class SectionFormat(NamedTuple):
    """How a file of sections is written.

    Attributes:
        name: What `merge_sections` and its conflicts call it.
        header: What a line that opens a section matches as a whole, with a group ``section``.
        record: What a setting matches as a whole, with groups ``key`` and ``value``.
        section_key: Gives what identifies a section.
        record_key: Gives what identifies a setting within its section. Settings with the same key
            are one value, in the order in which they stand.
        comment: The characters, each of which opens a line that is a comment.
        begins: The section that needs no header; None where settings need one.
        continues: Whether a setting goes on behind a backslash at a line's end.
        sections_in_order: Whether it means something which of two sections comes first.
        records_in_order: Whether it means something which of two settings comes first.
        anchors: Keys of settings that stand for other files, so that it means something what
            comes before them and what behind.
    """

    name: str
    header: re.Pattern[bytes]
    record: re.Pattern[bytes]
    section_key: Callable[[bytes], bytes]
    record_key: Callable[[bytes], bytes]
    comment: bytes = b"#"
    begins: bytes | None = None
    continues: bool = False
    sections_in_order: bool = True
    records_in_order: bool = False
    anchors: frozenset[bytes] = frozenset()

    def value(self, text: bytes) -> bytes:
        """Return what a setting is set to, or the whole of a line that is none."""
        match = self.record.fullmatch(text)
        return match["value"].lstrip(b"= \t").rstrip() if match else text.strip()


def section_format_for(path: str) -> str | None:
    """Return the name of the format of ``path``, which is relative to /etc; None: no sections."""
    folder, name = posixpath.split(path)
    ending = posixpath.splitext(name)[1]
    if path.startswith("systemd/"):
        return "systemd" if ending in _SYSTEMD_ENDINGS else None
    return _PATHS.get(path) or _FOLDERS.get((folder, ending))


def _as_it_stands(text: bytes) -> bytes:
    return text


def _systemd_key(key: bytes) -> bytes:
    return next((name for name, pattern in _SHARED_LISTS.items() if pattern.fullmatch(key)), key)


def _keyfile_key(key: bytes) -> bytes:
    """NetworkManager reads ``key+`` and ``key-`` as additions to ``key``."""
    return key.rstrip(b"+-")


def _ssh_key(key: bytes) -> bytes:
    key = key.lower()
    return _SSH_SYNONYMS.get(key, key)


def _ssh_section(text: bytes) -> bytes:
    """Case is folded in patterns too; two that differ in nothing else are taken for one section."""
    return b" ".join(text.lower().split())


_SHARED_LISTS = {
    name: re.compile(pattern)
    for name, pattern in {
        b"Condition": rb"Condition.+",
        b"Assert": rb"Assert.+",
        b"Listen": rb"Listen.+",
        b"OnCalendar": rb"OnCalendar|On(?:Active|Boot|Startup|UnitActive|UnitInactive)Sec",
        b"PathExists": rb"Path(?:Exists|ExistsGlob|Changed|Modified)|DirectoryNotEmpty",
        b"BindPaths": rb"Bind(?:ReadOnly)?Paths",
        b"StandardInputText": rb"StandardInput(?:Text|Data)",
    }.items()
}
"""Settings of systemd that add to one list, which an empty one among them clears: so their order
means something. Sources: systemd.unit(5), systemd.socket(5), systemd.timer(5), systemd.path(5),
systemd.exec(5)."""

_SSH_SYNONYMS = {
    b"challengeresponseauthentication": b"kbdinteractiveauthentication",
    b"dsaauthentication": b"pubkeyauthentication",
    b"hostbasedacceptedkeytypes": b"hostbasedacceptedalgorithms",
    b"hostbasedkeytypes": b"hostbasedacceptedalgorithms",
    b"keepalive": b"tcpkeepalive",
    b"pubkeyacceptedkeytypes": b"pubkeyacceptedalgorithms",
    b"skeyauthentication": b"kbdinteractiveauthentication",
}
"""Older names of keywords. Sources: sshd_config(5), ssh_config(5), and OpenSSH's release notes."""


def _formats() -> Iterator[SectionFormat]:
    header = re.compile(rb"[ \t]*+(?P<section>\[[^\[\]\r\n]++\])[ \t\r]*+")
    assignment = re.compile(rb"[ \t]*+(?P<key>[^\s=\[\]#;]++)[ \t]*+(?P<value>=.*)", re.DOTALL)
    # Source: systemd.syntax(7). What is named twice is read from top to bottom, whatever else
    # stands in between.
    yield SectionFormat(
        "systemd",
        header,
        assignment,
        _as_it_stands,
        _systemd_key,
        comment=b"#;",
        continues=True,
        sections_in_order=False,
    )
    # Source: pacman.conf(5). Repositories are searched in the order in which they stand.
    yield SectionFormat(
        "pacman.conf",
        header,
        re.compile(rb"[ \t]*+(?P<key>[^\s=\[\]#]++)[ \t\r]*+(?P<value>(?:=.*)?)", re.DOTALL),
        _as_it_stands,
        _as_it_stands,
        anchors=frozenset({b"Include"}),
    )
    # Source: NetworkManager.conf(5). Of several sections for devices or connections the first
    # that fits counts. Keys may name a language in brackets.
    yield SectionFormat(
        "NetworkManager.conf",
        header,
        re.compile(rb"[ \t]*+(?P<key>[^\s=\[#][^\s=]*+)[ \t]*+(?P<value>=.*)", re.DOTALL),
        _as_it_stands,
        _keyfile_key,
    )
    # Sources: sshd_config(5), ssh_config(5). The first value that is read counts.
    for name, openers in (("sshd_config", rb"match"), ("ssh_config", rb"match|host")):
        yield SectionFormat(
            name,
            re.compile(rb"[ \t]*+(?P<section>(?i:%s)\b.*)" % openers, re.DOTALL),
            re.compile(
                rb"[ \t]*+(?!(?i:%s)\b)(?P<key>[A-Za-z][A-Za-z0-9]*+)(?P<value>(?:[ \t\r=].*)?)"
                % openers,
                re.DOTALL,
            ),
            _ssh_section,
            _ssh_key,
            begins=GLOBAL,
            records_in_order=True,
            anchors=frozenset({b"include"}),
        )


FORMATS = {entry.name: entry for entry in _formats()}
"""Every format by name."""

_SYSTEMD_ENDINGS = {
    ".automount",
    ".conf",
    ".link",
    ".mount",
    ".netdev",
    ".network",
    ".path",
    ".service",
    ".slice",
    ".socket",
    ".swap",
    ".target",
    ".timer",
}

_PATHS = {
    "NetworkManager/NetworkManager.conf": "NetworkManager.conf",
    "pacman.conf": "pacman.conf",
    "ssh/ssh_config": "ssh_config",
    "ssh/sshd_config": "sshd_config",
}

_FOLDERS = {
    ("NetworkManager/conf.d", ".conf"): "NetworkManager.conf",
    ("ssh/ssh_config.d", ".conf"): "ssh_config",
    ("ssh/sshd_config.d", ".conf"): "sshd_config",
}
