"""Where everything happens: upstream, made of a real root's /etc, and a fleet for each contender.

All fleets are built alike: every tree begins as upstream's /etc and gets the files of its own that
a client has, its name and its host keys. Clones have them committed, as the guide says, so that a
pull merges as it does there.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

HOST_KEYS = tuple(f"ssh/ssh_host_{kind}_key" for kind in ("ecdsa", "ed25519", "rsa"))
OWN = ("hostname", *HOST_KEYS)
"""What each client has for itself."""


@dataclass
class Fleet:
    """The trees of one contender.

    Attributes:
        name: The contender's.
        trees: Their directories.
        clones: Whether they are git clones.
        settings: The settings file, if etcsync manages them.
        source: The directory of the etcsync that does.
    """

    name: str
    trees: list[str]
    clones: bool = False
    settings: str = ""
    source: str = ""

    def etcsync(self, *arguments: str) -> list[str]:
        """Return a command of the etcsync that manages these trees."""
        path = f"import sys; sys.path.insert(0, {self.source!r}); "
        script = f"{path}from etcsync.cli.main import run; run()"
        return [sys.executable, "-c", script, "--config", self.settings, *arguments]


@dataclass
class Scene:
    """A scratch directory with upstream and the fleets.

    Attributes:
        scratch: The directory; whoever made it removes it.
        clients: How many trees each fleet has.
    """

    scratch: str
    clients: int
    fleets: dict[str, Fleet] = field(default_factory=dict)

    @property
    def etc(self) -> str:
        """Upstream."""
        return os.path.join(self.scratch, "root", "etc")

    @property
    def environment(self) -> dict[str, str]:
        """Return what every command sees: the same git settings for all contenders."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": self.scratch,
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.path.join(self.scratch, "gitconfig"),
        }

    def build_upstream(self, root: str) -> None:
        """Copy the root's /etc and its history; its hooks would commit this machine's /etc."""
        os.makedirs(os.path.dirname(self.etc))
        with open(os.path.join(self.scratch, "gitconfig"), "w", encoding="utf-8") as file:
            file.write(
                "[user]\n\tname = root\n\temail = root@server\n[safe]\n\tdirectory = *\n"
                "[pull]\n\trebase = false\n[core]\n\thooksPath = /dev/null\n"
            )
        self.call("cp", "-a", "--reflink=auto", os.path.join(root, "etc"), self.etc)
        shutil.rmtree(os.path.join(self.etc, ".git", "hooks"), ignore_errors=True)
        if not os.path.isdir(os.path.join(self.etc, ".git")):
            self.call("git", "-C", self.etc, "init", "-q")
        self.commit("as it is")

    def commit(self, message: str) -> None:
        """Commit what is in upstream's /etc."""
        self.call("git", "-C", self.etc, "add", "-A")
        self.call("git", "-C", self.etc, "commit", "-q", "--allow-empty", "-m", message)

    def add_clones(self, name: str, clients: int) -> None:
        """Build a fleet as the guide does."""
        fleet = self._new(name, clients, clones=True)
        self.each(fleet.trees, f'git clone -q {self.etc}/.git "$1"')
        self._individualise(fleet)
        self.commit_trees(fleet, "host keys and name")

    def add_copies(self, name: str, clients: int) -> None:
        """Build a fleet of plain copies."""
        fleet = self._new(name, clients)
        self.each(fleet.trees, f'cp -a {self.etc} "$1" && rm -rf "$1/.git"')
        self._individualise(fleet)

    def add_managed(self, name: str, clients: int, source: str) -> None:
        """Build a fleet with ``etcsync init``."""
        fleet = self._new(name, clients)
        fleet.settings = os.path.join(self.scratch, f"{name}.toml")
        fleet.source = source
        with open(fleet.settings, "w", encoding="utf-8") as file:
            file.write(
                f'state_dir = "{self.scratch}/{name}-state"\n'
                f'[upstream]\nroot = "{self.scratch}/root"\n'
                f'[trees]\npath = "{self.scratch}/{name}-{{client}}"\n'
                f'[exports]\nfile = "{self.scratch}/{name}.exports"\ncommand = []\n'
                '[policy]\npacks = ["base", "debian"]\n[limits]\nmax_delete_percent = 100\n'
            )
        self.call(*self.init_command(fleet))
        self._individualise(fleet)
        self.call(*fleet.etcsync("sync"))

    def init_command(self, fleet: Fleet) -> list[str]:
        """Return what creates, or adopts, the trees of a managed fleet."""
        names = f"c{{0..{len(fleet.trees) - 1}}}" if len(fleet.trees) > 1 else "c0"
        return fleet.etcsync("init", "--root", f"{self.scratch}/root", "--clients", names)

    def commit_trees(self, fleet: Fleet, message: str) -> None:
        """Commit what was edited in a fleet's clones; nothing to do for other fleets."""
        if fleet.clones:
            add = 'git -C "$1" add -A && git -C "$1" commit -q'
            self.each(fleet.trees, f'{add} -m "{message}"')

    def write(self, fleet: Fleet, path: str, texts: Iterable[str]) -> None:
        """Write a file into each of a fleet's trees, as an editor on the client would."""
        for tree, text in zip(fleet.trees, texts, strict=True):
            write_file(os.path.join(tree, path), text)

    def trees_file(self, fleet: Fleet) -> str:
        """Return a file that lists a fleet's trees."""
        path = os.path.join(self.scratch, f"{fleet.name}.trees")
        write_file(path, "".join(f"{tree}\n" for tree in fleet.trees))
        return path

    def each(self, trees: Sequence[str], script: str) -> None:
        """Run a shell script for each tree, as many at once as there are processors."""
        listing = "\0".join(trees).encode()
        command = ["xargs", "-0", "-n1", f"-P{os.cpu_count()}", "sh", "-ec", script, "sh"]
        subprocess.run(
            command, input=listing, env=self.environment, check=True, stdout=subprocess.DEVNULL
        )

    def call(self, *command: str) -> None:
        """Run a command that is not measured."""
        done = subprocess.run(command, env=self.environment, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stderr.decode(errors='replace')[-2000:]}")

    def _new(self, name: str, clients: int, *, clones: bool = False) -> Fleet:
        trees = [os.path.join(self.scratch, f"{name}-c{number}") for number in range(clients)]
        self.fleets[name] = Fleet(name, trees, clones)
        return self.fleets[name]

    def _individualise(self, fleet: Fleet) -> None:
        for number, tree in enumerate(fleet.trees):
            write_file(os.path.join(tree, "hostname"), f"c{number}\n")
            for key in HOST_KEYS:
                write_file(os.path.join(tree, key), f"{key} of c{number}\n" * 12)
                os.chmod(os.path.join(tree, key), 0o600)


def write_file(path: str, text: str) -> None:
    """Write a file, in place."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read_text(path: str) -> str:
    """Return what a file holds."""
    with open(path, encoding="utf-8") as file:
        return file.read()
