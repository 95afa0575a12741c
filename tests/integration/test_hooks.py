"""What plugs etcsync into machines: written, looked at, taken away; others' files stay."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from announcing import announced_at
from cluster import Cluster, git, sample_cluster
from small_root import add_script, build_small_root

from etcsync.host.announcement import ANNOUNCE, MARK

ALPM = "usr/share/libalpm/hooks/zzz-etcsync.hook"
APT = "etc/apt/apt.conf.d/99etcsync"
SCRIPT = "etc/etckeeper/post-install.d/99etcsync"
UNIT = "etc/systemd/system/etcsync.service"


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return sample_cluster(tmp_path, clients=1)


def hooks(cluster: Cluster, verb: str, status: int = 0) -> dict[str, dict]:
    """Call ``etcsync hooks`` on the root and a server in a directory; return the files by hook."""
    destination = str(cluster.place / "server")
    answer = cluster.run("hooks", verb, "--destdir", destination, "--json", status=status)
    return {each["hook"]: each for each in answer.json["files"]}


def states(cluster: Cluster, status: int = 0) -> dict[str, str]:
    return {name: each["state"] for name, each in hooks(cluster, "status", status).items()}


def root_with(cluster: Cluster, *programs: str, etckeeper: bool = False) -> None:
    for name in programs:
        add_script(cluster.root, f"usr/bin/{name}", "true")
    if etckeeper:
        (cluster.root / SCRIPT).parent.mkdir(parents=True)


@pytest.mark.parametrize(
    ("programs", "etckeeper", "wanted"),
    [
        (("pacman",), False, {"alpm"}),
        (("pacman",), True, {"alpm"}),
        (("apt-get",), True, {"apt"}),
        (("pacman", "apt-get"), True, {"alpm", "apt"}),
        (("zypper",), True, {"etckeeper"}),
        (("dnf", "apt-get"), True, {"apt", "etckeeper"}),
        (("zypper",), False, set()),
        ((), True, {"etckeeper"}),
        ((), False, set()),
    ],
)
def test_a_root_gets_the_hooks_of_its_package_managers(cluster, programs, etckeeper, wanted):
    root_with(cluster, *programs, etckeeper=etckeeper)
    assert hooks(cluster, "install").keys() == wanted | {"systemd"}
    placed = {"alpm": ALPM, "apt": APT, "etckeeper": SCRIPT}
    there = {name for name, place in placed.items() if (cluster.root / place).exists()}
    assert there == wanted
    assert (cluster.place / "server" / UNIT).is_file()


def test_hooks_sort_after_those_of_etckeeper():
    assert Path(ALPM).name > "zz-etckeeper-post-install.hook"
    assert Path(APT).name > "05etckeeper"
    assert Path(SCRIPT).name > "50vcs-commit"
    assert Path(SCRIPT).name.isalnum()  # etckeeper passes over others


def test_what_is_installed_stays_as_it_is_when_installed_again(cluster):
    root_with(cluster, "pacman", "apt-get", "dnf", etckeeper=True)
    assert set(states(cluster, status=1).values()) == {"missing"}
    first = hooks(cluster, "install")
    assert all(each["changed"] and each["state"] == "installed" for each in first.values())
    paths = [Path(each["path"]) for each in first.values()]
    before = [path.stat().st_ino for path in paths]
    assert set(states(cluster).values()) == {"installed"}
    assert not any(each["changed"] for each in hooks(cluster, "install").values())
    assert [path.stat().st_ino for path in paths] == before
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}
    assert modes == {
        "zzz-etcsync.hook": 0o644, "99etcsync": 0o755, "etcsync.service": 0o644,
    }  # fmt: skip
    assert stat.S_IMODE((cluster.root / APT).stat().st_mode) == 0o644


def test_what_etcsync_wrote_once_is_brought_up_to_date(cluster):
    root_with(cluster, "zypper", etckeeper=True)
    hooks(cluster, "install")
    script = cluster.root / SCRIPT
    text = script.read_text()
    script.write_text(text + "echo more\n")
    assert states(cluster, status=1) == {"etckeeper": "outdated", "systemd": "installed"}
    hooks(cluster, "install")
    assert script.read_text() == text
    script.chmod(0o644)
    assert states(cluster, status=1)["etckeeper"] == "outdated"
    hooks(cluster, "install")
    assert os.access(script, os.X_OK)


def test_the_unit_is_outdated_when_the_settings_say_otherwise(cluster):
    cluster.settings.write_text(
        cluster.settings.read_text().replace(f"{cluster.place}/fstab", "/elsewhere/fstab")
    )
    hooks(cluster, "install")
    unit = cluster.place / "server" / UNIT
    assert "/elsewhere" not in unit.read_text()
    given = cluster.settings.read_text().replace("[boot]\n", '[boot]\nwriter = "client0"\n')
    cluster.settings.write_text(given)
    assert states(cluster, status=1) == {"systemd": "outdated"}
    hooks(cluster, "install")
    assert "/elsewhere" in unit.read_text()


def foreign_file(path: Path) -> None:
    path.write_text("DPkg::Post-Invoke { true; };\n")


def foreign_link(path: Path) -> None:
    path.symlink_to("/dev/null")


def foreign_directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("foreign", [foreign_file, foreign_link, foreign_directory])
def test_what_others_put_there_is_left_alone_and_all_else_is_done(cluster, foreign):
    root_with(cluster, "pacman", "apt-get")
    taken = cluster.root / APT
    taken.parent.mkdir(parents=True)
    foreign(taken)
    before = os.lstat(taken)
    done = hooks(cluster, "install", status=3)
    assert str(taken) in done["apt"]["error"]["message"]
    assert done["apt"]["state"] == "foreign"
    assert done["alpm"]["changed"]
    assert done["systemd"]["changed"]
    assert states(cluster, status=1)["apt"] == "foreign"
    removed = hooks(cluster, "remove")
    assert not removed["apt"]["changed"]
    assert removed["alpm"]["changed"]
    after = os.lstat(taken)
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_removing_leaves_nothing_and_can_be_repeated(cluster):
    root_with(cluster, "pacman", "apt-get", "dnf", etckeeper=True)
    hooks(cluster, "install")
    (cluster.root / "usr/bin/dnf").unlink()  # its hook is etcsync's all the same
    assert all(each["changed"] for each in hooks(cluster, "remove").values())
    for place in (ALPM, APT, SCRIPT):
        assert not (cluster.root / place).exists()
    assert not (cluster.place / "server" / UNIT).exists()
    assert not any(each["changed"] for each in hooks(cluster, "remove").values())


def test_a_service_that_is_enabled_is_not_pulled_away_from_under_systemd(cluster):
    hooks(cluster, "install")
    wanted = cluster.place / "server/etc/systemd/system/multi-user.target.wants/etcsync.service"
    wanted.parent.mkdir()
    wanted.symlink_to("/etc/systemd/system/etcsync.service")
    kept = hooks(cluster, "remove", status=3)["systemd"]
    assert "systemctl disable --now etcsync" in kept["error"]["hint"]
    assert kept["state"] == "installed"
    wanted.unlink()
    assert hooks(cluster, "remove")["systemd"]["changed"]


def test_links_of_the_root_lead_nowhere_but_into_the_root(cluster):
    root_with(cluster, "apt-get")
    outside = cluster.place / "outside"
    outside.mkdir()
    (cluster.root / "etc/apt").symlink_to(outside)
    hooks(cluster, "install")
    assert list(outside.iterdir()) == []
    inside = cluster.root / str(outside).lstrip("/") / "apt.conf.d/99etcsync"
    assert inside.is_file()
    (cluster.root / "etc/apt").unlink()
    (cluster.root / "etc/apt").symlink_to("apt")
    done = hooks(cluster, "install", status=3)
    assert "turn in a circle" in done["apt"]["error"]["message"]


def test_what_came_into_upstream_is_to_be_committed_with_the_command_shown(cluster):
    root_with(cluster, "pacman")
    destination = ("--destdir", str(cluster.place / "server"))
    assert "commit" not in cluster.run("hooks", "install", *destination).out
    root_with(cluster, "apt-get")
    said = cluster.run("hooks", "install", *destination).out
    command = next(line for line in said.splitlines() if "commit -m" in line)
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@a", "GIT_COMMITTER_NAME": "a",
                "GIT_COMMITTER_EMAIL": "a@a", "PATH": os.environ["PATH"]}  # fmt: skip
    subprocess.run(command, shell=True, check=True, env=identity, capture_output=True)
    assert "apt/apt.conf.d/99etcsync" in git(cluster.etc, "ls-files")


def test_only_without_a_destdir_the_next_step_is_shown(cluster):
    said = cluster.run("hooks", "install", "--destdir", str(cluster.place / "server")).out
    assert "systemctl" not in said
    assert "no package manager" in said


# --- announcing


@pytest.fixture
def small_root(tmp_path: Path) -> Path:
    root = build_small_root(tmp_path / "small")
    shutil.copy(shutil.which("mkdir"), root / "bin/mkdir")
    return root


def announce(root: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    command = ["unshare", "--mount", "sh", "-c", f'{before} exec chroot "$0" /bin/sh -c "$1"']
    return subprocess.run([*command, root, ANNOUNCE], capture_output=True, text=True, check=False)


@pytest.mark.root
def test_announcing_leaves_a_mark_on_the_roots_disk(small_root):
    assert announced_at(str(small_root)) is None
    assert announce(small_root).returncode == 0
    first = announced_at(str(small_root))
    assert first == (small_root / MARK).stat().st_mtime
    announce(small_root)
    assert announced_at(str(small_root)) > first


@pytest.mark.root
def test_announcing_in_a_root_that_is_read_only_says_nothing_and_succeeds(small_root):
    read_only = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" &&'
    done = announce(small_root, read_only)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert announced_at(str(small_root)) is None
    assert not (small_root / "dev/null").exists()
