"""Who is measured: etcsync, and what an administrator would otherwise run.

Each is the real program. What is not installed is left out, and the report says so.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

from scene import OWN, Fleet, Scene, write_file

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.path.dirname(HERE), ".cache", "bench")
PROCESSORS = os.cpu_count() or 1
ANSIBLE_CLIENTS = 10
"""It takes about a second for each."""

PULL = "git pull -q --no-edit"


class Contender(NamedTuple):
    """A command that does the work on a fleet.

    Attributes:
        name: As the tables show it.
        fleet: Whose trees it works on.
        command: What is run.
    """

    name: str
    fleet: Fleet
    command: list[str]


class Kind(NamedTuple):
    """A contender of the works that bring a commit to the trees.

    Attributes:
        title: As the tables show it.
        build: Builds its fleet.
        command: Returns its command; called with the changed paths.
        missing: Returns why it cannot be measured here, or nothing.
        merges: Whether it can bring a client's edits and upstream's together.
    """

    title: str
    build: Callable[[Scene], None]
    command: Callable[[Scene, list[str]], list[str]]
    missing: Callable[[], str] = str
    merges: bool = True


def _loop(scene: Scene, _: list[str]) -> list[str]:
    trees = scene.trees_file(scene.fleets["pull"])
    # Goes on after a failure, as a loop in a shell does, and tells of it at the end.
    body = f'git -C "$tree" {PULL.removeprefix("git ")} || code=1'
    return ["sh", "-c", f'code=0; while read -r tree; do {body}; done <{trees}; exit "$code"']


def _xargs(scene: Scene, _: list[str]) -> list[str]:
    trees = scene.trees_file(scene.fleets["xargs"])
    return ["xargs", "-a", trees, "-I{}", f"-P{PROCESSORS}", "git", "-C", "{}", *PULL.split()[1:]]


def _mr(scene: Scene, _: list[str]) -> list[str]:
    configuration = os.path.join(scene.scratch, "mrconfig")
    sections = (f"[{tree}]\nupdate = {PULL}\n" for tree in scene.fleets["mr"].trees)
    write_file(configuration, "\n".join(sections))
    command = ["mr", "-q", "--trust-all", "-c", configuration, "-d", scene.scratch]
    return [*command, f"-j{PROCESSORS}", "update"]


def _rsync(scene: Scene, _: list[str]) -> list[str]:
    trees = scene.trees_file(scene.fleets["rsync"])
    left_out = " ".join(f"--exclude=/{path}" for path in (".git", *OWN))
    body = f'rsync -a --delete {left_out} {scene.etc}/ "$tree/"'
    return ["sh", "-ec", f"while read -r tree; do {body}; done <{trees}"]


def _ansible(scene: Scene, _: list[str]) -> list[str]:
    inventory = os.path.join(scene.scratch, "inventory")
    playbook = os.path.join(scene.scratch, "playbook.yml")
    local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    lines = (f"c{n} {local} tree={t}" for n, t in enumerate(scene.fleets["ansible"].trees))
    write_file(inventory, "\n".join(lines) + "\n")
    task = f"{{repo: '{scene.etc}/.git', dest: '{{{{ tree }}}}'}}"
    write_file(
        playbook,
        f"- hosts: all\n  gather_facts: false\n  tasks: [{{ansible.builtin.git: {task}}}]\n",
    )
    return [ansible_playbook(), "-i", inventory, "-f", str(PROCESSORS), playbook]


def _floor(scene: Scene, paths: list[str]) -> list[str]:
    listing = os.path.join(scene.scratch, "paths")
    write_file(listing, "".join(f"{path}\n" for path in paths))
    trees = scene.trees_file(scene.fleets["floor"])
    return [sys.executable, os.path.join(HERE, "floor.py"), scene.etc, listing, trees]


def ansible_playbook() -> str:
    """Return where the program is, or nothing."""
    own = os.path.join(CACHE, "ansible", "bin", "ansible-playbook")
    return own if os.path.exists(own) else shutil.which("ansible-playbook") or ""


def _ansible_is_missing() -> str:
    if not ansible_playbook():
        place = os.path.join(CACHE, "ansible")
        subprocess.run([sys.executable, "-m", "venv", place], check=False, capture_output=True)
        install = [f"{place}/bin/python", "-m", "pip", "install", "-q", "ansible-core"]
        subprocess.run(install, check=False, capture_output=True)
    return "" if ansible_playbook() else "not installed"


def _is_missing(program: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(program) else "not installed"


def _managed(name: str, source: str, *options: str) -> Kind:
    return Kind(
        " ".join(("etcsync" if options else name, *options)),
        lambda scene: scene.add_managed(name, scene.clients, source),
        lambda scene, _: scene.fleets[name].etcsync("sync", *options),
    )


KINDS = {
    "etcsync": _managed("etcsync", os.path.dirname(HERE)),
    "quick": _managed("quick", os.path.dirname(HERE), "--quick"),
    "pull": Kind("loop of git pull", lambda s: s.add_clones("pull", s.clients), _loop),
    "xargs": Kind(
        f"xargs -P{PROCESSORS} git pull", lambda s: s.add_clones("xargs", s.clients), _xargs
    ),
    "mr": Kind(
        f"mr -j{PROCESSORS} update",
        lambda s: s.add_clones("mr", s.clients),
        _mr,
        _is_missing("mr"),
    ),
    "ansible": Kind(
        "ansible, git module",
        lambda s: s.add_clones("ansible", min(s.clients, ANSIBLE_CLIENTS)),
        _ansible,
        _ansible_is_missing,
        merges=False,
    ),
    "rsync": Kind(
        "loop of rsync -a",
        lambda s: s.add_copies("rsync", s.clients),
        _rsync,
        _is_missing("rsync"),
        merges=False,
    ),
    "floor": Kind("floor", lambda s: s.add_copies("floor", s.clients), _floor, merges=False),
}


def with_other(source: str) -> dict[str, Kind]:
    """Return all kinds, and etcsync from another checkout beside the one measured."""
    name = "other"
    return {"etcsync": KINDS["etcsync"], name: _managed(name, source), **KINDS} if source else KINDS
