"""All at once: clients that write without rest, upstream's commits, two command lines, a daemon.

Everybody is a process of its own. A client never destroys a version without knowing: it exchanges
its new file for what stands there, or moves away what it deletes, and looks at what came out. So
of each token that it ever wrote it is known whether the client itself did away with it; every
other one has to be in the tree or in history when all has come to rest.
"""

import json
import multiprocessing
import os
import random
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path

from cluster import Cluster, git, sample_cluster
from daemon_support import daemon_settings, running
from torture.checker import BrokenPromiseError, Checker, Repository
from torture.machine import CLIENTS, CLIENTS_OWN, GENERATED, LIMITS, MEMORY, OWN

from etcsync import system_calls

MERGED = ("motd", "chrony.conf", "locale.conf", "a", "a/b", "d/x", "d/y", "d/e/z", "new", "sudoers")
PUT_BACK = ("pacman.conf", *(f"pacman.d/{number}" for number in range(12)))
"""What policy gives to upstream: every run takes away what a client wrote there."""

PATHS = (*MERGED, *PUT_BACK)
"""What upstream and clients are all at work at."""

WATCHED = "hosts"
"""What upstream alone writes, all lines alike, and what is read all the time."""

TOKEN = re.compile(rb"<\w+-\d+>")
COMMANDS = (
    ("sync",), ("sync",), ("sync", "client0"), ("sync", "client1", "client2"),
    ("promote", "client0"), ("promote", "client1", "motd"), ("promote", "client2", "d/x"),
    ("resolve",), ("resolve",), ("status",),
)  # fmt: skip

OVERTAKEN = (
    "somebody committed in", "upstream is busy", "does not differ from upstream",
    "edits that are not committed", "nothing that is held has",
    "kept changing while it was written to", "one side has no file there",
)  # fmt: skip
"""What a command may be refused with, because somebody else was first."""


def torment(seconds: float, seed: int) -> Counter[str]:
    """Let everybody loose for some time, then see that nothing was lost.

    Returns:
        How often what was done.

    Raises:
        BrokenPromiseError: A promise is broken.
    """
    with _cluster() as cluster:
        actors: list[Actor] = [Client(cluster, name, seed) for name in CLIENTS]
        actors += [Upstream(cluster, "upstream", seed), Reader(cluster, "reader", seed)]
        actors += [Administrator(cluster, name, seed) for name in ("admin0", "admin1")]
        with running(cluster) as daemon:
            told = _let_loose(actors, seconds)
            daemon.end()
            passes = len(daemon.passes())
        _at_rest(cluster, told)
        return sum((each.done for each in told), Counter({"daemon passes": passes}))


@dataclass
class Told:
    """What one of them did.

    Attributes:
        name: Who.
        done: How often what was done.
        written: Every token that it wrote.
        removed: Those that it did away with itself.
        complaints: What must not have happened.
    """

    name: str
    done: Counter[str] = field(default_factory=Counter)
    written: set[bytes] = field(default_factory=set)
    removed: set[bytes] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)


class Actor:
    """Somebody who does one thing after another until told to stop."""

    def __init__(self, cluster: Cluster, name: str, seed: int) -> None:
        self.cluster = cluster
        self.told = Told(name)
        self.chance = random.Random(f"{seed} {name}")

    def act(self, stop: Event) -> Told:
        while not stop.is_set():
            self.step()
        return self.told

    def step(self) -> None:
        raise NotImplementedError

    def token(self) -> bytes:
        token = b"<%s-%d>" % (self.told.name.encode(), len(self.told.written))
        self.told.written.add(token)
        return token


class Client(Actor):
    """A client at work in its tree."""

    def __init__(self, cluster: Cluster, name: str, seed: int) -> None:
        super().__init__(cluster, name, seed)
        self.tree = cluster.tree(name)
        self.desk = cluster.place / "outside" / name
        self.desk.mkdir(parents=True)

    def step(self) -> None:
        path = self.tree / self.chance.choice(PATHS)
        action = self.chance.choice((self.write, self.write, self.append, self.delete, self.move))
        with suppress(OSError):  # somebody was there before
            action(path)
            self.told.done[f"client {action.__name__}"] += 1
        time.sleep(self.chance.random() * 0.02)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = self.desk / "new"
        new.write_bytes(b"".join(b"%s\n" % self.token() for _ in range(3)))
        try:
            _rename(new, path, system_calls.RENAME_EXCHANGE)
        except FileNotFoundError:
            try:
                _rename(new, path, system_calls.RENAME_NOREPLACE)
            except OSError:
                self.do_away(new)  # it never was in the tree
                raise
            return
        self.do_away(new)

    def append(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            os.write(descriptor, b"%s\n" % self.token())
        finally:
            os.close(descriptor)

    def delete(self, path: Path) -> None:
        _rename(path, self.desk / "old", system_calls.RENAME_NOREPLACE)
        self.do_away(self.desk / "old")

    def move(self, path: Path) -> None:
        other = self.tree / self.chance.choice((*PATHS, "d2", "moved"))
        _rename(path, other, system_calls.RENAME_NOREPLACE)

    def do_away(self, place: Path) -> None:
        """Note what was in there, and delete it."""
        if place.is_dir() and not place.is_symlink():
            for below in list(place.rglob("*")):
                if below.is_file():
                    self.told.removed |= set(TOKEN.findall(below.read_bytes()))
            shutil.rmtree(place)
            return
        if place.is_file():
            self.told.removed |= set(TOKEN.findall(place.read_bytes()))
        place.unlink()


class Upstream(Actor):
    """Who keeps the root's /etc, with plain git."""

    def step(self) -> None:
        etc = self.cluster.etc
        with suppress(OSError, AssertionError):  # etcsync is at work in it, and git says so
            place = etc / self.chance.choice(PATHS)
            if place.is_dir():
                shutil.rmtree(place)
            elif self.chance.random() < 0.2:
                place.unlink()
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(b"".join(b"%s\n" % self.token() for _ in range(3)))
            (etc / WATCHED).write_bytes((self.token() + b"\n") * 500)
            self.cluster.commit()
            self.told.done["commits"] += 1
        time.sleep(self.chance.random() * 0.5)


class Reader(Actor):
    """Programs on the clients, which read a file that none of them writes."""

    def step(self) -> None:
        for name in CLIENTS:
            try:
                lines = set((self.cluster.tree(name) / WATCHED).read_bytes().splitlines())
            except FileNotFoundError:
                self.told.complaints.append(f"{name}: {WATCHED} is missing")
                continue
            if len(lines) > 1 and not any(b"localhost" in line for line in lines):
                self.told.complaints.append(f"{name}: {WATCHED} is mixed: {lines}")
            self.told.done["reads"] += 1
        time.sleep(0.01)


class Administrator(Actor):
    """Somebody at a command line of etcsync."""

    def step(self) -> None:
        command = self.chance.choice(COMMANDS)
        arguments = self.decision() if command == ("resolve",) else command
        if not arguments:
            return
        answer = self.cluster.run(*arguments, status=None)
        self.told.done[f"{arguments[0]}: {answer.status}"] += 1
        said = answer.out + answer.err
        if answer.status not in {0, 1} and not any(each in said for each in OVERTAKEN):
            self.told.complaints.append(f"{arguments}: {answer}")

    def decision(self) -> tuple[str, ...]:
        answer = self.cluster.run("conflicts", "--json", status=None)
        held = [conflict["id"] for conflict in _conflicts(json.loads(answer.out))]
        way = self.chance.choice(("--upstream", "--client", "--union"))
        return ("resolve", self.chance.choice(held), way) if held else ()


def _conflicts(found: object) -> Iterator[dict[str, str]]:
    if isinstance(found, dict):
        if "id" in found and "reason" in found:
            yield found
        for each in found.values():
            yield from _conflicts(each)
    elif isinstance(found, list):
        for each in found:
            yield from _conflicts(each)


@contextmanager
def _cluster() -> Iterator[Cluster]:
    in_memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="etcsync-together-", dir=in_memory) as base:
        cluster = sample_cluster(Path(base), extra=LIMITS + daemon_settings("2s", settle=0.1))
        cluster.sync()
        yield cluster


def _let_loose(actors: list[Actor], seconds: float) -> list[Told]:
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    answers = context.SimpleQueue()
    processes = [
        context.Process(target=_perform, args=(actor.act, stop, answers)) for actor in actors
    ]
    for process in processes:
        process.start()
    time.sleep(seconds)
    stop.set()
    told = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    if failed := [each for each in told if isinstance(each, str)]:
        raise BrokenPromiseError("; ".join(failed))
    return told


def _perform(
    act: Callable[[Event], Told], stop: Event, answers: "multiprocessing.SimpleQueue[Told | str]"
) -> None:
    try:
        answers.put(act(stop))
    except BaseException as error:  # noqa: BLE001 - whatever it is, whoever waits has to hear of it
        answers.put(f"{type(error).__name__}: {error}")


def _at_rest(cluster: Cluster, told: list[Told]) -> None:
    """Sync once more, and see that everything is where it belongs."""
    if complaints := [complaint for each in told for complaint in each.complaints]:
        raise BrokenPromiseError("; ".join(complaints[:9]))
    trees = {name: cluster.tree(name) for name in CLIENTS}
    hub = cluster.state / "hub.git"
    own = OWN | {name.encode() for name in os.listdir(cluster.place) if name.startswith("daemon-")}
    checker = Checker(
        cluster.etc, trees, hub, cluster.place / ".etcsync", cluster.place, own, GENERATED
    )
    git(cluster.etc, "add", "-A")
    git(cluster.etc, "commit", "-q", "--allow-empty", "-m", "the last")
    checker.look()
    run = cluster.sync(status=None)
    checker.check()
    for client in run["clients"]:
        if client["error"]:
            raise BrokenPromiseError(f"{client['name']}: {client['error']}")
        held = {os.fsencode(conflict["path"]) for conflict in client["conflicts"]}
        touched = CLIENTS_OWN | {path.encode() for path in (*PATHS, "d2", "moved")}
        checker.check_reconciled(client["name"], held, touched)
    for each in told:
        if each.name in trees:
            lost = each.written - each.removed - _known(hub, each.name, trees[each.name])
            if lost:
                raise BrokenPromiseError(f"{each.name} lost {sorted(lost)} of {len(each.written)}")
    for repository in (hub, cluster.etc / ".git"):
        said = git(cluster.place, f"--git-dir={repository}", "fsck", "--no-dangling")
        if said.strip():
            raise BrokenPromiseError(said)


def _known(hub: Path, name: str, tree: Path) -> set[bytes]:
    """Return the tokens that are in a tree or in its history."""
    repository = Repository(hub)
    heads = [ref for ref in repository.refs() if f"/{name}/" in f"{ref}/"]
    listed = repository.git("rev-list", "--objects", "--no-object-names", *heads)
    found = set(TOKEN.findall(repository.git("cat-file", "--batch", stdin=listed)))
    for place in tree.rglob("*"):
        if place.is_file() and not place.is_symlink():
            found |= set(TOKEN.findall(place.read_bytes()))
    return found


def _rename(old: Path, new: Path, flags: int) -> None:
    here = os.open("/", os.O_PATH)
    try:
        system_calls.renameat2(here, os.fsencode(old), here, os.fsencode(new), flags)
    finally:
        os.close(here)
