"""What happens to units, pacman.conf and sshd_config that a client and upstream both changed."""

import time

import pytest

from etcsync.plan.keyed import KeyedConflict, RecordConflict
from etcsync.plan.sections import merge_sections, section_format_for
from etcsync.plan.sections.formats import FORMATS
from etcsync.plan.sections.merging import LINE_LIMIT
from etcsync.plan.text import merge_text

UNIT = b"""\
# The beacon.
[Unit]
Description=Beacon
After=network.target

[Service]
ExecStartPre=/bin/true
ExecStart=/usr/bin/beacon \\
    --quiet \\
# not yet: --loud
    --port 7
Environment=A=1
Environment=B=2

[Install]
WantedBy=multi-user.target
"""

PACMAN = b"""\
[options]
HoldPkg     = pacman glibc
Architecture = auto

# Misc options
#UseSyslog
#Color
#NoProgressBar
ParallelDownloads = 5

[core]
Server = https://one.example/$repo
Server = https://two.example/$repo
Include = /etc/pacman.d/mirrorlist

[extra]
Include = /etc/pacman.d/mirrorlist
"""

SSHD = b"""\
# Read sshd_config(5).
Include /etc/ssh/sshd_config.d/*.conf

#Port 22
#PermitRootLogin prohibit-password
KbdInteractiveAuthentication no
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*

Match User guest
\tX11Forwarding no
"""


def merged(form: str, base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """Merge what does not merge by line."""
    assert merge_text(base, ours, theirs) is None
    outcome = merge_sections(form, base, ours, theirs)
    assert isinstance(outcome, bytes), outcome
    assert merge_sections(form, base, outcome, theirs) == outcome
    return outcome


def the_conflict(form: str, base: bytes, ours: bytes, theirs: bytes) -> RecordConflict:
    outcome = merge_sections(form, base, ours, theirs)
    assert isinstance(outcome, KeyedConflict), outcome
    assert isinstance(merge_sections(form, base, theirs, ours), KeyedConflict)
    (conflict,) = outcome.conflicts
    return conflict


def not_merged(form: str, base: bytes, ours: bytes, theirs: bytes) -> None:
    assert merge_sections(form, base, ours, theirs) is None
    assert merge_sections(form, base, theirs, ours) is None


class TestUnits:
    def test_different_keys_at_one_place_go_together(self):
        ours = UNIT.replace(b"[Service]\n", b"[Service]\nUser=beacon\n")
        theirs = UNIT.replace(b"[Service]\n", b"[Service]\n# since 2.0\nRestart=always\n")
        assert merged("systemd", UNIT, ours, theirs) == UNIT.replace(
            b"[Service]\n", b"[Service]\n# since 2.0\nRestart=always\nUser=beacon\n"
        )

    def test_adjoining_keys_may_change_on_either_side(self):
        ours = UNIT.replace(b"Description=Beacon", b"Description=Our beacon")
        theirs = UNIT.replace(b"After=network.target", b"After=network-online.target")
        both = ours.replace(b"After=network.target", b"After=network-online.target")
        assert merged("systemd", UNIT, ours, theirs) == both

    def test_one_key_set_differently_names_section_key_and_values(self):
        ours = UNIT.replace(b"=Beacon", b"=Mine")
        theirs = UNIT.replace(b"=Beacon", b"= Theirs")
        assert the_conflict("systemd", UNIT, ours, theirs) == RecordConflict(
            "systemd",
            "[Unit] Description",
            "value",
            "Mine",
            "Theirs",
            "Client and upstream both changed the value of [Unit] Description in systemd: "
            "client 'Mine', upstream 'Theirs'",
        )

    def test_keys_of_one_name_in_two_sections_have_nothing_to_do_with_each_other(self):
        base = b"[A]\nKey=1\n[B]\nKey=1\n"
        ours, theirs = (
            base.replace(b"1\n[B]", b"2\n[B]"),
            base.replace(b"[B]\nKey=1", b"[B]\nKey=3"),
        )
        assert merge_sections("systemd", base, ours, theirs) == b"[A]\nKey=2\n[B]\nKey=3\n"

    def test_case_counts(self):
        base = b"[A]\nKey=1\n"
        assert merged("systemd", base, base + b"other=1\n", base + b"Other=1\n") == (
            b"[A]\nKey=1\nOther=1\nother=1\n"
        )

    def test_a_key_on_several_lines_is_one_value(self):
        ours = UNIT.replace(b"Environment=B=2\n", b"Environment=\nEnvironment=C=3\nUser=x\n")
        theirs = UNIT.replace(b"Environment=B=2\n", b"Environment=B=2\nRestart=always\n")
        assert merged("systemd", UNIT, ours, theirs) == UNIT.replace(
            b"Environment=B=2\n", b"Environment=\nRestart=always\nEnvironment=C=3\nUser=x\n"
        )
        theirs = UNIT.replace(b"A=1", b"A=9")
        assert "[Service] Environment" in the_conflict("systemd", UNIT, ours, theirs).sentence

    def test_a_continued_value_with_a_comment_in_it_is_one_value(self):
        ours = UNIT.replace(b"--port 7\n", b"--port 8\n")
        theirs = UNIT.replace(b"Environment=A=1\n", b"Environment=A=2\n")
        assert merged("systemd", UNIT, ours, theirs) == ours.replace(b"=A=1", b"=A=2")
        theirs = UNIT.replace(b"--quiet", b"--silent")
        assert the_conflict("systemd", UNIT, ours, theirs).record == "[Service] ExecStart"

    def test_a_backslash_that_is_escaped_continues_nothing(self):
        base = b"[A]\nKey=1\\\\\nOther=1\n"
        ours, theirs = base.replace(b"Key=1", b"Key=2"), base.replace(b"Other=1", b"Other=2")
        assert merged("systemd", base, ours, theirs) == b"[A]\nKey=2\\\\\nOther=2\n"

    def test_nothing_is_put_behind_a_value_that_is_not_at_its_end(self):
        base = b"[A]\nOld=1\n"
        not_merged("systemd", base, base + b"Key=1 \\", base + b"[B]\nNew=1\n")

    def test_lists_that_one_empty_setting_clears_are_one_value(self):
        base = b"[Unit]\nConditionHost=a\n\n[Service]\nUser=x\n"
        ours = base.replace(b"Host=a\n", b"Host=a\nConditionPathExists=\n")
        theirs = base.replace(b"Host=a\n", b"Host=a\nConditionACPower=true\n")
        assert the_conflict("systemd", base, ours, theirs).record == "[Unit] Condition"

    def test_sections_that_both_sides_add_go_together(self):
        base = b"[Service]\nUser=x\n"
        ours = base + b"\n[Install]\nAlias=b.service\n"
        theirs = base + b"\n[Unit]\nAfter=c.service\n"
        assert merged("systemd", base, ours, theirs) == (
            b"[Service]\nUser=x\n\n[Unit]\nAfter=c.service\n\n[Install]\nAlias=b.service\n"
        )

    def test_what_one_side_adds_does_not_slip_into_the_other_s_section(self):
        base = b"[A]\na=1\n[Z]\nz=1\n"
        ours = b"[A]\na=1\na2=2\n[Z]\nz=1\n"
        theirs = b"[A]\na=1\n[B]\nb=1\n[Z]\nz=1\n"
        outcome = merge_sections("systemd", base, ours, theirs)
        assert outcome == b"[A]\na=1\na2=2\n[B]\nb=1\n[Z]\nz=1\n"
        assert outcome == merge_sections("systemd", base, theirs, ours)

    def test_a_section_that_one_side_deleted_and_the_other_added_to_is_told(self):
        ours = UNIT.replace(b"\n[Install]\nWantedBy=multi-user.target\n", b"")
        theirs = UNIT + b"Alias=b.service\n"
        conflict = the_conflict("systemd", UNIT, ours, theirs)
        assert conflict.sentence == (
            "The client deleted [Install] from systemd, but upstream changed it"
        )

    def test_a_key_deleted_and_changed_is_told(self):
        ours = UNIT.replace(b"After=network.target\n", b"")
        theirs = UNIT.replace(b"After=network.target", b"After=b.target")
        conflict = the_conflict("systemd", UNIT, ours, theirs)
        assert conflict.sentence == (
            "The client deleted [Unit] After from systemd, but upstream changed it"
        )

    @pytest.mark.parametrize(
        "odd",
        [
            b"[Service\n", b"User\n", b"=x\n", b"[Service]\nUser=x\n", b"# x\rUser=y\n",
            b"[Service] \\\n", b"\xef\xbb\xbf# x\n",
        ],
    )  # fmt: skip
    def test_what_is_not_understood_is_not_merged(self, odd: bytes):
        ours, theirs = UNIT.replace(b"=A=1", b"=A=2"), UNIT.replace(b"--port 7", b"--port 8")
        assert isinstance(merge_sections("systemd", UNIT, ours, theirs), bytes)
        not_merged("systemd", UNIT, ours + odd, theirs)
        not_merged("systemd", UNIT + odd, ours + odd, theirs + odd)

    def test_settings_outside_of_sections_are_not_merged(self):
        base = b"User=x\n[Service]\nA=1\n"
        not_merged("systemd", base, base + b"B=1\n", base + b"C=1\n")

    def test_bytes_that_are_no_text_and_carriage_returns_come_through(self):
        base = b"[Unit]\r\nDescription=M\xfcller\r\nAfter=a\r\n"
        ours, theirs = base.replace(b"M\xfc", b"N\xfc"), base.replace(b"=a", b"=b")
        assert merged("systemd", base, ours, theirs) == (
            b"[Unit]\r\nDescription=N\xfcller\r\nAfter=b\r\n"
        )


class TestPacman:
    def test_a_setting_without_a_value_is_switched_on_beside_another_s_change(self):
        base = PACMAN.replace(b"#NoProgressBar\n", b"")
        ours = base.replace(b"#Color\n", b"Color\n")
        theirs = base.replace(b"ParallelDownloads = 5", b"ParallelDownloads = 8")
        assert merged("pacman.conf", base, ours, theirs) == ours.replace(b"= 5", b"= 8")

    def test_servers_are_one_value_in_order(self):
        ours = PACMAN.replace(b"https://one", b"https://near")
        theirs = PACMAN.replace(b"[core]\n", b"[core]\nSigLevel = Required\n")
        assert merged("pacman.conf", PACMAN, ours, theirs) == ours.replace(
            b"[core]\n", b"[core]\nSigLevel = Required\n"
        )
        theirs = PACMAN.replace(b"Server = https://two.example/$repo\n", b"")
        assert the_conflict("pacman.conf", PACMAN, ours, theirs).record == "[core] Server"

    def test_repositories_that_both_add_at_one_place_have_no_order(self):
        ours = PACMAN.replace(b"[extra]", b"[ours]\nServer = file:///a\n\n[extra]")
        theirs = PACMAN.replace(b"[extra]", b"[theirs]\nServer = file:///b\n\n[extra]")
        not_merged("pacman.conf", PACMAN, ours, theirs)

    def test_repositories_that_both_add_at_different_places_have_one(self):
        ours = PACMAN.replace(b"[core]", b"[ours]\nInclude = /a\n\n[core]")
        theirs = PACMAN + b"\n[theirs]\nInclude = /b\n"
        outcome = merge_sections("pacman.conf", PACMAN, ours, theirs)
        assert outcome == ours + b"\n[theirs]\nInclude = /b\n"

    def test_a_new_order_of_repositories_is_taken_from_one_side_only(self):
        head, core, extra = PACMAN.partition(b"[core]")[0], *PACMAN.split(b"\n\n")[-2:]
        ours = head + extra.rstrip() + b"\n\n" + core + b"\n"
        theirs = PACMAN.replace(b"= 5", b"= 8")
        outcome = merge_sections("pacman.conf", PACMAN, ours, theirs)
        assert outcome == ours.replace(b"= 5", b"= 8")
        theirs = PACMAN.replace(b"[extra]", b"[core-testing]\nInclude = /a\n\n[extra]")
        moved = head + extra.rstrip() + b"\n\n" + core + b"\n\n[core-testing]\nInclude = /a\n"
        assert merge_sections("pacman.conf", PACMAN, ours, theirs) == moved

    def test_included_files_that_change_are_not_merged(self):
        ours = PACMAN.replace(b"[options]\n", b"[options]\nInclude = /etc/pacman.local\n")
        not_merged("pacman.conf", PACMAN, ours, PACMAN.replace(b"= 5", b"= 8"))


class TestNetworkManager:
    def test_additions_to_a_list_belong_to_it(self):
        base = b"[main]\nplugins=keyfile\n"
        ours, theirs = base + b"plugins+=ifupdown\n", base + b"plugins-=keyfile\n"
        assert the_conflict("NetworkManager.conf", base, ours, theirs).record == "[main] plugins"
        assert merged("NetworkManager.conf", base, ours, base + b"dns=none\n") == (
            b"[main]\nplugins=keyfile\ndns=none\nplugins+=ifupdown\n"
        )


class TestSshd:
    def test_adjoining_keywords_may_change_on_either_side(self):
        ours = SSHD.replace(b"X11Forwarding yes\n", b"X11Forwarding no\n")
        theirs = SSHD.replace(b"PrintMotd no\n", b"PrintMotd yes\nUseDNS no\n")
        assert merged("sshd_config", SSHD, ours, theirs) == ours.replace(
            b"PrintMotd no\n", b"PrintMotd yes\nUseDNS no\n"
        )

    def test_what_is_global_stays_before_the_blocks(self):
        ours = SSHD.replace(b"LC_*\n", b"LC_*\nPort 2222\n")
        theirs = SSHD.replace(b"LC_*\n", b"LC_*\nUseDNS no\n")
        assert merged("sshd_config", SSHD, ours, theirs) == SSHD.replace(
            b"LC_*\n", b"LC_*\nUseDNS no\nPort 2222\n"
        )

    def test_case_does_not_count_nor_does_an_older_name(self):
        ours = SSHD + b"\nMatch Group staff\n  PermitTTY no\n"
        base = ours.replace(b"Group staff", b"group  Staff")
        conflict = the_conflict(
            "sshd_config", base, base + b"permittunnel no\n", base + b"PermitTunnel yes\n"
        )
        assert conflict.record == "match group staff permittunnel"
        theirs = SSHD.replace(b"LC_*\n", b"LC_*\nChallengeResponseAuthentication yes\n")
        ours = SSHD.replace(b"KbdInteractiveAuthentication no", b"kbdinteractiveauthentication yes")
        conflict = the_conflict("sshd_config", SSHD, ours, theirs)
        assert conflict.record == "kbdinteractiveauthentication"

    def test_an_order_that_changes_is_not_merged(self):
        ours = SSHD.replace(
            b"X11Forwarding yes\nPrintMotd no\n", b"PrintMotd no\nX11Forwarding yes\n"
        )
        not_merged("sshd_config", SSHD, ours, SSHD.replace(b"LC_*", b"LANG"))

    def test_included_files_that_change_are_not_merged(self):
        ours = SSHD.replace(b"PrintMotd no\n", b"Include /etc/ssh/more\nPrintMotd no\n")
        not_merged("sshd_config", SSHD, ours, SSHD.replace(b"LC_*", b"LANG"))

    def test_blocks_that_both_add_at_one_place_have_no_order(self):
        ours, theirs = SSHD + b"Match User a\n", SSHD + b"Match User b\n"
        not_merged("sshd_config", SSHD, ours, theirs)

    def test_a_block_that_stands_twice_is_not_merged(self):
        base = SSHD + b"Match User GUEST\n\tPermitTTY no\n"
        not_merged("sshd_config", base, base + b"A 1\n", base.replace(b"LC_*", b"LANG"))

    def test_the_client_s_file_has_hosts_too(self):
        base = b"HashKnownHosts yes\nHost a\n  Port 1\nHost b\n  Port 1\n"
        ours, theirs = base.replace(b"a\n  Port 1", b"a\n  Port 2"), base + b"  User x\n"
        outcome = merge_sections("ssh_config", base, ours, theirs)
        assert outcome == b"HashKnownHosts yes\nHost a\n  Port 2\nHost b\n  Port 1\n  User x\n"


class TestAnyFile:
    @pytest.mark.parametrize("form", FORMATS)
    def test_what_one_side_changed_comes_through_byte_for_byte(self, form: str):
        strange = b"a b c\r\n\n [x\n\x00"
        assert merge_sections(form, UNIT, UNIT, strange) == strange
        assert merge_sections(form, UNIT, strange, UNIT) == strange
        assert merge_sections(form, UNIT, strange, strange) == strange

    def test_very_long_files_are_left_alone(self):
        base = b"[a]\n" + b"#\n" * LINE_LIMIT
        not_merged("systemd", base, base + b"q=1\n", base + b"r=1\n")

    def test_hostile_lines_take_no_time(self):
        started = time.process_time()
        long = (
            b" " * 200_000 + b"x", b"-" * 200_000, b"[" * 200_000, b"a " * 100_000,
            b"a=\\\n" + b"#\n" * 5_000, b"\r" * 200_000, b"a=" + b"\\" * 200_001 + b"\nb=1",
            b"\n".join(b"[%d]" % number for number in range(2_000)),
            b"\n".join(b"k%d=1" % number for number in range(2_000)),
            b"\n".join(b"Match user %d" % number for number in range(2_000)),
        )  # fmt: skip
        for form in FORMATS:
            for lines in long:
                base = b"[a]\n" + lines + b"\n"
                merge_sections(form, base, base + b"q=1\n", b"[a]\nr=1\n" + lines + b"\n")
                base = lines + b"\n"
                merge_sections(form, base, base + b"q 1\n", b"r 1\n" + base)
        assert time.process_time() - started < 40


def test_files_are_known_by_their_paths():
    known = {
        "systemd/system/beacon.service": "systemd",
        "systemd/system/beacon.service.d/local.conf": "systemd",
        "systemd/network/10-lan.network": "systemd",
        "systemd/journald.conf": "systemd",
        "systemd/user/x.timer": "systemd",
        "pacman.conf": "pacman.conf",
        "NetworkManager/NetworkManager.conf": "NetworkManager.conf",
        "NetworkManager/conf.d/dns.conf": "NetworkManager.conf",
        "ssh/sshd_config": "sshd_config",
        "ssh/sshd_config.d/50-local.conf": "sshd_config",
        "ssh/ssh_config": "ssh_config",
    }
    assert {path: section_format_for(path) for path in known} == known
    for path in (
        "systemd/system-preset/90.preset", "app/pacman.conf", "ssh/moduli", "motd",
        "NetworkManager/conf.d/deep/x.conf", "NetworkManager/system-connections/wifi.conf",
    ):  # fmt: skip
        assert section_format_for(path) is None
