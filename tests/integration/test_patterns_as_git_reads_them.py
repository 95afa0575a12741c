"""The shipped patterns mean in etcsync what git makes of them."""

import os
import subprocess

import pytest

from etcsync.policy.packs import available_packs, load_pack
from etcsync.policy.patterns import Matcher, plain_path

LISTINGS = os.path.join(os.path.dirname(__file__), "..", "fixtures", "etc-listings")


def git(tree, *arguments: str, stdin: str = "") -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
    return subprocess.run(
        ["git", "-C", str(tree), *arguments],
        input=stdin, capture_output=True, text=True, env=environment, check=False,
    ).stdout  # fmt: skip


@pytest.mark.parametrize(
    "listing", sorted(name for name in os.listdir(LISTINGS) if name.endswith(".txt"))
)
def test_git_ignores_what_the_shipped_patterns_match(tmp_path, listing) -> None:
    git(tmp_path, "init", "-q")
    with open(os.path.join(LISTINGS, listing)) as file:
        for name in file.read().splitlines():
            folder = os.path.join(tmp_path, name if name.endswith("/") else os.path.dirname(name))
            os.makedirs(folder, exist_ok=True)
            if not name.endswith("/"):
                (tmp_path / name).touch()
    found = (p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    paths = sorted(str(path) for path in found if path.parts[0] != ".git")
    exclude = tmp_path / ".git" / "info" / "exclude"
    for rule in (rule for pack in available_packs() for rule in load_pack(pack)):
        exclude.write_text("\n".join(rule.paths) + "\n")
        said = git(tmp_path, "check-ignore", "--no-index", "-z", "--stdin", stdin="\0".join(paths))
        matcher = Matcher(rule.paths)
        matched = {
            path
            for path in paths
            if matcher.matches(plain_path(path, directory=(tmp_path / path).is_dir()))
        }
        assert matched == set(filter(None, said.split("\0"))), rule
