"""Systems that the real tools changed on both sides merge into one that the real checks accept."""

import shutil
import subprocess
from pathlib import Path

import pytest

from etcsync.plan.keyed import ACCOUNT_FILES, AccountsConflict, AccountsMerged, merge_accounts

TOOLS = ("useradd", "usermod", "userdel", "groupadd", "groupmod", "groupdel", "pwck", "grpck")

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="needs shadow-utils"),
]

FIRST = {
    "passwd": "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n",
    "group": "root:x:0:\nusers:x:100:\nnogroup:x:65534:\n",
    "shadow": "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n",
    "gshadow": "root:*::\nusers:*::\nnogroup:*::\n",
    "subuid": "",
    "subgid": "",
    "login.defs": (
        "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nSYS_UID_MAX 999\n"
        "SYS_GID_MAX 999\n"
        "SUB_UID_MIN 100000\nSUB_UID_MAX 600100000\nSUB_UID_COUNT 65536\n"
        "SUB_GID_MIN 100000\nSUB_GID_MAX 600100000\nSUB_GID_COUNT 65536\nUSERGROUPS_ENAB yes\n"
    ),
}

COMMON = [
    "useradd -M -d / -s /bin/sh -p $6$alice alice",
    "useradd -M -d / -s /bin/sh -p $6$bob bob",
    "groupadd -r docker",
    "usermod -a -G docker bob",
]

ELSEWHERE = "-K SUB_UID_MIN=500000 -K SUB_GID_MIN=500000"
"""Keeps useradd from giving the ranges that it gives on the other side."""

MERGING = {
    "users added on both sides": (
        ["useradd -M -d / -s /bin/sh -u 1100 carol", "usermod -a -G docker carol"],
        [f"useradd -M -d / -s /bin/sh -u 1200 {ELSEWHERE} dave", "usermod -a -G docker,bob dave"],
    ),
    "services added on both sides": (
        ["useradd -r -d / -s /bin/sh -u 901 redis", "usermod -a -G redis alice"],
        ["useradd -r -d / -s /bin/sh -u 902 nginx", "useradd -r -d / -s /bin/sh -u 901 redis"],
    ),
    "a user deleted here, others changed there": (
        ["userdel bob"],
        ["usermod -s /bin/bash -c Alice alice", "groupadd render",
         "usermod -a -G render,docker alice"],
    ),
    "a user deleted there, others changed here": (
        ["usermod -L alice", "gpasswd -A alice -M alice,bob docker"],
        ["useradd -M -d / -s /bin/sh carol", "userdel bob"],
    ),
    "a group renumbered and a user renamed": (
        ["groupmod -g 880 docker"],
        ["usermod -l robert bob", "groupmod -n containers users"],
    ),
    "a user's fields and password": (
        ["usermod -p $6$new alice", "usermod -s /bin/bash bob"],
        ["usermod -L alice", "usermod -c Bob -e 2030-01-01 bob", "groupdel users"],
    ),
}  # fmt: skip

CONFLICTING = {
    "the next uid given on both sides": (
        ["useradd -M carol"],
        ["useradd -M dave"],
        {"passwd", "group", "subuid", "subgid"},
    ),
    "one name with two uids": (
        ["useradd -M -u 1100 carol"],
        [f"useradd -M -u 1200 {ELSEWHERE} carol"],
        {"passwd", "group"},
    ),
    "a second superuser": (["useradd -M -N -o -u 0 toor"], ["groupadd render"], {"passwd"}),
    "a user deleted and changed": (["userdel bob"], ["usermod -c Bob bob"], {"passwd"}),
    "a user deleted and made a member": (
        ["groupadd -r render", "usermod -a -G render bob"],
        ["userdel bob"],
        {"group", "gshadow"},
    ),
    "a group deleted and made primary": (
        ["useradd -M -g docker carol"],
        ["groupdel docker"],
        {"group"},
    ),
}  # fmt: skip


class Place:
    """A directory that has the account files in its etc, and that the tools take for a root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self) -> None:
        (self.root / "etc").mkdir(parents=True)
        (self.root / "bin").mkdir()
        for shell in ("sh", "bash"):
            (self.root / "bin" / shell).touch(0o755)
        for name, text in FIRST.items():
            (self.root / "etc" / name).write_text(text)

    def copy(self, name: str) -> "Place":
        return Place(Path(shutil.copytree(self.root, self.root.parent / name)))

    def run(self, commands: list[str]) -> "Place":
        for command in commands:
            tool, *arguments = command.split()
            place = ["-Q" if tool == "gpasswd" else "-P", str(self.root)]
            subprocess.run([tool, *place, *arguments], check=True, capture_output=True)
        return self

    def contents(self) -> dict[str, bytes | None]:
        return {name: (self.root / "etc" / name).read_bytes() for name in ACCOUNT_FILES}

    def complaints(self) -> set[str]:
        found: set[str] = set()
        for tool, *files in (("pwck", "passwd", "shadow"), ("grpck", "group", "gshadow")):
            checked = subprocess.run(
                [tool, "-r", "-R", str(self.root), *(f"/etc/{name}" for name in files)],
                check=False,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert checked.returncode in {0, 2}
            found.update((checked.stdout + checked.stderr).splitlines())
        return found


@pytest.fixture
def base(tmp_path: Path) -> Place:
    place = Place(tmp_path / "base")
    place.create()
    return place.run(COMMON)


@pytest.mark.parametrize(("here", "there"), MERGING.values(), ids=MERGING.keys())
def test_what_the_tools_did_on_both_sides_passes_the_checks(
    base: Place, here: list[str], there: list[str]
):
    ours, theirs = base.copy("ours").run(here), base.copy("theirs").run(there)
    outcome = merge_accounts(base.contents(), ours.contents(), theirs.contents())
    assert isinstance(outcome, AccountsMerged), outcome
    merged = base.copy("merged")
    for name, content in outcome.files.items():
        (merged.root / "etc" / name).write_bytes(content or b"")
    assert merged.complaints() <= base.complaints()
    exchanged = merge_accounts(base.contents(), theirs.contents(), ours.contents())
    assert isinstance(exchanged, AccountsMerged)
    assert merge_accounts(base.contents(), outcome.files, theirs.contents()) == outcome


@pytest.mark.parametrize(("here", "there", "files"), CONFLICTING.values(), ids=CONFLICTING.keys())
def test_what_the_tools_did_against_each_other_conflicts(
    base: Place, here: list[str], there: list[str], files: set[str]
):
    ours, theirs = base.copy("ours").run(here), base.copy("theirs").run(there)
    outcome = merge_accounts(base.contents(), ours.contents(), theirs.contents())
    assert isinstance(outcome, AccountsConflict)
    assert {conflict.file for conflict in outcome.conflicts} == files
    assert "$6$" not in str(outcome)
