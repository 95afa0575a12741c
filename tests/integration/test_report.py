"""`etcsync report`: what it tells, what it never tells, and what clients cannot make of it."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from cluster import Cluster, fingerprint, sample_cluster
from markdown_it import MarkdownIt

from etcsync.entries import blob_oid

FORMATS = ("md", "html", "json")

ELEMENTS = {
    "article", "body", "caption", "code", "del", "details", "div", "footer", "h1", "h2", "h3", "h4",
    "head", "header", "html", "ins", "li", "main", "mark", "meta", "ol", "p", "pre", "section",
    "span", "strong", "style", "summary", "table", "tbody", "td", "th", "thead", "time", "title",
    "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "aria-labelledby", "charset", "class", "content", "data-label", "datetime", "http-equiv", "id",
    "lang", "name", "open", "role", "scope", "title",
}  # fmt: skip
WITHOUT_END = {"meta"}

HOSTILE_NAMES = [
    b"<script>alert(1)<script>",
    b"'\"><img src=x onerror=alert(1)>",
    b"new\nline",
    b"esc\x1b[31m",
    "bidi\u202egnp.exe".encode(),
    b"stray\xff",
    b"`[link](http:evil)` | cell",
    b"{{ 7 * 191 }}{% raw %}",
    b"-option",
]
HOSTILE_CONTENT = (
    b"</pre></code><img src=x onerror=alert(1)><script>alert(1)</script>\n"
    b"```\n# heading\n[link](javascript:alert(1)) | cell |\n\x1b[2J\xff {{ 7 * 191 }}\n"
    b"&lt;b&gt; \xe2\x80\xae<!-- --><style>*{display:none}</style>\n"
)


class Page(HTMLParser):
    """A page as a browser takes it: its elements, their attributes, and what it shows."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.shown = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in WITHOUT_END:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.shown += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=4)


def conflict(cluster: Cluster, path: str, ours: str | bytes, theirs: str, *clients: int) -> None:
    """Have ``path`` held on the clients."""
    for number in clients:
        content = ours if isinstance(ours, bytes) else ours.encode()
        (cluster.tree(number) / path).write_bytes(content)
    cluster.write(path, theirs)
    cluster.run("sync", status=1)


def report(cluster: Cluster, kind: str, *clients: str, status: int = 0) -> str:
    return cluster.run("report", *clients, "--format", kind, status=status).out


def test_a_cluster_in_sync_has_nothing_to_do_and_markdown_is_the_default(cluster: Cluster) -> None:
    text = cluster.run("report").out
    assert text.startswith("# Cluster at ")
    assert "4 clients: 4 synced." in text
    assert "Nothing is held." in text
    assert "Nothing has drifted." in text
    page = Page(report(cluster, "html")).shown
    assert "4 clients in sync" in page
    assert "Nothing is held." in page
    document = json.loads(report(cluster, "json"))
    assert document["schema"] == 1
    assert document["counts"] == {"synced": 4}
    assert (document["conflicts"], document["drift"], document["next"]) == ([], [], [])


def test_the_same_conflict_on_several_clients_is_told_once_with_its_versions(
    cluster: Cluster,
) -> None:
    conflict(cluster, "motd", "Ours.\n", "Theirs.\n", 0, 2)
    document = json.loads(report(cluster, "json", status=1))
    (held,) = document["conflicts"]
    assert [client["name"] for client in held["clients"]] == ["client0", "client2"]
    ids = {client["id"] for client in held["clients"]}
    assert ids == {
        conflict["id"] for client in document["clients"] for conflict in client["conflicts"]
    }
    assert (held["path"], held["reason"], held["secret"]) == ("motd", "content", False)
    assert (held["ours"]["text"], held["theirs"]["text"]) == ("Ours.\n", "Theirs.\n")
    assert f"etcsync resolve {held['id']} --upstream --everywhere" in held["commands"]
    for kind in ("md", "html"):
        text = report(cluster, kind, status=1)
        shown = Page(text).shown if kind == "html" else text
        assert shown.count("Ours.") == 1
        assert f"etcsync conflicts show {held['id']}" in shown
        assert "client0 client2" in shown


def test_different_conflicts_of_one_path_are_told_apart(cluster: Cluster) -> None:
    (cluster.tree(1) / "motd").write_text("Otherwise.\n")
    conflict(cluster, "motd", "Ours.\n", "Theirs.\n", 0, 2)
    document = json.loads(report(cluster, "json", status=1))
    assert [len(held["clients"]) for held in document["conflicts"]] == [2, 1]


def test_shared_drift_comes_first_with_its_difference_and_its_three_exits(
    cluster: Cluster,
) -> None:
    (cluster.tree(0) / "hosts").write_text("127.0.0.1 alone\n")
    for number in (1, 3):
        (cluster.tree(number) / "motd").write_text("Edited alike.\n")
    document = json.loads(report(cluster, "json"))
    shared, alone = document["drift"]
    assert (shared["path"], shared["clients"]) == ("motd", ["client1", "client3"])
    assert (alone["path"], alone["clients"]) == ("hosts", ["client0"])
    assert "+Edited alike." in shared["diff"]
    assert shared["commands"] == [
        f"etcsync {way} client1 motd" for way in ("promote", "accept", "discard")
    ]
    markdown = report(cluster, "md")
    assert "### 2 clients changed `motd` alike" in markdown
    assert "+Edited alike." in markdown
    assert "2 clients changed motd alike" in Page(report(cluster, "html")).shown


def test_what_upstream_has_uncommitted_or_left_over_is_told(cluster: Cluster) -> None:
    (cluster.etc / "motd").write_text("not committed\n")
    (cluster.etc / "pacman.conf.pacnew").write_text("left over\n")
    for kind in FORMATS:
        text = report(cluster, kind)
        assert "motd" in text
        assert "pacman.conf.pacnew" in text


def test_only_the_clients_that_are_named_are_in_it(cluster: Cluster) -> None:
    text = report(cluster, "md", "client1")
    assert "| client1 |" in text
    assert "client2" not in text


def test_exit_status_tells_of_held_paths_and_of_clients_that_cannot_be_read(
    cluster: Cluster,
) -> None:
    conflict(cluster, "motd", "Ours.\n", "Theirs.\n", 0)
    report(cluster, "md", status=1)
    report(cluster, "md", "client1", status=0)
    shutil.rmtree(cluster.tree(3))
    for kind in FORMATS:
        text = report(cluster, kind, status=3)
        assert "does not exist" in text
        assert "Theirs." in text


def test_it_writes_nothing_to_trees_and_hub(cluster: Cluster) -> None:
    conflict(cluster, "motd", "Ours.\n", "Theirs.\n", 0)
    (cluster.tree(1) / "hosts").write_text("drift\n")
    places = (cluster.state / "hub.git", *(cluster.tree(number) for number in range(4)))
    before = fingerprint(*places)
    for kind in FORMATS:
        report(cluster, kind, status=1)
    assert fingerprint(*places) == before


def test_a_file_gets_it_whole_and_closed_to_others(cluster: Cluster, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("older\n")
    target.chmod(0o644)
    inode = target.stat().st_ino
    answer = cluster.run("report", "--format", "html", "--output", str(target))
    assert answer.out == ""
    assert target.read_text().endswith("</html>\n")
    assert target.stat().st_mode & 0o7777 == 0o600
    assert target.stat().st_ino != inode
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".report")] == []


def test_what_is_no_regular_file_is_not_replaced(cluster: Cluster, tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "elsewhere")
    for target in (pipe, link):
        answer = cluster.run("report", "-o", str(target), status=2)
        assert "not a regular file" in answer.err
    assert pipe.is_fifo()
    assert link.is_symlink()


def test_json_means_the_json_document(cluster: Cluster) -> None:
    assert cluster.run("report", "--json").json["counts"] == {"synced": 4}
    cluster.run("report", "--json", "--format", "html", status=2)


def test_secrets_by_rule_by_mode_and_by_content_are_never_in_it(cluster: Cluster) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\ntomato\n"
    cluster.rules.write_text('[[rule]]\npaths = ["ruled.conf", "motd"]\nsecret = true\n')
    for number in (0, 1):
        tree = cluster.tree(number)
        (tree / "ruled.conf").write_text("tomato by rule\n")
        (tree / "closed.conf").write_text("tomato by mode\n")
        (tree / "closed.conf").chmod(0o600)
        (tree / "looks.conf").write_text(key)
    (cluster.tree(2) / "chrony.conf").write_text(key)
    cluster.write("chrony.conf", "server upstream\n")
    conflict(cluster, "motd", "tomato, held\n", "tomato, too\n", 2, 3)
    contents = ("tomato by rule\n", "tomato by mode\n", key, "tomato, held\n", "tomato, too\n")
    for kind in FORMATS:
        text = report(cluster, kind, status=1)
        assert "differs (secret)" in text
        assert "2 clients" in text or kind == "json"
        assert "tomato" not in text
        for content in contents:
            assert blob_oid(content.encode())[:7] not in text
    (first, second) = json.loads(report(cluster, "json", status=1))["conflicts"]
    assert all(held["secret"] and held["ours"]["text"] is None for held in (first, second))


@pytest.fixture
def hostile(cluster: Cluster) -> Cluster:
    """A cluster of which clients try what they can with names and contents."""
    for name in HOSTILE_NAMES:
        place = os.fsencode(cluster.tree(0)) + b"/" + name
        with open(place, "wb") as file:
            file.write(HOSTILE_CONTENT)
    os.mkfifo(os.fsencode(cluster.tree(1)) + b"/pipe <b>\x1b\xff<b>|`")
    conflict(cluster, "motd", HOSTILE_CONTENT, "Theirs.\n", 0, 1)
    return cluster


def test_nothing_a_client_writes_becomes_markup_of_the_page(hostile: Cluster) -> None:
    text = report(hostile, "html", status=1)
    page = Page(text)
    assert page.elements <= ELEMENTS
    assert page.attributes <= ATTRIBUTES
    assert "default-src 'none'" in text
    assert not set(controls(text)) - {"\n"}
    for shown in (
        "<script>alert(1)<script>",
        "'\"><img src=x onerror=alert(1)>",
        r"new\nline",
        r"esc\x1b[31m",
        r"bidi\u202egnp.exe",
        r"stray\xff",
        "{{ 7 * 191 }}{% raw %}",
        r"pipe <b>\x1b\xff<b>|`",
        "</pre></code><img src=x onerror=alert(1)>",
        r"&lt;b&gt; \u202e<!-- -->",
    ):
        assert shown in page.shown
    assert "1337" not in page.shown


def test_nothing_a_client_writes_becomes_markup_of_the_markdown(hostile: Cluster) -> None:
    text = report(hostile, "md", status=1)
    assert not set(controls(text)) - {"\n"}
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    every = [child for token in tokens for child in (token, *(token.children or ()))]
    kinds = {token.type for token in every}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "em_open", "code_block"}
    headings = [
        tokens[number + 1].content for number, t in enumerate(tokens) if t.type == "heading_open"
    ]
    assert "heading" not in headings
    assert len(headings) == 7 + len(HOSTILE_NAMES)
    assert sum(token.type == "table_open" for token in tokens) == 1
    cells = sum(token.type == "td_open" for token in tokens)
    assert cells == 4 * 8


def test_the_json_document_has_names_and_contents_as_they_are(hostile: Cluster) -> None:
    document = json.loads(report(hostile, "json", status=1))
    names = {os.fsencode(drift["path"]) for drift in document["drift"]}
    assert names == set(HOSTILE_NAMES)
    (held,) = document["conflicts"]
    assert held["ours"]["text"].encode("utf-8", "surrogateescape") == HOSTILE_CONTENT


def controls(text: str) -> Iterator[str]:
    return (character for character in text if not character.isprintable())


def test_long_contents_and_many_differences_are_cut_and_say_so(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    (tree / "long").write_text("x" * 60_000 + "\n")
    (tree / "many").write_text("line\n" * 10_000)
    (tree / "large").write_bytes(b"tall\n" * 200_000)
    for number in range(400):
        (tree / f"drift{number:03}").write_text(f"{number}\n" * 300)
    began = time.monotonic()
    page = report(cluster, "html")
    assert time.monotonic() - began < 30
    assert len(page) < 3_000_000
    shown = Page(page).shown
    assert "more lines" in shown
    assert "And 203 more differences." in shown
    markdown = report(cluster, "md")
    assert len(markdown) < 2_000_000
    assert "And 203 more differences." in markdown
    document = json.loads(report(cluster, "json"))
    assert len(document["drift"]) == 403
    (tree / "drift000").unlink()
    only = json.loads(report(cluster, "json", "client0"))["drift"]
    assert [d["diff_lines"] for d in only if d["path"] == "drift001"] == [301]


def test_who_is_suspended_and_why_is_told(cluster: Cluster) -> None:
    cluster.run("suspend", "client1", "--reason", "exam <b>\x1b")
    for kind in FORMATS:
        text = report(cluster, kind)
        shown = Page(text).shown if kind == "html" else text
        assert "exam <b>" in shown
        assert "etcsync resume client1" in shown
        assert "\x1b" not in text
