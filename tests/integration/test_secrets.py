"""Secrets by rule, by mode and by content: no output tells them or confirms a guess."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Answer, Cluster, git, sample_cluster

from etcsync.config import load_settings
from etcsync.entries import blob_oid
from etcsync.hub.conflict_key import NO_KEY
from etcsync.plan.model import conflict_id
from etcsync.reconcile.cluster import open_cluster

SIDES = ("base", "client", "upstream")
HASH = "$6$saltsalt$"

TEXTS = {
    "pin.conf": "pin {}\n",  # by rule
    "vault/private/key": "{}\n",  # by a rule of the base pack
    "closed.conf": "first\nvalue {}\nlast\n",  # by mode
    "environment": "PATH=/bin\nTOKEN={}\n",  # by mode, and merged by record
    "wireless.conf": 'network={{\n  psk="{}"\n}}\n',  # by content
    "tunnel.conf": "[Interface]\nPrivateKey = {}\n",
    "sysctl.d/hash.conf": "a.hash = " + HASH + "{}\n",  # by content, and merged by record
    "pem.conf": "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
}
CLOSED = ("closed.conf", "environment")
HEALED = ("munge/munge.key", "{}\n")


def marker(path: str, side: str) -> str:
    """Return a word that stands nowhere else."""
    return "Zq" + hashlib.md5(f"{path} {side}".encode(), usedforsecurity=False).hexdigest()[:14]


def content(path: str, side: str) -> str:
    texts = {**TEXTS, HEALED[0]: HEALED[1]}
    return texts[path].format(marker(path, side))


def put(etc: Path, path: str, side: str) -> None:
    place = etc / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content(path, side))
    place.chmod(0o600 if path in CLOSED else 0o644)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    built = sample_cluster(tmp_path, clients=2)
    built.rules.write_text('[[rule]]\npaths = ["/pin.conf"]\nsecret = true\n')
    for path in (*TEXTS, HEALED[0]):
        put(built.etc, path, "base")
    built.commit("the secrets")
    built.sync()
    return built


def change_all(cluster: Cluster) -> None:
    """Put on the first client all in conflict, on the second all in drift."""
    for path in (*TEXTS, HEALED[0]):
        for number in range(2):
            put(cluster.tree(number), path, "client")
    for path in TEXTS:
        put(cluster.etc, path, "upstream")
    for number in range(2):
        shadow = cluster.tree(number) / "shadow"
        shadow.write_text(
            shadow.read_text().replace("alice:!:", f"alice:{HASH}{marker('s', 'c')}:")
        )
    text = (cluster.etc / "shadow").read_text()
    (cluster.etc / "shadow").write_text(
        text.replace("alice:!:", f"alice:{HASH}{marker('s', 'u')}:")
    )


def telling(paths: tuple[str, ...]) -> dict[str, str]:
    """Return everything that would tell a secret, or confirm a guess, and what it is of."""
    found = {HASH: "a hash", marker("s", "c"): "a hash", marker("s", "u"): "a hash"}
    for path in paths:
        for side in SIDES:
            text, word = content(path, side).encode(), marker(path, side).encode()
            found[word.decode()] = f"the {side}'s {path}"
            digests = [
                digest(each).hexdigest()
                for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512)
                for each in (text, word, word + b"\n")
            ]
            for digest in (blob_oid(text), *digests):
                found[digest[:8]] = f"a digest of the {side}'s {path}"
    return found


def check(outputs: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> None:
    words = telling((*TEXTS, HEALED[0]))
    told = {(where, words[word]) for where, text in outputs for word in words if word in text}
    assert told == set()


def both(answer: Answer) -> str:
    return answer.out + answer.err


def everything_said(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Yield what each command says of the cluster, and what lies about it, but for contents."""
    commands = [
        (*more, *command)
        for command in (
            ("plan",), ("sync",), ("status",), ("diff", "client0"), ("diff", "client1"),
            ("conflicts",), ("conflicts", "show", "00000000"), ("log", "client0"),
            ("policy", "explain", "client0", "pin.conf"),
        )
        for more in (("-v",), ("--json",))
    ]  # fmt: skip
    for command in commands:
        yield " ".join(command), both(cluster.run(*command, status=None))
    for held in cluster.plan()["clients"][0]["conflicts"]:
        for more in ((), ("--json",)):
            command = ("conflicts", "show", held["id"], *more)
            yield " ".join(command), both(cluster.run(*command))
    for report in (cluster.state / "reports").rglob("*"):
        if report.is_file():
            yield str(report), report.read_text()
    log = ["log", "--all", "--format=%B"]
    yield "commit messages", git(cluster.state / "hub.git", *log)


def test_no_output_tells_a_secret_or_a_digest_of_it(cluster: Cluster) -> None:
    change_all(cluster)
    cluster.commit()
    check([("plan before", both(cluster.run("-v", "plan", status=None)))])
    check([("sync", both(cluster.run("-v", "sync", status=None)))])
    run = cluster.plan()
    held = {conflict["path"] for conflict in run["clients"][0]["conflicts"]}
    assert held >= {*TEXTS, "shadow"}, "each kind of secret is in dispute"
    assert (cluster.tree(0) / HEALED[0]).read_text() == content(HEALED[0], "base")
    check(everything_said(cluster))
    for way, path in (("--upstream", "pin.conf"), ("--client", "wireless.conf")):
        ids = {c["path"]: c["id"] for c in cluster.plan()["clients"][0]["conflicts"]}
        said = both(cluster.run("-v", "resolve", ids[path], way, status=None))
        check([(f"resolve {path} {way}", said)])


def test_drift_in_a_secret_is_named_and_not_told(cluster: Cluster) -> None:
    change_all(cluster)
    for path in TEXTS:
        put(cluster.etc, path, "base")
    git(cluster.etc, "checkout", "-q", "shadow")
    (cluster.etc / "shadow").chmod(0o600)
    cluster.sync()
    drift = {each["path"] for each in cluster.status()["client1"]["drift"]}
    assert drift >= {*TEXTS, "shadow"}
    assert cluster.run("diff", "client1").out.count("differs (secret)") == len(TEXTS) + 1
    check(everything_said(cluster))


def test_an_id_confirms_no_guess_of_what_is_in_a_secret(cluster: Cluster) -> None:
    change_all(cluster)
    cluster.commit()
    ids = {c["path"]: c["id"] for c in cluster.sync(status=None)["clients"][0]["conflicts"]}
    with open_cluster(load_settings(str(cluster.settings))) as known:
        theirs = known.theirs.entries
    for path in TEXTS:
        base, ours = (
            theirs[path]._replace(oid=blob_oid(content(path, side).encode()))
            for side in ("base", "client")
        )
        versions = ("client0", path, base, ours, theirs[path])
        plain = json.dumps(versions).encode()
        assert ids[path] != hashlib.sha256(plain).hexdigest()[:8]
        assert ids[path] != conflict_id(NO_KEY, *versions)
        key = (cluster.state / "hub.git/conflict-key").read_bytes()
        assert ids[path] == conflict_id(key, *versions), "the guess was right"


def test_ids_change_once_when_an_old_hub_gets_its_key(cluster: Cluster) -> None:
    cluster.write("motd", "upstream's\n", message="")
    (cluster.tree(0) / "motd").write_text("the client's\n")
    cluster.commit()
    (first,) = cluster.sync(status=1)["clients"][0]["conflicts"]
    (cluster.state / "hub.git/conflict-key").unlink()
    cluster.plan()
    assert not (cluster.state / "hub.git/conflict-key").exists(), "a reader wrote"
    (second,) = cluster.sync(status=1)["clients"][0]["conflicts"]
    assert second["id"] != first["id"]
    assert {**second, "id": first["id"]} == first
    again = cluster.sync(status=1)["clients"][0]
    assert again["conflicts"] == [second]
    assert again["actions"] == []
    assert cluster.run("conflicts", "show", second["id"]).status == 0
