"""Measure etcsync side by side with what an administrator would otherwise run.

Every contender does the same work on trees built alike, in alternation, several times; so a load
that comes and goes meets all of them. Trees are made of a real root's /etc, in a scratch directory
that is removed at the end. Tables go to the terminal; they, the figures as JSON and a picture go to
.cache/bench/.
"""

import argparse
import glob
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping

import contenders
from contenders import CACHE, Contender, Kind, with_other
from measuring import Sample, count_tasks, run
from plot import picture
from results import Document, machine, markdown, result, size_on_disk, versions
from scene import Scene, write_file
from works import NAMES, Work, works


def main() -> int:
    arguments = _arguments()
    root = arguments.root or _find_root()
    if root is None:
        print("No root to take /etc from: run `make system` once, or name one with --root.")
        return 2
    kinds = with_other(arguments.against)
    wanted = arguments.contenders.split(",") if arguments.contenders else list(kinds)
    missing = {n: why for n in wanted if n in kinds and (why := kinds[n].missing())}
    chosen = {n: kind for n, kind in kinds.items() if n in wanted and n not in missing}
    scratch = tempfile.mkdtemp(prefix="etcsync-bench-", dir=arguments.scratch)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    document: Document = {
        "machine": machine(scratch),
        "versions": versions(contenders.ansible_playbook()),
        "missing": missing,
        "runs": [],
    }
    try:
        for clients in map(int, arguments.clients.split(",")):
            place = os.path.join(scratch, str(clients))
            document["runs"].append({"clients": clients, "works": [], "sizes": {}})
            for name, scene, work in _scenes(place, root, clients, chosen, arguments.work):
                done = _measure(name, work, arguments.rounds)
                document["runs"][-1]["works"].append(done)
                document["runs"][-1]["sizes"] = _sizes(scene)
                _store(document)
            shutil.rmtree(place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(markdown(document))
    print(f"The figures and a picture are in {CACHE}.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--clients", default="100", help="numbers of trees, e.g. 100,1000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", default=",".join(NAMES), help="some of: %(default)s")
    parser.add_argument("--contenders", default="", help=f"some of: {','.join(contenders.KINDS)}")
    parser.add_argument("--against", default="", help="another checkout of etcsync to measure")
    parser.add_argument("--root", help="whose /etc the trees are made of")
    parser.add_argument("--scratch", help="directory to build in  [default: a temporary one]")
    arguments = parser.parse_args()
    for given, known in ((arguments.work, NAMES), (arguments.contenders, contenders.KINDS)):
        unknown = {name for name in given.split(",") if name} - set(known)
        if unknown - {"other"}:
            parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return arguments


def _find_root() -> str | None:
    """Return the root that the system tests use."""
    if given := os.environ.get("ETCSYNC_TEST_ROOT"):
        return given
    pattern = os.path.join(os.path.dirname(CACHE), "debian-root-*")
    found = (path for path in glob.glob(pattern) if not path.endswith(".partial"))
    return max(filter(os.path.isdir, found), default=None)


def _scenes(
    place: str, root: str, clients: int, kinds: Mapping[str, Kind], names: str
) -> Iterator[tuple[str, Scene, Work]]:
    """Build the trees, then yield each work with its name."""
    os.mkdir(place)
    scene = Scene(place, clients)
    _tell(f"{clients} clients: building the trees")
    scene.build_upstream(root)
    for kind in kinds.values():
        kind.build(scene)
    every = works(scene, kinds)
    for name in names.split(","):
        yield name, scene, every[name]


def _measure(name: str, work: Work, rounds: int) -> Document:
    """Do one work in rounds, every contender once in each, each time another one first.

    The round before the first warms the caches and counts processes.
    """
    work.begin()
    parties = work.contenders()
    samples: dict[str, list[Sample]] = {each.name: [] for each in parties}
    tasks: dict[str, int | None] = {}
    for number in range(min(rounds, work.most_rounds) + 1):
        work.change(number)
        first = number % len(parties)
        for each in parties[first:] + parties[:first]:
            if number == 0:
                tasks[each.name] = count_tasks(each.command, work.scene.environment, work.allowed)
            else:
                samples[each.name].append(_sample(work, each))
            work.check(each, number)
        if number:
            taken = ", ".join(f"{name} {found[-1].seconds:.2f}" for name, found in samples.items())
            _tell(f"{work.title}, round {number}: {taken}")
    work.end()
    results = [
        result(each.name, samples[each.name], len(each.fleet.trees), tasks[each.name])
        for each in parties
    ]
    return {"name": name, "title": work.title, "results": results}


def _sample(work: Work, contender: Contender) -> Sample:
    # So that nobody pays for what another one left unwritten.
    os.sync()
    return run(contender.command, work.scene.environment, work.allowed)


def _sizes(scene: Scene) -> dict[str, float]:
    """Return what the history of one client takes up, in bytes."""
    sizes = {}
    if "etcsync" in scene.fleets:
        hub = os.path.join(scene.scratch, "etcsync-state", "hub.git")
        sizes["hub per client"] = size_on_disk(hub) / scene.clients
    if "pull" in scene.fleets:
        git = os.path.join(scene.fleets["pull"].trees[0], ".git")
        sizes["a clone's .git"] = size_on_disk(git)
    return sizes


def _store(document: Document) -> None:
    os.makedirs(CACHE, exist_ok=True)
    write_file(os.path.join(CACHE, "bench.json"), json.dumps(document, indent=1) + "\n")
    write_file(os.path.join(CACHE, "bench.md"), markdown(document))
    write_file(os.path.join(CACHE, "bench.svg"), picture(document))


def _tell(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
