"""The generated .etckeeper is, byte for byte, what the installed etckeeper writes."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from tree_support import AS_ROOT, take

from etcsync.entries import ancestors
from etcsync.tree.accounts import parse_accounts
from etcsync.tree.metadata_file import generate, parse
from etcsync.tree.scanned import Known

SCRIPT = Path("/etc/etckeeper/pre-commit.d/30store-metadata")
pytestmark = pytest.mark.skipif(
    not SCRIPT.exists() or not shutil.which("git"), reason="etckeeper is not installed"
)
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "VCS": "git",
}


def run(tree: Path, *command: str) -> bytes:
    return subprocess.run(
        command, cwd=tree, env=ENVIRONMENT, check=True, capture_output=True
    ).stdout


@pytest.fixture
def tree(tmp_path):
    run(tmp_path, "git", "init", "-q")
    (tmp_path / "ssh").mkdir()
    (tmp_path / "ssh" / "sshd_config").write_text("Port 22\n")
    (tmp_path / "shadow").touch(0o640)
    (tmp_path / "empty" / "also").mkdir(parents=True)
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/UTC")
    return tmp_path


def both(tree: Path) -> tuple[list[bytes], list[bytes]]:
    """Have etckeeper write the file, then generate it."""
    run(tree, "sh", str(SCRIPT))
    tracked = run(tree, "git", "ls-files", "-z").split(b"\0")
    paths = {path.decode("utf-8", "surrogateescape") for path in tracked if path}
    paths |= {above for path in paths for above in ancestors(path)}
    found = take(tree, Known(frozenset(paths)))
    accounts = parse_accounts(Path("/etc/passwd").read_bytes(), Path("/etc/group").read_bytes())
    ours = generate(found.entries, accounts, found.beside)
    return ours.splitlines(), (tree / ".etckeeper").read_bytes().splitlines()


def check(tree: Path) -> None:
    ours, theirs = both(tree)
    assert ours == theirs


def test_a_plain_tree(tree):
    check(tree)


def test_with_a_gitignore_that_hides_nothing(tree):
    (tree / ".gitignore").write_text("*.old\n")
    check(tree)


def test_with_a_hidden_file(tree):
    (tree / ".gitignore").write_text("*.old\n")
    (tree / "passwd.old").touch()
    (tree / "-dash").touch()
    (tree / "!bang").touch()
    check(tree)


def test_a_tracked_file_is_listed_although_a_rule_names_it(tree):
    (tree / ".gitignore").write_text("*.old\n")
    (tree / "passwd.old").touch()
    run(tree, "git", "add", "-f", "passwd.old")
    check(tree)


def test_a_hidden_directory_is_listed_and_its_files_are_not(tree):
    (tree / ".gitignore").write_text("cache/\n")
    (tree / "cache" / "sub" / "empty").mkdir(parents=True)
    (tree / "cache" / "file").touch()
    (tree / "cache" / "tracked").touch()
    check(tree)
    run(tree, "git", "add", "-f", "cache/tracked")
    check(tree)


@pytest.mark.parametrize("content", ["nothing", "fifo", "link", "directory"])
def test_what_counts_as_hidden(tree, content):
    (tree / ".gitignore").write_text("cache/\n*.x\n")
    (tree / "cache").mkdir()
    if content == "fifo":
        os.mkfifo(tree / "cache" / "fifo")
    elif content == "link":
        (tree / "cache" / "link").symlink_to("nowhere")
    elif content == "directory":
        (tree / "cache" / "sub").mkdir()
    check(tree)


@pytest.mark.parametrize("kind", ["fifo", "link"])
def test_hidden_by_a_file_pattern(tree, kind):
    (tree / ".gitignore").write_text("*.x\n")
    os.mkfifo(tree / "a.x") if kind == "fifo" else (tree / "a.x").symlink_to("nowhere")
    check(tree)


def test_hidden_files_with_names_that_git_quotes_stay_listed(tree):
    (tree / ".gitignore").write_text("cache/\n")
    (tree / "cache").mkdir()
    for name in ("é", 'q"q', "b\\b", "plain", "sp ace", "quo'te", "ta\tb"):
        (tree / "cache" / name).touch()
    check(tree)


def test_rules_below_the_top_alone_do_not_filter(tree):
    (tree / "ssh" / ".gitignore").write_text("*.key\n")
    (tree / "ssh" / "a.key").touch()
    check(tree)


def test_rules_at_two_levels(tree):
    (tree / ".gitignore").write_text("*.key\n/conf/*\n!/conf/keep\n")
    (tree / "ssh" / ".gitignore").write_text("!b.key\n")
    (tree / "conf").mkdir()
    for path in ("ssh/a.key", "ssh/b.key", "conf/keep", "conf/drop", "a.key"):
        (tree / path).touch()
    check(tree)


def test_odd_names(tree):
    for name in (
        b"quo'te",
        b'dou"ble',
        b"sp ace",
        b"\xff\xfe",
        "é".encode(),
        b"\\x2d",
        b"$(rm)",
        b"~",
    ):
        (tree / os.fsdecode(name)).touch()
        (tree / os.fsdecode(b"d" + name)).mkdir()
    check(tree)


def test_special_files_have_no_line(tree):
    (tree / "only-fifo").mkdir()
    os.mkfifo(tree / "only-fifo" / "fifo")
    check(tree)


@pytest.mark.root
def test_owners_and_modes(tree):
    for number, (uid, gid, mode) in enumerate([
        (1, 0, 0o4755), (0, 42, 0o640), (65534, 65534, 0), (12345, 54321, 0o7777), (0, 0, 0o1777),
    ]):  # fmt: skip
        path = tree / f"f{number}"
        path.touch()
        os.chown(path, uid, gid)
        path.chmod(mode)
    os.chown(tree / "empty", 8, 8)
    (tree / "empty").chmod(0o2750)
    check(tree)


@pytest.mark.parametrize("seed", range(6))
def test_random_trees(tree, seed):
    chance = random.Random(seed)
    directories = [tree]
    for number in range(60):
        above = chance.choice(directories)
        name = chance.choice(["a", "b.old", "c.d", "é", "x y", "-", "z'"]) + str(number % 17)
        path = above / name
        if path.exists() or path.is_symlink():
            continue
        if chance.random() < 0.35:
            path.mkdir(mode=chance.choice([0o755, 0o700, 0o1777]))
            directories.append(path)
        elif chance.random() < 0.2:
            path.symlink_to("nowhere")
        else:
            path.touch(chance.choice([0o644, 0o600, 0o755]))
        if AS_ROOT and chance.random() < 0.2:
            os.lchown(path, chance.choice([0, 1, 99999]), chance.choice([0, 42, 99999]))
    rules = chance.sample(["*.old*", "a1*", "c.d*/", "!b.old3", "/é*", "*1", "-?"], 3)
    if seed % 3:
        (tree / ".gitignore").write_text("\n".join(rules))
    chance.choice(directories).joinpath(".gitignore").write_text("*2\n")
    check(tree)
    run(tree, "git", "add", "-f", ".")
    check(tree)


def test_etckeeper_itself_agrees(tree):
    """As above, by the command that runs the script."""
    (tree / ".gitignore").write_text("*.old\n")
    (tree / "x.old").touch()
    run(tree, "etckeeper", "pre-commit", "-d", str(tree))
    theirs = (tree / ".etckeeper").read_bytes()
    found = take(tree)
    assert generate(found.entries, beside=found.beside) == theirs


def test_what_is_generated_is_read_back(tree):
    (tree / "new\nline").touch(0o600)
    (tree / "quo'te").touch(0o755)
    found = take(tree)
    read = parse(generate(found.entries, beside=found.beside))
    listed = {p: entry.mode for p, entry in found.entries.items() if entry.kind != "symlink"}
    assert read.modes == listed | {".etckeeper": 0o700}
    assert read.empty == ("empty/also",)
    assert read.skipped == 0
