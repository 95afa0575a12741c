"""The page of a report escapes by itself, whatever its template forgets."""

import pytest

from etcsync.errors import TreeError
from etcsync.reconcile.cluster_report import ClusterReport
from etcsync.reconcile.model import ClientStatus, ClusterStatus
from etcsync.report.cluster_html import report_html


def page(upstream: str = "/srv/root/etc", *clients: ClientStatus) -> str:
    status = ClusterStatus(upstream, "a" * 40, (), (), None, clients)
    return report_html(ClusterReport("2026-11-21T10:45:29Z", status, (), ()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>&", "&lt;b&gt;&amp;"),
        ("\x1b[31m\n", r"\x1b[31m\n"),
        ("\u202e\udcff", r"\u202e\xff"),
        ("{{ 7 * 191 }}", "{{ 7 * 191 }}"),
    ],
)
def test_a_value_that_no_filter_has_seen_is_printable_and_escaped(text: str, shown: str) -> None:
    assert f"<code>{shown}</code>" in page(text)


def test_errors_are_told_with_their_hints_and_stay_text() -> None:
    error = TreeError("no <tree>\x1b", hint="look \u202e")
    text = page("/etc", ClientStatus("client0", "/srv/etc-client0", error=error))
    assert r"no &lt;tree&gt;\x1b" in text
    assert r"look \u202e" in text


def test_clients_that_need_attention_come_first() -> None:
    error = TreeError("broken")
    clients = [ClientStatus("sound", "/s"), ClientStatus("broken", "/b", error=error)]
    text = page("/etc", *clients)
    assert text.index(">broken<") < text.index(">sound<")
    assert text.index("1 client to look at") < text.index("1 client in sync")


def test_many_clients_in_sync_are_folded() -> None:
    clients = [ClientStatus(f"client{number}", f"/srv/{number}") for number in range(100)]
    assert "<summary>100 clients in sync</summary>" in page("/etc", *clients)


def test_the_page_allows_nothing_but_its_own_style() -> None:
    text = page()
    assert "default-src 'none'; style-src 'sha256-" in text
    assert "url(" not in text
    assert "@import" not in text
    assert "http://" not in text
    assert "https://" not in text
