"""A client's drift becomes a commit of upstream, under plain git."""

import os
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, fingerprint, git, sample_cluster
from tree_support import AS_ROOT


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    built = sample_cluster(tmp_path, clients=3)
    built.sync()
    return built


def promote(cluster: Cluster, *arguments: str, status: int = 0) -> Any:
    return cluster.run("promote", "client0", "--json", *arguments, status=status).json


def reasons(document: Any) -> dict[str, str]:
    return {each["path"]: each["reason"] for each in document["left_out"]}


def is_clean(cluster: Cluster) -> bool:
    git(cluster.etc, "diff-index", "--cached", "--exit-code", "HEAD")
    leftovers = [name for name in os.listdir(cluster.etc / ".git") if "etcsync" in name]
    return git(cluster.etc, "status", "--porcelain") == "" and leftovers == []


def history(cluster: Cluster, client: str) -> list[str]:
    return git(cluster.state / "hub.git", "log", "--format=%s", f"refs/heads/{client}").split("\n")


def test_content_kinds_and_deletions_go_upstream_and_to_all(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    (tree / "motd").write_text("hello from client0\n")
    (tree / "site").mkdir()
    (tree / "site/own").write_text("own\n")
    (tree / "site/own").chmod(0o750)
    (tree / "hosts").unlink()
    (tree / "localtime").unlink()
    (tree / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    (tree / "vconsole.conf").unlink()
    (tree / "vconsole.conf").mkdir()
    (tree / "vconsole.conf/part").write_text("KEYMAP=uk\n")
    done = promote(cluster)
    assert set(done["promoted"]) == {
        "motd", "site", "site/own", "hosts", "localtime", "vconsole.conf", "vconsole.conf/part",
    }  # fmt: skip
    assert is_clean(cluster)
    assert git(cluster.etc, "show", "HEAD:motd") == "hello from client0\n"
    assert (cluster.etc / "site/own").stat().st_mode & 0o7777 == 0o750
    cluster.sync()
    for number in range(3):
        tree = cluster.tree(number)
        assert (tree / "motd").read_text() == "hello from client0\n"
        assert (tree / "vconsole.conf/part").read_text() == "KEYMAP=uk\n"
        assert (tree / "site/own").stat().st_mode & 0o7777 == 0o750
        assert os.readlink(tree / "localtime") == "/usr/share/zoneinfo/Asia/Tokyo"
        assert not (tree / "hosts").exists()
    assert all(client["state"] == "synced" for client in cluster.status().values())


def test_the_commit_tells_who_changed_what_and_who_promoted_it(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("hello\n")
    done = promote(cluster)
    assert git(cluster.etc, "log", "-1", "--format=%H %an <%ae>").strip() == (
        f"{done['commit']} client0 <root@client0>"
    )
    assert git(cluster.etc, "log", "-1", "--format=%cn") != "client0\n"
    message = git(cluster.etc, "log", "-1", "--format=%B")
    assert message.startswith(
        "Promote motd of client0\n\nmodified motd\n\nPromoted-from: client0\n"
    )
    captured = git(
        cluster.etc, "log", "-1", "--format=%(trailers:key=Etcsync-Captured,valueonly)"
    ).strip()
    assert git(cluster.state / "hub.git", "show", f"{captured}:motd") == "hello\n"


def test_the_message_may_be_given(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("hello\n")
    promote(cluster, "-m", "Greet\n\nAs agreed.")
    assert git(cluster.etc, "log", "-1", "--format=%s|%b").startswith(
        "Greet|As agreed.\n\nPromoted-from: client0\nEtcsync-Captured: "
    )


def test_the_originator_is_in_sync_without_an_echo(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("hello\n")
    before = fingerprint(cluster.tree(0))
    promote(cluster)
    assert fingerprint(cluster.tree(0)) == before, "nothing was written to its tree"
    assert cluster.status()["client0"]["state"] == "synced"
    state = fingerprint(cluster.tree(0), cluster.state / "hub.git")
    cluster.sync("client0")
    assert fingerprint(cluster.tree(0), cluster.state / "hub.git") == state
    captures = [line for line in history(cluster, "client0") if line.startswith("Capture")]
    assert len(captures) == 1


def test_nothing_to_promote_says_so_and_writes_nothing(cluster: Cluster) -> None:
    before = fingerprint(cluster.etc, cluster.state, cluster.tree(0))
    answer = cluster.run("promote", "client0")
    assert answer.out.startswith("nothing to promote of client0")
    assert promote(cluster)["commit"] is None
    assert fingerprint(cluster.etc, cluster.state, cluster.tree(0)) == before


def test_a_dry_run_shows_the_diff_without_secrets_and_writes_nothing(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("hello\n")
    (cluster.tree(0) / "closed").write_text("the word is mellon\n")
    (cluster.tree(0) / "closed").chmod(0o600)
    before = fingerprint(cluster.etc, cluster.state, cluster.tree(0))
    answer = cluster.run("promote", "client0", "--dry-run")
    assert "+hello" in answer.out
    assert "added      closed" in answer.out
    assert "mellon" not in answer.out
    assert fingerprint(cluster.etc, cluster.state, cluster.tree(0)) == before


def test_what_is_left_out_has_its_reason(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    cluster.rules.write_text(
        '[[rule]]\npaths = ["/never.conf"]\npromote = "never"\n'
        '[[rule]]\npaths = ["/sometimes/"]\npromote = "named"\n'
        '[[rule]]\npaths = ["/token"]\nsecret = true\n'
    )
    for name in ("never.conf", "token", "fine"):
        (tree / name).write_text(f"{name}\n")
    (tree / "sometimes").mkdir()
    (tree / "sometimes/x").write_text("x\n")
    (tree / "id").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    (tree / "hostname").write_text("mine\n")
    os.mkfifo(tree / "pipe")
    (tree / "pacman.conf").write_text("[options]\n")
    (tree / "nothing").mkdir()
    done = promote(cluster)
    assert done["promoted"] == ["fine"]
    why = reasons(done)
    assert why["never.conf"] == "policy never promotes it"
    assert why["sometimes/x"] == "policy promotes it only when it is named"
    assert why["token"].startswith("policy says that it is secret")
    assert why["id"].startswith("its content looks like a key or a password")
    assert why["hostname"] == "policy gives it to the client"
    assert why["pipe"] == "it cannot be recorded"
    assert why["pacman.conf"].startswith("policy gives it to upstream")
    assert why["nothing"].startswith("git does not record an empty directory")

    cluster.run("promote", "client0", "never.conf", status=1)
    done = promote(cluster, "sometimes", "token", "hostname", status=1)
    assert done["promoted"] == ["sometimes", "sometimes/x", "token"]
    assert reasons(done).keys() == {"hostname"}


def test_a_path_that_does_not_differ_is_an_error(cluster: Cluster) -> None:
    answer = cluster.run("promote", "client0", "motd", status=2)
    assert "does not differ from upstream at motd" in answer.err
    assert "etcsync diff client0" in answer.err


def test_where_upstream_changed_other_lines_the_merge_is_promoted(cluster: Cluster) -> None:
    sshd = cluster.tree(0) / "ssh/sshd_config"
    sshd.write_text(sshd.read_text().replace("Port 22", "Port 2222"))
    theirs = (cluster.etc / "ssh/sshd_config").read_text()
    cluster.write("ssh/sshd_config", theirs.replace("X11Forwarding no", "X11Forwarding yes"))
    promote(cluster, "ssh/sshd_config")
    merged = (cluster.etc / "ssh/sshd_config").read_text()
    assert "Port 2222" in merged
    assert "X11Forwarding yes" in merged
    assert sshd.read_text() == merged
    assert cluster.status()["client0"]["state"] == "synced"


def test_where_upstream_changed_the_same_lines_nothing_is_written(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("from client0\n")
    (cluster.tree(0) / "hosts").write_text("127.0.0.1 localhost\n")
    cluster.write("motd", "from upstream\n")
    head = git(cluster.etc, "rev-parse", "HEAD")
    answer = cluster.run("promote", "client0", "motd", "hosts", status=1)
    assert "-from" not in answer.err
    assert "+from client0" in answer.out
    assert "+from upstream" in answer.out
    assert git(cluster.etc, "rev-parse", "HEAD") == head
    done = promote(cluster, status=1)  # what is held on the client needs attention
    assert done["promoted"] == ["hosts"]
    assert reasons(done)["motd"].startswith("held: ")


def test_uncommitted_edits_elsewhere_stay_as_they_are(cluster: Cluster) -> None:
    (cluster.etc / "chrony.conf").write_text("edited\n")
    (cluster.etc / "hosts").write_text("staged\n")
    git(cluster.etc, "add", "hosts")
    (cluster.etc / "wip").write_text("half done\n")
    git(cluster.etc, "add", "--intent-to-add", "wip")
    before = git(cluster.etc, "status", "--porcelain")
    (cluster.tree(0) / "motd").write_text("hello\n")
    promote(cluster)
    assert git(cluster.etc, "status", "--porcelain") == before
    assert (cluster.etc / "chrony.conf").read_text() == "edited\n"
    assert git(cluster.etc, "show", "--format=", "--name-only", "HEAD") == "motd\n"


@pytest.mark.parametrize("edit", ["working file", "index", "in the way", "kind", "link above"])
def test_uncommitted_edits_on_the_same_path_are_refused(cluster: Cluster, edit: str) -> None:
    (cluster.tree(0) / "motd").write_text("hello\n")
    if edit == "working file":
        (cluster.etc / "motd").write_text("being edited\n")
    elif edit == "index":
        (cluster.etc / "motd").write_text("staged\n")
        git(cluster.etc, "add", "motd")
        git(cluster.etc, "show", "HEAD:motd")
        (cluster.etc / "motd").write_text(git(cluster.etc, "show", "HEAD:motd"))
    elif edit == "in the way":
        (cluster.tree(0) / "new").write_text("new\n")
        (cluster.etc / "new").write_text("another\n")
    elif edit == "kind":
        (cluster.etc / "motd").unlink()
        (cluster.etc / "motd").symlink_to("hosts")
    else:
        outside = cluster.place / "outside"
        (cluster.etc / "profile.d").rename(outside)
        (cluster.etc / "profile.d").symlink_to(outside)
        (cluster.tree(0) / "profile.d/editor.sh").write_text("export EDITOR=ed\n")
    before = fingerprint(cluster.etc, cluster.state / "hub.git", cluster.tree(0))
    answer = cluster.run("promote", "client0", *(["profile.d"] if "link" in edit else []), status=3)
    assert "edits that are not committed" in answer.err
    assert "etckeeper commit" in answer.err
    after = fingerprint(cluster.etc, cluster.state / "hub.git", cluster.tree(0))
    assert after == before


def test_a_new_file_that_gitignore_hides_upstream_is_refused_with_the_line(
    cluster: Cluster,
) -> None:
    (cluster.etc / ".git/info").mkdir(exist_ok=True)
    (cluster.etc / ".git/info/exclude").write_text("# ours\n*.secretive\n")
    (cluster.tree(0) / "x.secretive").write_text("x\n")
    (cluster.tree(0) / "y.pacnew").write_text("y\n")
    (cluster.tree(0) / "mtab").write_text("z\n")
    done = promote(cluster, "x.secretive", status=1)
    assert done["commit"] is None
    assert "exclude line 2: *.secretive" in reasons(done)["x.secretive"]


def test_a_link_upstream_becomes_a_directory(cluster: Cluster) -> None:
    (cluster.etc / "where").symlink_to("profile.d")
    cluster.commit()
    cluster.sync()
    place = cluster.tree(0) / "where"
    place.unlink()
    place.mkdir()
    (place / "now").write_text("here\n")
    assert promote(cluster, "where")["promoted"] == ["where", "where/now"]
    assert is_clean(cluster)
    assert git(cluster.etc, "ls-files", "where") == "where/now\n"


def test_what_a_suspended_client_changed_goes_and_what_it_missed_stays(cluster: Cluster) -> None:
    cluster.run("suspend", "client0")
    cluster.write("hosts", "127.0.0.1 localhost\n")
    (cluster.tree(0) / "motd").write_text("hello\n")
    before = fingerprint(cluster.tree(0))
    assert promote(cluster)["promoted"] == ["motd"]
    assert git(cluster.etc, "show", "--format=", "--name-only", "HEAD") == "motd\n"
    cluster.sync()
    assert fingerprint(cluster.tree(0)) == before
    assert (cluster.tree(1) / "motd").read_text() == "hello\n"
    cluster.run("resume", "client0")
    cluster.sync()
    assert (cluster.tree(0) / "hosts").read_text() == "127.0.0.1 localhost\n"
    assert cluster.status()["client0"]["state"] == "synced"


def test_a_detached_head_is_refused(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("hello\n")
    git(cluster.etc, "checkout", "-q", "--detach")
    assert "detached" in cluster.run("promote", "client0", status=3).err
    assert is_clean(cluster)


def test_no_hook_of_upstream_runs(cluster: Cluster) -> None:
    ran = cluster.place / "ran"
    for hook in ("pre-commit", "commit-msg", "post-commit", "reference-transaction",
                 "post-index-change"):  # fmt: skip
        place = cluster.etc / ".git/hooks" / hook
        place.write_text(f"#!/bin/sh\ntouch {ran}\n")
        place.chmod(0o755)
    (cluster.tree(0) / "motd").write_text("hello\n")
    assert promote(cluster)["promoted"] == ["motd"]
    assert not ran.exists()


def test_git_at_work_upstream_postpones_it(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("hello\n")
    (cluster.etc / ".git/index.lock").touch()
    assert "busy" in cluster.run("promote", "client0", status=3).err
    (cluster.etc / ".git/index.lock").unlink()
    assert promote(cluster)["promoted"] == ["motd"]


def test_account_files_go_together_and_deleted_accounts_never(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    for path, line in (("passwd", "eve:x:1100:1100::/:/bin/sh"), ("group", "eve:x:1100:"),
                       ("shadow", "eve:!:19700::::::"), ("gshadow", "eve:!::")):  # fmt: skip
        with (tree / path).open("a") as file:
            file.write(line + "\n")
    assert "only when it is named" in reasons(promote(cluster))["passwd"]
    done = promote(cluster, "passwd", status=1)
    assert done["promoted"] == []
    assert "goes together with gshadow" in reasons(done)["passwd"]
    done = promote(cluster, "passwd", "shadow", "gshadow")
    assert done["promoted"] == ["group", "gshadow", "passwd", "shadow"]
    passwd = (tree / "passwd").read_text().splitlines(keepends=True)
    (tree / "passwd").write_text("".join(line for line in passwd if "alice" not in line))
    done = promote(cluster, "passwd", status=1)
    assert done["promoted"] == []
    assert "alice was deleted from it" in reasons(done)["passwd"]


def test_other_clients_with_an_edit_at_the_same_place_are_named(cluster: Cluster) -> None:
    (cluster.tree(0) / "motd").write_text("hello\n")
    (cluster.tree(1) / "motd").write_text("something else\n")
    (cluster.tree(2) / "motd").write_text("hello\n")
    assert promote(cluster)["meets"] == [{"client": "client1", "paths": ["motd"]}]


@pytest.mark.skipif(not AS_ROOT, reason="owners can be set by root only")
def test_metadata_alone_is_promoted(cluster: Cluster) -> None:
    tree = cluster.tree(0)
    (tree / "motd").chmod(0o640)
    os.chown(tree / "hosts", 0, 33)
    (tree / "profile.d").chmod(0o750)
    assert set(promote(cluster)["promoted"]) == {"motd", "hosts", "profile.d"}
    assert is_clean(cluster)
    cluster.sync()
    for place in (cluster.etc, cluster.tree(2)):
        assert (place / "motd").stat().st_mode & 0o777 == 0o640
        assert (place / "hosts").stat().st_gid == 33
        assert (place / "profile.d").stat().st_mode & 0o777 == 0o750
    assert all(client["state"] == "synced" for client in cluster.status().values())


def test_a_directory_that_holds_ignored_files_upstream_stays_whole(cluster: Cluster) -> None:
    (cluster.etc / "sysctl.d/10-net.conf.pacnew").write_text("left over\n")
    (cluster.tree(0) / "sysctl.d/10-net.conf").unlink()
    (cluster.tree(0) / "sysctl.d").rmdir()
    answer = cluster.run("promote", "client0", status=3)
    assert "sysctl.d cannot be removed: it holds something that git does not track" in answer.err
    assert (cluster.etc / "sysctl.d/10-net.conf").exists()
    assert is_clean(cluster)
