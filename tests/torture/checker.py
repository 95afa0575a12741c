"""An independent judge of what etcsync promises: it walks, hashes and asks git by itself.

Nothing here uses etcsync's code. Paths are bytes below the top they were found under, contents are
told by the ids that git gives them (SHA-1 of ``blob SIZE NUL CONTENT``), and the hub is read with
``git --git-dir`` alone.
"""

import hashlib
import os
import re
import stat
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_NOTED_MODE = re.compile(rb"^maybe chmod ([0-7]+) '(?:\./)?([^'\n]+)'$", re.MULTILINE)
"""A line of ``.etckeeper``; not of names with quotes, which it writes in a way of its own."""

GIT = ("git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0")
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "LC_ALL": "C",
}


class BrokenPromiseError(AssertionError):
    """What a promise of etcsync's says is not so."""


class Thing(NamedTuple):
    """What stands at a path: ``file``, ``link``, ``dir`` or ``special``; a blob id; mode, owner."""

    kind: str
    blob: str
    mode: int
    uid: int
    gid: int


Survey = dict[bytes, Thing]
Version = tuple[bytes, str]


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def survey(top: Path | bytes, skipped: Iterable[bytes] = (b".git",)) -> Survey:
    """Return everything below ``top``, but for the names in ``skipped`` at the top itself.

    Where there is nothing at all, there is nothing below it.
    """
    top = os.fsencode(top)
    found: Survey = {}
    if not os.path.lexists(top):
        return found
    for directory, directories, files in os.walk(top, onerror=_fail):
        if directory == top:
            directories[:] = [name for name in directories if name not in skipped]
            files[:] = [name for name in files if name not in skipped]
        for name in (*directories, *files):
            place = os.path.join(directory, name)
            found[os.path.relpath(place, top)] = _thing(place)
    return found


def _fail(error: OSError) -> None:
    raise error


def _thing(place: bytes) -> Thing:
    state = os.lstat(place)
    kind, blob = "special", ""
    if stat.S_ISDIR(state.st_mode):
        kind = "dir"
    elif stat.S_ISLNK(state.st_mode):
        kind, blob = "link", blob_id(os.readlink(place))
    elif stat.S_ISREG(state.st_mode):
        with open(place, "rb") as stream:
            kind, blob = "file", blob_id(stream.read())
    return Thing(kind, blob, stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid)


def versions(found: Survey) -> set[Version]:
    """Return each path with the content or link target that it has."""
    return {(path, thing.blob) for path, thing in found.items() if thing.blob}


class Repository:
    """A git directory, read with git; what commits say is kept, for commits do not change."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._told: dict[frozenset[str], set[Version]] = {}

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(
            [*GIT, "--git-dir", str(self.directory), *arguments],
            input=stdin, env=ENVIRONMENT, cwd="/", capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise BrokenPromiseError(f"git {arguments}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def refs(self) -> dict[str, str]:
        if not self.directory.exists():
            return {}
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").decode().splitlines()
        return dict(line.split(" ") for line in lines)

    def history(self, *commits: str) -> set[Version]:
        """Return every (path, blob) that ``commits`` and what they descend from ever had."""
        wanted = frozenset(commits)
        if not wanted:
            return set()
        if wanted in self._told:
            return self._told[wanted]
        known = max(self._told, key=len, default=frozenset())
        text = "\n".join((*wanted, *(f"^{commit}" for commit in known), "")).encode()
        out = self.git(
            "log", "--stdin", "--raw", "-z", "--root", "-m", "--no-renames", "--no-abbrev",
            "--format=", stdin=text,
        )  # fmt: skip
        found = set(self._told.get(known, ()))
        fields = iter(out.split(b"\0"))
        for line in fields:
            if line.lstrip(b"\n").startswith(b":"):
                _, _, _, blob, _ = line.decode().split(" ")
                found.add((next(fields), blob))
        self._told = {wanted: found}
        return found

    def forget(self) -> None:
        self._told.clear()

    def tree(self, revision: str) -> dict[bytes, tuple[str, str]]:
        """Return mode and blob by path of one commit."""
        found = {}
        for line in self.git("ls-tree", "-r", "-z", revision).split(b"\0"):
            if line:
                about, _, path = line.partition(b"\t")
                mode, _, blob = about.decode().split(" ")
                found[path] = (mode, blob)
        return found


@dataclass
class Checker:
    """Watches a cluster from outside.

    Call `look` before anything runs, `check` after it, whatever became of it, and
    `check_reconciled` where it went through.

    Attributes:
        upstream: Upstream's working files.
        trees: The clients' trees by name.
        hub: The hub's directory.
        bench: Where new and old files wait beside the trees.
        around: What etcsync has no business with, but for the names in ``own``.
        own: Names at the top of ``around`` that etcsync may write to.
        generated: Paths that etcsync makes itself.
    """

    upstream: Path
    trees: Mapping[str, Path]
    hub: Path
    bench: Path
    around: Path
    own: frozenset[bytes]
    generated: frozenset[bytes] = frozenset({b".etckeeper"})
    kept: dict[str, set[Version]] = field(default_factory=dict)
    before: dict[str, Survey] = field(default_factory=dict)
    carried: dict[str, set[Version]] = field(default_factory=dict)
    promoted: set[Version] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.repositories = {name: Repository(self.hub) for name in self.trees}
        self.upstreams = Repository(self.upstream / ".git")
        self.whole = Repository(self.hub)

    def forget(self) -> None:
        """Ask git for everything anew: what was in history once must be there still."""
        for repository in (*self.repositories.values(), self.upstreams, self.whole):
            repository.forget()

    def look(self) -> None:
        """Take down what stands in every tree, upstream, and around them."""
        self.before = {name: survey(tree) for name, tree in self.trees.items()}
        self.upstream_before = survey(self.upstream)
        self.around_before = self._look_around()

    def note_promoted(self) -> None:
        """Take down what a killed promotion has put into upstream: the next run may take it back.

        It is the client's, or made of both sides'; so that nobody loses it.
        """
        self.promoted |= versions(survey(self.upstream)) - versions(self.upstream_before)

    def check(self, *, cut_off: bool = False) -> dict[str, Survey]:
        """Raise unless everything that stood somewhere is in place or in history.

        Args:
            cut_off: The run was killed: what came out of a tree may still lie on the bench.

        Returns:
            What stands in the trees now.
        """
        now = {name: survey(tree) for name, tree in self.trees.items()}
        refs = self.whole.refs()
        on_bench = {blob for _, blob in versions(survey(self.bench))} if cut_off else set()
        for name, found in now.items():
            self._nothing_lost(name, found, refs, on_bench)
            self._nothing_made_up(name, found, refs)
        self._upstream_lost_nothing()
        self._nothing_else_changed()
        left = [path for path, thing in survey(self.bench).items() if thing.kind != "dir"]
        if left and not cut_off:
            raise BrokenPromiseError(f"left on the bench: {left}")
        return now

    def _nothing_lost(
        self, name: str, found: Survey, refs: Mapping[str, str], on_bench: set[str]
    ) -> None:
        heads = [commit for ref, commit in refs.items() if _is_history(ref, name)]
        history = self.repositories[name].history(*heads)
        before = versions(self.before[name]) | self.carried.pop(name, set())
        in_tree = {blob for _, blob in versions(found)}
        missing = {
            (path, blob)
            for path, blob in before - versions(found) - history
            if blob not in in_tree and path not in self.generated
        }
        lost = {(path, blob) for path, blob in missing if blob not in on_bench}
        self.carried[name] = missing - lost
        kept = self.kept.setdefault(name, set())
        lost |= kept - history
        kept |= before & history
        if lost:
            raise BrokenPromiseError(f"{name} lost {sorted(lost)}")

    def _nothing_made_up(self, name: str, found: Survey, refs: Mapping[str, str]) -> None:
        """Whatever stands in a tree stood there before, or is in the hub, whole."""
        new = versions(found) - versions(self.before[name])
        if not new:
            return
        history = self.whole.history(*refs.values())
        blobs = {blob for _, blob in history} | {b for _, b in versions(self.before[name])}
        live = versions(survey(self.upstream))
        strange = {
            (path, blob)
            for path, blob in new - history - live
            if path not in self.generated and not _is_aside(path, blob, blobs)
        }
        if strange:
            raise BrokenPromiseError(f"{name} has what nobody wrote: {sorted(strange)}")
        scratch = [path for path in found if path.split(b"/")[0] == b".etcsync.tmp"]
        if scratch:
            raise BrokenPromiseError(f"{name} has left-overs: {scratch}")

    def _upstream_lost_nothing(self) -> None:
        now = survey(self.upstream)
        gone = versions(self.upstream_before) - versions(now)
        if gone:
            history = self.upstreams.history(*self.upstreams.refs().values())
            missing = gone - history - self.promoted
            lost = {(path, blob) for path, blob in missing if path not in self.generated}
            if lost:
                raise BrokenPromiseError(f"upstream lost {sorted(lost)}")

    def _look_around(self) -> Survey:
        """Return what is around, but for etcsync's own and its temporary files beside those."""
        names = os.listdir(os.fsencode(self.around))
        temporary = {
            name for name in names for own in self.own if name.startswith(b"." + own + b".")
        }
        return survey(self.around, self.own | temporary)

    def _nothing_else_changed(self) -> None:
        around = self._look_around()
        if around != self.around_before:
            changed = {p for p, _ in around.items() ^ self.around_before.items()}
            raise BrokenPromiseError(f"changed outside the trees: {sorted(changed)}")

    def check_reconciled(self, name: str, held: set[bytes], touched: set[bytes]) -> set[bytes]:
        """Raise unless every change of upstream's is applied, or the client's, or listed as held.

        Args:
            name: A client that a run has gone through for, and that is not suspended.
            held: The paths that are reported as held on it.
            touched: Paths that were ever written on its side, or that policy leaves to it.

        Returns:
            Of ``touched`` what is as upstream has it, and not held; nor is anything beneath it.
        """
        theirs = self.whole.tree("refs/heads/upstream")
        base = self.whole.tree(f"refs/etcsync/base/{name}")
        found = survey(self.trees[name])
        # Without etckeeper a mode is that of upstream's live file, which git need not know yet.
        kinds = [{(path, mode[:2], blob) for path, (mode, blob) in tree.items()}
                 for tree in (theirs, base)]  # fmt: skip
        differing = {path for path, _, _ in kinds[0] ^ kinds[1]} - self.generated
        if not differing <= held:
            raise BrokenPromiseError(f"{name}: neither applied nor held: {differing - held}")
        clean, apart = set(), set(held)
        for path in (theirs.keys() | found.keys()) - self.generated - held:
            same = _agrees(theirs.get(path), found.get(path))
            apart |= set() if same else {path}
            if path in touched:
                # What is special may stand where upstream has a directory, with files in it.
                special = path in found and found[path].kind == "special"
                clean |= {path} if same and not special else set()
            elif not same and not _is_under(path, touched):
                there, wanted = found.get(path), theirs.get(path)
                raise BrokenPromiseError(f"{name}: {path!r} is {there}, upstream has {wanted}")
        return {path for path in clean if not any(p.startswith(path + b"/") for p in apart)}

    def check_modes(self, name: str, spared: set[bytes]) -> None:
        """Raise unless what a client never touched has the modes that upstream's etckeeper noted.

        Args:
            name: A client that a run has gone through for, and that is not suspended.
            spared: The paths that are held on it or were ever written on its side.
        """
        noted = self.whole.git("show", "refs/heads/upstream:.etckeeper")
        theirs = self.whole.tree("refs/heads/upstream")
        found = survey(self.trees[name])
        for mode, path in _NOTED_MODE.findall(noted):
            # Of a name with a line break it notes each line as if that were a file.
            if path not in theirs or path in spared | self.generated or _is_under(path, spared):
                continue
            there = found.get(path)
            if there is None or there.mode != int(mode, 8):
                raise BrokenPromiseError(f"{name}: {path!r} is {there}, upstream has {mode!r}")


def _is_history(ref: str, name: str) -> bool:
    return ref == f"refs/heads/{name}" or ref.startswith(f"refs/etcsync/former/{name}/")


def _is_aside(path: bytes, blob: str, blobs: set[str]) -> bool:
    """Whether it was moved beside its place, as what cannot be recorded is."""
    return b".etcsync-" in path and blob in blobs


def _agrees(wanted: tuple[str, str] | None, there: Thing | None) -> bool:
    """Whether a tree has what a commit has; git knows nothing of directories and special files."""
    if wanted is None:
        return there is None or there.kind in {"dir", "special"}
    mode, blob = wanted
    return there is not None and (there.kind == "link") == (mode == "120000") and there.blob == blob


def _is_under(path: bytes, touched: set[bytes]) -> bool:
    """Whether the client wrote above the path, or below it."""
    above = path
    while above := os.path.dirname(above):
        if above in touched:
            return True
    return any(each.startswith(path + b"/") for each in touched)
