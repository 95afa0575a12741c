"""The daemon beside real pacman transactions: twenty clients have what a package brings at once."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster import Cluster, git
from daemon_support import daemon_settings, eventually, recorded, running

pytestmark = [
    pytest.mark.root,
    pytest.mark.system,
    pytest.mark.skipif(
        not all(map(shutil.which, ("makepkg", "bsdtar", "arch-chroot"))),
        reason="needs makepkg, bsdtar, which makepkg calls, and arch-chroot",
    ),
]

CLIENTS = 20
NOBODY = 65534
GREETER = 750
"""The id of the package's group, which the root does not have before."""

GOAL = 1.0
"""Seconds from pacman's exit until the last tree has everything, on a quiet machine."""

SLACK = 5.0
"""Seconds that a busy machine may need instead."""

CONF = "greeter/greeter.conf"
DIRECTORY = "greeter/drop-in.d"
LINK = "systemd/system/multi-user.target.wants/greeter.service"
NEWS = "greeter/news"
PATHS = (CONF, DIRECTORY, LINK, NEWS)
UNIT = "/usr/lib/systemd/system/greeter.service"

CONTENTS = {
    version: f"greeting = {greeting}\n# Whom to greet.\nname = world\n# How loud.\nvolume = 3\n"
    for version, greeting in enumerate(("hello", "good day", "good evening"), start=1)
}
"""The configuration of each version of the package."""

PKGBUILD = f"""\
pkgname=greeter
pkgver=@VERSION@
pkgrel=1
arch=(any)
options=(!strip)
backup=(etc/{CONF})
package() {{
    install -D -m 640 -g {GREETER} "$startdir/conf" "$pkgdir/etc/{CONF}"
    install -d -m 750 -g {GREETER} "$pkgdir/etc/{DIRECTORY}"
    echo "version $pkgver" > "$pkgdir/etc/{NEWS}"
    install -d "$pkgdir/usr/lib/systemd/system" "$pkgdir/usr/lib/sysusers.d"
    printf '[Service]\\nExecStart=/bin/true\\n' > "$pkgdir{UNIT}"
    echo 'u greeter {GREETER} "Greets"' > "$pkgdir/usr/lib/sysusers.d/greeter.conf"
    install -d "$pkgdir/etc/{os.path.dirname(LINK)}"
    ln -s {UNIT} "$pkgdir/etc/{LINK}"
}}
"""

ETCKEEPER = """\
[Trigger]
Operation = Install
Operation = Upgrade
Operation = Remove
Type = Path
Target = etc/*
[Action]
When = {when}
Exec = /usr/bin/etckeeper {command}
"""

SYSUSERS = """\
[Trigger]
Operation = Install
Operation = Upgrade
Type = Path
Target = usr/lib/sysusers.d/*.conf
[Action]
When = PostTransaction
Exec = /usr/bin/systemd-sysusers
"""

HOOKS = {
    "05-etckeeper-pre-install": ETCKEEPER.format(when="PreTransaction", command="pre-install"),
    "20-systemd-sysusers": SYSUSERS,
    "zz-etckeeper-post-install": ETCKEEPER.format(when="PostTransaction", command="post-install"),
}
"""What Arch's etckeeper and systemd put in place, under their names there."""

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}

ON_A_MOUNT = 'mount --bind "$0" "$0" && exec arch-chroot "$0" "$@"'
"""In a namespace of its own, so that nothing stays mounted, whatever happens."""


@pytest.fixture(scope="module")
def packages() -> Iterator[dict[int, Path]]:
    """Build the versions of the package as makepkg wants it: not as root."""
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, NOBODY, NOBODY)
        yield {version: build(Path(place), version) for version in CONTENTS}


def build(place: Path, version: int) -> Path:
    directory = place / str(version)
    directory.mkdir()
    (directory / "PKGBUILD").write_text(PKGBUILD.replace("@VERSION@", str(version)))
    (directory / "conf").write_text(CONTENTS[version])
    os.chown(directory, NOBODY, NOBODY)
    subprocess.run(
        ["makepkg", "--nodeps"],
        cwd=directory,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        env=ENVIRONMENT | {"HOME": str(place)},
        check=True,
    )
    return next(directory.glob("*.pkg.tar*"))


@pytest.fixture
def cluster(debian_root: Path, tmp_path: Path, packages: dict[int, Path]) -> Cluster:
    """A root with pacman's hooks, etckeeper's and etcsync's, and twenty trees."""
    hooks = debian_root / "usr/share/libalpm/hooks"
    hooks.mkdir(parents=True)
    for name, text in HOOKS.items():
        (hooks / f"{name}.hook").write_text(text)
    for package in packages.values():
        shutil.copy(package, debian_root / "srv")
    (debian_root / "etc/systemd/system/multi-user.target.wants").mkdir(parents=True, exist_ok=True)
    cluster = Cluster(tmp_path, debian_root)
    cluster.write_settings(daemon_settings())
    cluster.run("hooks", "install", "--destdir", str(tmp_path / "server"))
    assert (hooks / "zzz-etcsync.hook").exists()
    in_root(debian_root, "etckeeper", "commit", "-m", "hooks")
    cluster.run("init", "--root", str(debian_root), "--clients", f"client{{0..{CLIENTS - 1}}}")
    return cluster


def in_root(root: Path, *command: str) -> str:
    """Run a command in the root as the guides do, with arch-chroot; return what it says."""
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", ON_A_MOUNT, root, *command],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pacman(root: Path, *arguments: str) -> float:
    """Run pacman in the root; return when it ended, in seconds since the epoch."""
    command = 'pacman --noconfirm "$@" && date +%s.%N'
    said = in_root(root, "sh", "-c", command, "sh", *arguments)
    assert "error" not in said, said
    return float(said.splitlines()[-1])


def install(root: Path, packages: dict[int, Path], version: int) -> float:
    return pacman(root, "-U", f"/srv/{packages[version].name}")


def trees(cluster: Cluster) -> list[Path]:
    return [cluster.tree(number) for number in range(CLIENTS)]


def has(tree: Path, path: str, mode: int, group: int) -> bool:
    state = os.lstat(tree / path)
    return (state.st_mode & 0o7777, state.st_uid, state.st_gid) == (mode, 0, group)


def is_complete(tree: Path) -> bool:
    """Whether a tree has all that the package brings, as it is in the package."""
    if not all(os.path.lexists(tree / path) for path in PATHS):
        return False
    return (
        has(tree, CONF, 0o640, GREETER)
        and has(tree, DIRECTORY, 0o750, GREETER)
        and (tree / DIRECTORY).is_dir()
        and has(tree, NEWS, 0o644, 0)
        and os.readlink(tree / LINK) == UNIT
        and all(
            f"\n{line}" in (tree / name).read_text()
            for name, line in {
                "passwd": f"greeter:x:{GREETER}:{GREETER}:Greets:",
                "group": f"greeter:x:{GREETER}:",
                "shadow": "greeter:!",
                "gshadow": "greeter:!",
            }.items()
        )
    )


def is_gone(tree: Path) -> bool:
    """Whether a tree has nothing left of what the package brought to /etc."""
    return not any(os.path.lexists(tree / path) for path in PATHS)


def text(tree: Path) -> str:
    return (tree / CONF).read_text()


def news(tree: Path) -> str:
    return (tree / NEWS).read_text() if (tree / NEWS).exists() else ""


def arrived(what: str, ended: float, holds: Callable[[], bool]) -> None:
    """Wait until something holds, and print how long after pacman's end that was."""
    eventually(holds)
    seconds = time.time() - ended
    print(f"{what}: {seconds:.2f} s from pacman's end to the last tree (goal: {GOAL:.0f} s)")
    assert seconds < SLACK


def held(cluster: Cluster) -> dict[str, list[tuple[str, str]]]:
    """Return what is held, and why, by client."""
    return {
        name: [(each["path"], each["reason"]) for each in client["conflicts"]]
        for name, client in cluster.status().items()
        if client["conflicts"]
    }


def is_tracked(cluster: Cluster, path: str) -> bool:
    """Whether upstream has committed a path: its etckeeper ignores dpkg's left-overs only."""
    return git(cluster.etc, "ls-files", path) == f"{path}\n"


def test_what_pacman_installs_is_on_every_client_at_once_and_goes_when_it_is_removed(
    cluster, packages
):
    every = trees(cluster)
    with running(cluster):
        ended = install(cluster.root, packages, 1)
        arrived("install", ended, lambda: all(map(is_complete, every)))
        assert {text(tree) for tree in every} == {CONTENTS[1]}

        ended = pacman(cluster.root, "-R", "greeter")
        arrived("remove", ended, lambda: all(map(is_gone, every)))
        eventually(lambda: not any((tree / "greeter").exists() for tree in every))
        assert all("\ngreeter:x:750:" in (tree / "passwd").read_text() for tree in every)
        assert held(cluster) == {}


def test_an_upgrade_meets_what_clients_edited_and_leaves_nothing_beside_it(cluster, packages):
    every = trees(cluster)
    untouched = [tree for tree in every if tree not in every[1:3]]
    with running(cluster):
        install(cluster.root, packages, 1)
        eventually(lambda: all(map(is_complete, every)))
        edits = {
            "client1": CONTENTS[1].replace("world", "client1"),
            "client2": CONTENTS[1].replace("hello", "go away"),
        }
        for name, edit in edits.items():
            (cluster.tree(name) / CONF).write_text(edit)
        eventually(lambda: all(recorded(cluster, name, CONF) == edits[name] for name in edits))

        ended = install(cluster.root, packages, 2)
        merged = CONTENTS[2].replace("world", "client1")
        arrived(
            "upgrade",
            ended,
            lambda: (
                all(news(tree) == "version 2\n" for tree in every)
                and all(text(tree) == CONTENTS[2] for tree in untouched)
                and text(every[1]) == merged
            ),
        )
        assert text(every[2]) == edits["client2"]
        assert all(map(is_complete, every))
        eventually(lambda: held(cluster) == {"client2": [(CONF, "content")]})

        louder = CONTENTS[2].replace("3", "11")
        (cluster.etc / CONF).write_text(louder)
        in_root(cluster.root, "etckeeper", "commit", "-m", "louder")
        eventually(lambda: all(text(tree) == louder for tree in untouched))
        install(cluster.root, packages, 3)
        eventually(lambda: all(news(tree) == "version 3\n" for tree in every))
        assert is_tracked(cluster, f"{CONF}.pacnew")
        assert {text(tree) for tree in untouched} == {louder}
        assert text(every[1]) == louder.replace("world", "client1")

        pacman(cluster.root, "-R", "greeter")
        eventually(lambda: all(map(is_gone, untouched)))
        assert is_tracked(cluster, f"{CONF}.pacsave")
        assert text(every[1]) == louder.replace("world", "client1")
        kept = {name: [(CONF, "delete-modify")] for name in ("client1", "client2")}
        eventually(lambda: held(cluster) == kept)
        assert not [left for tree in every for left in (tree / "greeter").glob("*.pac*")]
