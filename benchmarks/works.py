"""What is measured: each work with its contenders, what changes before every round, and a check."""

import os
import re
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from contenders import HERE, PROCESSORS, Contender, Kind
from scene import Fleet, Scene, read_text, write_file

MERGED = "login.defs"
"""A file of 400 lines, which clients edit at the end and upstream at the beginning."""

ATTENTION = frozenset({0, 1, 123})
"""Statuses that say that something did not merge; 123 is xargs's."""

MANAGED = ("etcsync", "quick", "other")


class Work(ABC):
    """One kind of work; the order of calls: begin, then change, run and check, then end.

    Attributes:
        title: As the tables show it.
        allowed: Statuses with which a contender has done it.
        most_rounds: How often it is done at most.
    """

    title: str
    allowed: frozenset[int] = frozenset({0})
    most_rounds: int = 1000

    def __init__(self, scene: Scene, kinds: Mapping[str, Kind]) -> None:
        self.scene = scene
        self.kinds = kinds

    @abstractmethod
    def contenders(self) -> list[Contender]:
        """Return who takes part."""

    def begin(self) -> None:
        """Set up what all rounds need."""

    def change(self, number: int) -> None:
        """Make what the round is about; not measured."""

    def check(self, contender: Contender, number: int) -> None:
        """See that a contender has done its work.

        Raises:
            RuntimeError: It has not.
        """

    def end(self) -> None:
        """Put everything back."""

    @property
    def managed(self) -> list[Fleet]:
        """The fleets that etcsync manages."""
        return [self.scene.fleets[name] for name in MANAGED if name in self.scene.fleets]

    @property
    def looked_at(self) -> list[Fleet]:
        """Those of them in which looks are measured; --quick makes no difference there."""
        return [fleet for fleet in self.managed if fleet.name != "quick"]


class FanOut(Work):
    """A commit that changes some files, brought to every tree."""

    def __init__(self, scene: Scene, kinds: Mapping[str, Kind], files: int) -> None:
        super().__init__(scene, kinds)
        self.title = f"fan-out of {files} file{'s' if files > 1 else ''}"
        self.files = files
        self.most_rounds = 3 if files > 100 else self.most_rounds
        self.paths = [f"bench.d/{number:03d}.conf" for number in range(files)]
        self.former = ""

    def contenders(self) -> list[Contender]:
        return [
            Contender(kind.title, self.scene.fleets[name], kind.command(self.scene, self.paths))
            for name, kind in self.kinds.items()
            if name in self.scene.fleets
        ]

    def begin(self) -> None:
        if self.files == 1:
            self.paths = [MERGED]
            self.former = self._upstream(MERGED)
            return
        texts = [self._upstream(path) for path in ("login.defs", "bash.bashrc", "pam.d/login")]
        os.makedirs(os.path.join(self.scene.etc, "bench.d"))
        for number, path in enumerate(self.paths):
            self._write(path, texts[number % len(texts)][: 500 + 10 * number])
        self.scene.commit("install a package")
        self._bring()

    def change(self, number: int) -> None:
        for path in self.paths:
            text = self._upstream(path).removeprefix("# version ").partition("\n")[2]
            self._write(path, f"# version {number}\n{text}")
        self.scene.commit(f"version {number}")

    def check(self, contender: Contender, number: int) -> None:
        for path in (self.paths[0], self.paths[-1]):
            text = self._upstream(path)
            for tree in contender.fleet.trees:
                if read_text(os.path.join(tree, path)) != text:
                    raise RuntimeError(f"{contender.name}: {tree}/{path} is not upstream's")

    def end(self) -> None:
        if self.files == 1:
            self._write(MERGED, self.former)
        else:
            shutil.rmtree(os.path.join(self.scene.etc, "bench.d"))
        self.scene.commit("as it was")
        self._bring()

    def _bring(self) -> None:
        """Bring a commit to all fleets; the floor's by hand, for it can only replace."""
        for contender in self.contenders():
            if contender.fleet.name != "floor":
                self.scene.call(*contender.command)
                continue
            for tree in contender.fleet.trees:
                shutil.rmtree(os.path.join(tree, "bench.d"), ignore_errors=True)
            if self.files > 1 and os.path.isdir(os.path.join(self.scene.etc, "bench.d")):
                source = os.path.join(self.scene.etc, "bench.d")
                self.scene.each(contender.fleet.trees, f'cp -a {source} "$1/"')

    def _upstream(self, path: str) -> str:
        return read_text(os.path.join(self.scene.etc, path))

    def _write(self, path: str, text: str) -> None:
        write_file(os.path.join(self.scene.etc, path), text)


class Merge(Work):
    """A commit that meets an edit of the same file on every client, each a different edit."""

    title = "a merge on every client"

    def contenders(self) -> list[Contender]:
        return [
            Contender(kind.title, self.scene.fleets[name], kind.command(self.scene, [MERGED]))
            for name, kind in self.kinds.items()
            if name in self.scene.fleets and (kind.merges or name == "floor")
        ]

    def begin(self) -> None:
        self.former = read_text(os.path.join(self.scene.etc, MERGED))

    def change(self, number: int) -> None:
        for contender in self.contenders():
            fleet = contender.fleet
            before = self._upstream(number - 1)
            texts = (before + self._own(number, client) for client in range(len(fleet.trees)))
            self.scene.write(fleet, MERGED, texts)
            self.scene.commit_trees(fleet, f"edit {number}")
        write_file(os.path.join(self.scene.etc, MERGED), self._upstream(number))
        self.scene.commit(f"change {number}")

    def check(self, contender: Contender, number: int) -> None:
        if contender.fleet.name == "floor":
            return
        for client, tree in enumerate(contender.fleet.trees):
            merged = self._upstream(number) + self._own(number, client)
            if read_text(os.path.join(tree, MERGED)) != merged:
                raise RuntimeError(f"{contender.name}: {tree}/{MERGED} is not merged")

    def end(self) -> None:
        write_file(os.path.join(self.scene.etc, MERGED), self.former)
        self.scene.commit("as it was")
        for contender in self.contenders():
            fleet = contender.fleet
            self.scene.write(fleet, MERGED, [self.former] * len(fleet.trees))
            if fleet.name != "floor":
                self.scene.commit_trees(fleet, "as it was")
                self.scene.call(*contender.command)

    def _upstream(self, number: int) -> str:
        return (f"# upstream {number}\n" if number >= 0 else "") + self.former

    def _own(self, number: int, client: int) -> str:
        return f"# client {client}, edit {number}\n"


class Conflict(Merge):
    """A commit that changes the line which every client has changed."""

    title = "a conflict on every client"
    allowed = ATTENTION

    def contenders(self) -> list[Contender]:
        return [each for each in super().contenders() if each.fleet.name != "floor"]

    def change(self, number: int) -> None:
        self._settle()
        for contender in self.contenders():
            fleet = contender.fleet
            texts = (self._umask(f"07{number} # {c}") for c in range(len(fleet.trees)))
            self.scene.write(fleet, MERGED, texts)
            self.scene.commit_trees(fleet, f"edit {number}")
        write_file(os.path.join(self.scene.etc, MERGED), self._umask(f"05{number}"))
        self.scene.commit(f"change {number}")

    def check(self, contender: Contender, number: int) -> None:
        for client, tree in enumerate(contender.fleet.trees):
            text = read_text(os.path.join(tree, MERGED))
            own = self._umask(f"07{number} # {client}")
            if text != own if not contender.fleet.clones else "<<<<<<<" not in text:
                raise RuntimeError(f"{contender.name}: {tree}/{MERGED} is not in conflict")

    def _umask(self, value: str) -> str:
        """Return the file with another value for a setting."""
        changed, count = re.subn(r"(?m)^UMASK.*$", f"UMASK\t\t{value}", self.former)
        if count != 1:
            raise RuntimeError(f"{MERGED} has no UMASK to change")
        return changed

    def end(self) -> None:
        self._settle()

    def _settle(self) -> None:
        """Give every client, and upstream, the file without anybody's edit."""
        current = read_text(os.path.join(self.scene.etc, MERGED))
        if current == self.former:
            return
        for contender in self.contenders():
            fleet = contender.fleet
            self.scene.write(fleet, MERGED, [current] * len(fleet.trees))
            self.scene.commit_trees(fleet, "settled")
            if fleet in self.managed:
                self.scene.call(*contender.command)
        write_file(os.path.join(self.scene.etc, MERGED), self.former)
        self.scene.commit("as it was")
        for contender in self.contenders():
            self.scene.call(*contender.command)


class Scan(Work):
    """Looking at every tree, nothing having changed."""

    title = "scan, nothing changed"
    allowed = frozenset({0, 1})

    def contenders(self) -> list[Contender]:
        found = []
        for fleet in self.looked_at:
            for verb in ("status", "plan", "sync"):
                command = fleet.etcsync(verb)
                found.append(Contender(f"{fleet.name} {verb}", fleet, command))
        fleets = self.scene.fleets
        if "pull" in fleets:
            trees = self.scene.trees_file(fleets["pull"])
            status = 'git -C "$tree" status --porcelain'
            loop = ["sh", "-ec", f"while read -r tree; do {status}; done <{trees}"]
            found.append(Contender("loop of git status", fleets["pull"], loop))
            xargs = ["xargs", "-a", trees, "-I{}", f"-P{PROCESSORS}", "git", "-C", "{}", "status"]
            name = f"xargs -P{PROCESSORS} git status"
            found.append(Contender(name, fleets["pull"], [*xargs, "--porcelain"]))
        if "floor" in fleets:
            trees = self.scene.trees_file(fleets["floor"])
            command = [sys.executable, os.path.join(HERE, "walk.py"), trees]
            found.append(Contender("bare walk", fleets["floor"], command))
        return found


class ScanOneEach(Scan):
    """Looking at every tree, one file having been edited in each; ``sync`` records the edits."""

    title = "scan, one file changed per client"

    def begin(self) -> None:
        self.former = read_text(os.path.join(self.scene.etc, MERGED))

    def change(self, number: int) -> None:
        for fleet in self._fleets():
            texts = (f"{self.former}# edit {number} of {c}\n" for c in range(len(fleet.trees)))
            self.scene.write(fleet, MERGED, texts)

    def end(self) -> None:
        for fleet in self._fleets():
            self.scene.write(fleet, MERGED, [self.former] * len(fleet.trees))
        for fleet in self.looked_at:
            self.scene.call(*fleet.etcsync("sync"))

    def _fleets(self) -> list[Fleet]:
        return list({each.fleet.name: each.fleet for each in self.contenders()}.values())


class Create(Work):
    """Making the trees of a new cluster."""

    title = "init, create the trees"
    most_rounds = 3

    def begin(self) -> None:
        clients = self.scene.clients
        self.new = Fleet("new", [f"{self.scene.scratch}/new-c{n}" for n in range(clients)])
        self.new.settings = f"{self.scene.scratch}/new.toml"
        self.new.source = self.scene.fleets["etcsync"].source
        settings = read_text(self.scene.fleets["etcsync"].settings)
        scratch = self.scene.scratch
        settings = settings.replace(f"{scratch}/etcsync-", f"{scratch}/new-")
        self.settings = settings.partition("[[clients]]")[0]
        self.cloned = Fleet("cloned", [f"{scratch}/cloned-c{n}" for n in range(clients)], True)

    def contenders(self) -> list[Contender]:
        trees = self.scene.trees_file(self.cloned)
        clone = f'git clone -q {self.scene.etc}/.git "$tree"'
        loop = ["sh", "-ec", f"while read -r tree; do {clone}; done <{trees}"]
        return [
            Contender("etcsync init", self.new, self.scene.init_command(self.new)),
            Contender("loop of git clone", self.cloned, loop),
        ]

    def change(self, number: int) -> None:
        self.end()
        write_file(self.new.settings, self.settings)

    def check(self, contender: Contender, number: int) -> None:
        for tree in contender.fleet.trees:
            if not os.path.exists(os.path.join(tree, MERGED)):
                raise RuntimeError(f"{contender.name}: {tree} was not made")

    def end(self) -> None:
        state = f"{self.scene.scratch}/new-state"
        for directory in (*self.new.trees, *self.cloned.trees, state):
            shutil.rmtree(directory, ignore_errors=True)


class Adopt(Create):
    """Taking over the clones of a cluster that follows the guide."""

    title = "init, adopt clones"

    def contenders(self) -> list[Contender]:
        return super().contenders()[:1]

    def change(self, number: int) -> None:
        super().change(number)
        self.scene.each(self.new.trees, f'git clone -q {self.scene.etc}/.git "$1"')


class Start(Work):
    """One look at three clients: what it takes to start."""

    title = "status of 3 clients"

    def contenders(self) -> list[Contender]:
        names = [f"c{number}" for number in range(min(3, self.scene.clients))]
        found = [
            Contender(f"{fleet.name} status", fleet, fleet.etcsync("status", *names))
            for fleet in self.looked_at
        ]
        if "pull" in self.scene.fleets:
            fleet = self.scene.fleets["pull"]
            trees = " ".join(fleet.trees[:3])
            script = f'for tree in {trees}; do git -C "$tree" status --porcelain; done'
            found.append(Contender("loop of git status", fleet, ["sh", "-ec", script]))
        return found


def works(scene: Scene, kinds: Mapping[str, Kind]) -> dict[str, Work]:
    """Return all works by the names that ``--work`` takes."""
    return {
        "one-file": FanOut(scene, kinds, 1),
        "twenty-files": FanOut(scene, kinds, 20),
        "merge": Merge(scene, kinds),
        "conflict": Conflict(scene, kinds),
        "scan": Scan(scene, kinds),
        "scan-edited": ScanOneEach(scene, kinds),
        "start": Start(scene, kinds),
        "create": Create(scene, kinds),
        "adopt": Adopt(scene, kinds),
        "500-files": FanOut(scene, kinds, 500),
    }


NAMES: Sequence[str] = tuple(works(Scene("", 1), {}))
