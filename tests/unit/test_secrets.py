"""What must never be shown is recognised by rule, by mode and by content."""

import pytest

from etcsync.entries import Entry, Kind
from etcsync.policy.treatment import Treatment
from etcsync.report.secrets import is_secret, looks_secret, without_quotations


def file(mode: int) -> Entry:
    return Entry(Kind.FILE, "0" * 40, mode, 0, 0)


def test_a_rule_makes_a_path_secret() -> None:
    assert is_secret(Treatment(secret=True), file(0o644))


def test_a_file_that_others_cannot_read_on_any_side_is_secret() -> None:
    assert is_secret(Treatment(), file(0o644), file(0o640))
    assert not is_secret(Treatment(), None, file(0o644))


def test_a_closed_directory_is_none() -> None:
    assert not is_secret(Treatment(), Entry(Kind.DIRECTORY, "", 0o700, 0, 0))


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\n",
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
        b"AGE-SECRET-KEY-1QQQQQQ\n",
        b"alice:$y$j9T$abcdefgh$0123456789abcdef:19000::::::\n",
        b"admin:$apr1$abcdefgh$0123456789\n"[:6] + b"$6$abcdefgh$0123456789\n",
        b"[Interface]\nPrivateKey = abc=\n",
        b'network={\n\tpsk="hidden"\n}\n',
        b"WIRELESS_WPA_PSK='hidden'\n".lower(),
        b"WIRELESS_WPA_PSK='hidden'\n",
        b"iface wlan0 inet dhcp\n\twpa-psk hidden\n",
        b"wpa_psk=hidden\n",
    ],
)
def test_contents_that_look_secret(content: bytes) -> None:
    assert looks_secret(content)


@pytest.mark.parametrize(
    "content",
    [
        b"root:x:0:0::/root:/bin/bash\n",
        b"-----BEGIN CERTIFICATE-----\n",
        b"price: $6 or $5\n",
        b"wpa-psk\n",
        b"",
    ],
)
def test_contents_that_do_not(content: bytes) -> None:
    assert not looks_secret(content)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (b"sudoers:3:7: syntax error", "sudoers:3:7: syntax error"),
        (b'near "hunter2"', 'near "…"'),
        (b"let=me:in, again", "…, again"),
        (b"option=hunter2;", "option=…;"),
        (b"(hunter2) hunter", "(…) …"),
        (b"error on line 12", "error on line 12"),
        (b"  two\n lines ", "  two\n lines "),
        (b"\xff\xfe odd \x1b[31m", "\udcff\udcfe odd \x1b[31m"),
    ],
)
def test_words_of_a_file_are_left_out_of_what_a_program_says_of_it(said: bytes, shown: str) -> None:
    content = b"sudoers\n\thunter2\nlet=me:in error line\n"
    assert without_quotations(said, content, b"sudoers").decode("utf-8", "surrogateescape") == shown
